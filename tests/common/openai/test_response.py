"""Responses as the SDK's own types have them, whatever the request and the answer were."""

from typing import Any

import pytest
from hypothesis import given, strategies as st
from openai.types.responses import Response
from openai.types.responses.response_item_list import ResponseItemList

from common.openai.echo import echoed, echoed_chat
from common.openai.input_items import chat_input_items, input_items
from common.openai.output import response_text
from common.openai.response import adopted, completed_response, response, response_error
from common.openai.usage import response_usage
from common.task import new_task_id, parse_task_id

TASK_ID = new_task_id()
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CALL = st.fixed_dictionaries(
    {"type": st.just("function"), "function": st.fixed_dictionaries({"name": st.text(), "arguments": st.text()})},
    optional={"id": st.text()},
)
TOKEN = st.fixed_dictionaries(
    {"token": st.text(max_size=3), "logprob": st.floats(max_value=0, allow_infinity=False, allow_nan=False)},
    optional={"bytes": st.none() | st.lists(st.integers(0, 255), max_size=3), "top_logprobs": st.just([])},
)
COMPLETION = st.fixed_dictionaries(
    {
        "choices": st.tuples(
            st.fixed_dictionaries(
                {
                    "message": st.fixed_dictionaries(
                        {"role": st.just("assistant"), "content": st.none() | st.text()},
                        optional={
                            "refusal": st.none() | st.text(),
                            "tool_calls": st.none() | st.lists(CALL, max_size=3),
                        },
                    ),
                    "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "content_filter", None]),
                },
                optional={"logprobs": st.none() | st.fixed_dictionaries({"content": st.lists(TOKEN, max_size=2)})},
            )
        ).map(list)
    },
    optional={"model": st.text(), "usage": JSON},
)
NAMES = (
    "background", "instructions", "max_output_tokens", "metadata", "model", "parallel_tool_calls", "reasoning",
    "service_tier", "store", "temperature", "text", "top_logprobs", "top_p", "truncation", "user", "safety_identifier",
)  # fmt: skip
REQUEST = st.dictionaries(st.sampled_from(NAMES), JSON)


def completed(completion: dict[str, Any], request: dict[str, Any] | None = None) -> dict[str, Any]:
    echo = echoed({"model": "m", **(request or {})})
    return completed_response(TASK_ID, echo, completion, run=1, attempt=2, created_at=100.7, completed_at=101.2)


@given(completion=COMPLETION, request=REQUEST)
def test_whatever_was_asked_and_answered_the_sdk_reads_it(completion: dict[str, Any], request: dict[str, Any]) -> None:
    whole = completed(completion, request)
    read = Response.model_validate(whole)
    message = completion["choices"][0]["message"]
    assert read.output_text == (message["content"] or "")
    assert (response_text(whole) or "") == read.output_text
    assert parse_task_id(read.id) == TASK_ID
    assert len({item.id for item in read.output}) == len(read.output) > 0


@given(request=REQUEST)
def test_an_unfinished_one_says_what_was_asked(request: dict[str, Any]) -> None:
    Response.model_validate(response(TASK_ID, echoed(request), status="queued", created_at=5.0))


@given(body=st.dictionaries(st.sampled_from([*NAMES, "max_tokens", "tools", "tool_choice", "response_format"]), JSON))
def test_a_chat_is_shown_as_one(body: dict[str, Any]) -> None:
    echo = echoed_chat(body, {"a": "b"})
    read = Response.model_validate(response(TASK_ID, echo, status="in_progress", created_at=5.0))
    assert (read.background, read.metadata) == (True, {"a": "b"})


def test_what_was_asked_is_repeated() -> None:
    asked = {
        "model": "m", "instructions": "be brief", "metadata": {"k": "v"}, "temperature": 0.5, "top_p": 0.9, "user": "u",
        "max_output_tokens": 9, "background": True, "store": False, "parallel_tool_calls": False, "tool_choice": "none",
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "reasoning": {"effort": "low"}, "truncation": "auto",
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    }  # fmt: skip
    read = Response.model_validate(response(TASK_ID, echoed(asked), status="queued", created_at=5.0)).model_dump()
    for name in ("model", "instructions", "metadata", "temperature", "top_p", "user", "max_output_tokens", "background",
                 "store", "parallel_tool_calls", "tool_choice", "truncation"):  # fmt: skip
        assert read[name] == asked[name]
    assert (read["tools"][0]["name"], read["reasoning"]["effort"]) == ("f", "low")
    assert (read["text"]["format"]["name"], read["created_at"], read["status"]) == ("n", 5, "queued")


@pytest.mark.parametrize(
    ("finish_reason", "status", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_an_answer_cut_short_is_incomplete(finish_reason: str, status: str, reason: str | None) -> None:
    whole = completed({"choices": [{"message": {"content": "a"}, "finish_reason": finish_reason}]})
    assert (whole["status"], whole["output"][0]["status"]) == (status, status)
    assert (whole["incomplete_details"] or {}).get("reason") == reason


def test_calls_of_functions_are_items_behind_the_text() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    whole = completed(
        {"choices": [{"message": {"content": "well", "tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    )
    assert [item["type"] for item in whole["output"]] == ["message", "function_call"]
    assert (whole["output"][1]["call_id"], whole["output"][1]["name"], whole["output"][1]["arguments"]) == (
        "c1",
        "f",
        "{}",
    )
    alone = completed(
        {"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    )
    assert [item["type"] for item in alone["output"]] == ["function_call"]
    assert response_text(alone) is None


@pytest.mark.parametrize("completion", [{}, {"choices": []}, {"choices": ["a"]}, {"choices": [{"message": None}]}])
def test_an_answer_without_a_message_is_none(completion: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no message"):
        completed(completion)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({"prompt_tokens": 3}, None),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 0, 4, 0, 7)),
        (
            {
                "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 8,
                "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 1},
            },
            (3, 2, 4, 1, 8),
        ),
        (
            {
                "input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
                "input_tokens_details": {"cached_tokens": 2}, "output_tokens_details": {"reasoning_tokens": 1},
            },
            (3, 2, 4, 1, 7),
        ),
    ],
)  # fmt: skip
def test_usage_is_counted_in_the_words_of_responses(usage: Any, expected: tuple[int, ...] | None) -> None:
    found = response_usage(usage)
    if found is None:
        assert expected is None
        return
    assert (
        found["input_tokens"],
        found["input_tokens_details"]["cached_tokens"],
        found["output_tokens"],
        found["output_tokens_details"]["reasoning_tokens"],
        found["total_tokens"],
    ) == expected


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("rate_limit_error", "rate_limit_exceeded"),
        ("insufficient_quota", "rate_limit_exceeded"),
        ("invalid_request_error", "invalid_prompt"),
        ("timeout_error", "server_error"),
        (None, "server_error"),
    ],
)
def test_an_error_has_a_code_that_the_sdk_knows(kind: str | None, code: str) -> None:
    error = response_error({"type": kind, "message": "why"})
    assert error == {"code": code, "message": "why"}
    Response.model_validate(response(TASK_ID, echoed({}), status="failed", created_at=5.0, error=error))


def test_a_native_one_is_adopted_under_our_id() -> None:
    theirs = {
        **completed({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}),
        "id": "resp_theirs", "background": False, "store": False, "metadata": {}, "model": "m-2026",
    }  # fmt: skip
    theirs["output"].insert(0, {"type": "reasoning", "id": "rs_1", "summary": []})
    echo = echoed({"model": "m", "background": True, "metadata": {"k": "v"}})
    ours = adopted(theirs, TASK_ID, echo, created_at=7.9, message_id="msg_ours")
    read = Response.model_validate(ours)
    assert parse_task_id(read.id) == TASK_ID
    assert (read.background, read.metadata, read.model, read.created_at) == (True, {"k": "v"}, "m-2026", 7)
    assert [item.id for item in read.output] == ["rs_1", "msg_ours"]
    assert read.output_text == "a"


def test_a_native_one_that_says_little_is_made_whole() -> None:
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": []}
    ours = adopted({"output": [message]}, TASK_ID, echoed({"model": "m"}), created_at=7.9, message_id="msg_ours")
    read = Response.model_validate(ours)
    assert (read.status, read.model, read.output[0].id, read.usage) == ("completed", "m", "msg_ours", None)


@pytest.mark.parametrize(
    "items",
    [
        input_items({"input": "hello"}, TASK_ID),
        input_items(
            {
                "input": [
                    {"role": "user", "content": "q"},
                    {"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]},
                    {"role": "assistant", "content": "a"},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c", "output": "1"},
                ]
            },
            TASK_ID,
        ),
        chat_input_items(
            {
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": [{"type": "text", "text": "q"}]},
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                    },
                    {"role": "tool", "tool_call_id": "c", "content": "1"},
                ]
            },
            TASK_ID,
        ),
    ],
)
def test_input_is_listed_as_items_that_the_sdk_reads(items: list[dict[str, Any]]) -> None:
    page = {"object": "list", "data": items, "first_id": items[0]["id"], "last_id": items[-1]["id"], "has_more": False}
    read = ResponseItemList.model_validate(page)
    assert len({item.id for item in read.data}) == len(items)


@given(
    body=st.dictionaries(
        st.sampled_from(["input", "messages"]),
        JSON | st.lists(st.dictionaries(st.sampled_from(["type", "role", "content", "tool_calls"]), JSON), max_size=3),
    )
)
def test_no_input_breaks_the_list(body: dict[str, Any]) -> None:
    input_items(body, TASK_ID)
    chat_input_items(body, TASK_ID)
