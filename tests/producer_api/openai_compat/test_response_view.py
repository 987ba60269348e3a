"""Tasks of every kind and state as Responses."""

from typing import Any

import orjson
import pytest
from openai.types.responses import Response

from common.result import ApiError, Result, encode_result
from common.store.state import TaskState
from common.task import CHAT_COMPLETIONS, EMBEDDINGS, RESPONSES, Lane, Status, new_task_id, parse_task_id
from producer_api.openai_compat.response_view import queued_response, response_view
from producer_api.request_cache import TaskRequest

TASK_ID = new_task_id()
ASKED = TaskRequest(RESPONSES, {"model": "m", "input": "hello", "background": True, "metadata": {"k": "v"}}, {"k": "v"})
CHAT = TaskRequest(CHAT_COMPLETIONS, {"model": "m", "messages": [], "max_tokens": 9}, {"k": "v"})
COMPLETION = {"model": "m-1", "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}


def state_of(status: Status, **result: Any) -> TaskState:
    """A task in that state; with its result record where `result` has any of its fields."""
    record = None
    if result:
        record = encode_result(
            Result(
                **{
                    "task_id": TASK_ID, "tenant": "t", "status": status, "created_at": 5.5, "expires_at": 100.0,
                    "finished_at": 9.9, "endpoint": RESPONSES, "attempts": 1, "metadata": {"k": "v"}, **result,
                }
            )
        )  # fmt: skip
    return TaskState(
        TASK_ID, status, 1, "t", Lane.INTERACTIVE, 0, 1, 5.5, 100.0, finished_at=9.9 if record else None, result=record
    )  # fmt: skip


def shown(state: TaskState, request: TaskRequest | None) -> Response:
    view = response_view(state, request)
    assert view is not None
    assert parse_task_id(view["id"]) == TASK_ID
    return Response.model_validate(view)


@pytest.mark.parametrize("request_", [ASKED, CHAT, None])
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.QUEUED, "queued"),
        (Status.PROCESSING, "in_progress"),
        (Status.CANCELLED, "cancelled"),
        (Status.EXPIRED, "failed"),
        (Status.FAILED, "failed"),
    ],
)
def test_a_task_without_an_answer_is_shown(request_: TaskRequest | None, status: Status, said: str) -> None:
    response = shown(state_of(status), request_)
    assert (response.status, response.background, response.output) == (said, True, [])
    assert (response.error is None) == (said != "failed")
    assert (response.created_at, response.model) == (5, "" if request_ is None else "m")


def test_why_it_failed_is_told() -> None:
    error = ApiError(message="Too much.", type="rate_limit_error", code="rate_limited")
    response = shown(state_of(Status.FAILED, error=error), ASKED)
    assert response.error is not None
    assert (response.error.code, response.error.message) == ("rate_limit_exceeded", "Too much.")


def test_a_stored_response_is_shown_as_it_is() -> None:
    body = queued_response(TASK_ID, ASKED, created_at=5.5) | {"status": "completed"}
    state = state_of(Status.COMPLETED, status_code=200, body=orjson.dumps(body))
    assert response_view(state, None) == response_view(state, ASKED) == body


@pytest.mark.parametrize("request_", [CHAT, None])
def test_a_chat_that_was_answered_is_shown_as_one(request_: TaskRequest | None) -> None:
    state = state_of(Status.COMPLETED, endpoint=CHAT_COMPLETIONS, status_code=200, body=orjson.dumps(COMPLETION))
    response = shown(state, request_)
    assert (response.status, response.output_text, response.model) == ("completed", "hi", "m-1")
    assert (response.metadata, response.completed_at) == ({"k": "v"}, 9)
    assert response.max_output_tokens == (None if request_ is None else 9)


@pytest.mark.parametrize(
    ("state", "request_"),
    [
        (state_of(Status.COMPLETED, endpoint=EMBEDDINGS, status_code=200, body=b'{"data": []}'), None),
        (state_of(Status.QUEUED), TaskRequest(EMBEDDINGS, {"input": "x"}, {})),
        (state_of(Status.COMPLETED), ASKED),
        (state_of(Status.COMPLETED), CHAT),
        (state_of(Status.COMPLETED, endpoint=CHAT_COMPLETIONS, status_code=200, body=b'{"choices": []}'), CHAT),
    ],
)
def test_what_is_no_response_is_shown_as_none(state: TaskState, request_: TaskRequest | None) -> None:
    assert response_view(state, request_) is None
