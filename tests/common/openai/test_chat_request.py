from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, strategies as st

from common.openai.chat_request import chat_request
from common.openai.refusal import Untranslatable

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hello", **fields}


def messages(given: list[Any]) -> Any:
    return chat_request(asked(input=given))["messages"]


def test_a_text_is_one_message_of_the_user() -> None:
    assert chat_request({"model": "m", "input": "hello"}) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_output_tokens": 7}, {"max_completion_tokens": 7}),
        ({"temperature": 0.5, "top_p": 0.9, "user": "u"}, {"temperature": 0.5, "top_p": 0.9, "user": "u"}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": {}}, {}),
        ({"text": {"verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
                }
            },
        ),
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        ({"include": ["reasoning.encrypted_content"]}, {}),
        ({"truncation": "disabled", "previous_response_id": None, "tools": []}, {}),
        ({"background": True, "store": True, "stream": True, "stream_options": {"include_obfuscation": False}}, {}),
        ({"metadata": {"a": "b"}, "max_tool_calls": 3}, {}),
        ({"seed": 4, "stop": ["x"], "vendor": {"own": 1}}, {"seed": 4, "stop": ["x"], "vendor": {"own": 1}}),
        ({"parallel_tool_calls": False}, {}),
    ],
)
def test_a_parameter_becomes_what_chats_call_it(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    base = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    assert chat_request(asked(**fields)) == {**base, **expected}


def test_functions_are_boxed_and_so_is_the_choice_of_one() -> None:
    tool = {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA, "strict": True}
    chat = chat_request(
        asked(tools=[tool], tool_choice={"type": "function", "name": "weather"}, parallel_tool_calls=False)
    )
    boxed = {"name": "weather", "description": "d", "parameters": SCHEMA, "strict": True}
    assert chat["tools"] == [{"type": "function", "function": boxed}]
    assert chat["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert chat["parallel_tool_calls"] is False


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_choice_by_word_stays_the_word(choice: str) -> None:
    assert chat_request(asked(tools=[{"type": "function", "name": "f"}], tool_choice=choice))["tool_choice"] == choice


def test_allowed_tools_are_boxed() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}
    chat = chat_request(asked(tools=[{"type": "function", "name": "f"}], tool_choice=choice))
    boxed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}
    assert chat["tool_choice"] == {"type": "allowed_tools", "allowed_tools": boxed}


def test_instructions_come_first() -> None:
    assert chat_request(asked(instructions="be brief"))["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
    ]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"role": "user", "content": "a"}, {"role": "user", "content": "a"}),
        ({"type": "message", "role": "developer", "content": "a"}, {"role": "system", "content": "a"}),
        (
            {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"role": "user", "content": "a"},
        ),
        (
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": [
                {"type": "output_text", "text": "a", "annotations": []}, {"type": "output_text", "text": "b"}]},
            {"role": "assistant", "content": "ab"},
        ),
        (
            {"role": "user", "content": [
                {"type": "input_text", "text": "what?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}]},
            {"role": "user", "content": [
                {"type": "text", "text": "what?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}]},
        ),
        (
            {"type": "function_call_output", "call_id": "c1", "output": "12"},
            {"role": "tool", "tool_call_id": "c1", "content": "12"},
        ),
        (
            {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "12"}]},
            {"role": "tool", "tool_call_id": "c1", "content": "12"},
        ),
    ],
)  # fmt: skip
def test_an_item_is_a_message(item: dict[str, Any], message: dict[str, Any]) -> None:
    assert messages([item]) == [message]


def test_calls_join_the_message_before_them_and_thoughts_are_left_out() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    boxed = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert messages([{"role": "user", "content": "q"}, {"type": "reasoning", "summary": []}, call]) == [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [boxed]},
    ]
    assert messages([{"role": "assistant", "content": "well"}, call, {**call, "call_id": "c2"}]) == [
        {"role": "assistant", "content": "well", "tool_calls": [boxed, {**boxed, "id": "c2"}]}
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"truncation": "auto"}, "truncation"),
        ({"tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]}, "tools[1]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": "web"}, "tools"),
        ({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "mcp"}}, "tool_choice"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format"),
        ({"text": "json"}, "text"),
        ({"reasoning": "low"}, "reasoning"),
        ({"instructions": ["be", "brief"]}, "instructions"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ["hello"]}, "input[0]"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "robot", "content": "a"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "web_search_call", "id": "ws"}]}, "input[0]"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": 3}]}, "input[0].output"),
        ({"include": "all"}, "include"),
    ],
)
def test_what_has_no_place_in_a_chat_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Untranslatable) as refused:
        chat_request(asked(**fields))
    assert refused.value.param == param
    assert f"`{param}`" in refused.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ITEM_FIELDS = ("type", "role", "content", "call_id", "name", "arguments", "output", "text", "image_url")
TYPES = st.sampled_from(["message", "function_call", "function_call_output", "input_text", "input_image", "reasoning"])
ITEM = st.dictionaries(st.sampled_from(ITEM_FIELDS), JSON | TYPES | st.lists(st.dictionaries(st.just("type"), TYPES)))
FIELDS = (
    "tools",
    "tool_choice",
    "text",
    "reasoning",
    "truncation",
    "include",
    "top_logprobs",
    "instructions",
    "prompt",
)


@given(items=st.lists(ITEM, max_size=3), fields=st.dictionaries(st.sampled_from(FIELDS), JSON | st.lists(ITEM)))
def test_whatever_comes_is_translated_or_refused(items: list[Any], fields: dict[str, Any]) -> None:
    with suppress(Untranslatable):
        chat = chat_request({"model": "m", "input": items, **fields})
        assert all(message["role"] in {"system", "user", "assistant", "tool"} for message in chat["messages"])
