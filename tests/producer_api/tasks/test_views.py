from typing import Any

import orjson
import pytest

from common.result import Result, encode_result
from common.store.state import TaskState
from common.task import Lane, Status, new_task_id
from producer_api.tasks.views import task_view

TASK_ID = new_task_id()


def ended(body: bytes | None, *, endpoint: str = "/v1/chat/completions") -> TaskState:
    result = Result(
        task_id=TASK_ID,
        tenant="local",
        status=Status.COMPLETED,
        created_at=1.0,
        expires_at=3.0,
        finished_at=2.0,
        endpoint=endpoint,
        status_code=200,
        body=body,
    )
    return state(Status.COMPLETED, encode_result(result))


def state(status: Status, result: bytes | None) -> TaskState:
    return TaskState(
        task_id=TASK_ID,
        status=status,
        run=1,
        tenant="local",
        lane=Lane.INTERACTIVE,
        progress=100,
        attempts=1,
        created_at=1.0,
        expires_at=3.0,
        result=result,
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"choices": [{"message": {"content": "yes"}}]}, "yes"),
        ({"choices": [{"message": {"content": ""}}]}, ""),
        ({"choices": [{"message": {"content": "first"}}, {"message": {"content": "second"}}]}, "first"),
        ({"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]}, None),
        ({"choices": [{"message": {"content": [{"type": "text"}]}}]}, None),
        ({"choices": [{"message": None}]}, None),
        ({"choices": [None]}, None),
        ({"choices": []}, None),
        ({"choices": None}, None),
        ({}, None),
        ([], None),
        ("text", None),
        (None, None),
    ],
)
def test_the_text_is_the_first_choice_s_and_none_where_there_is_none(body: Any, text: str | None) -> None:
    view = task_view(TASK_ID, ended(orjson.dumps(body)))
    assert (view["status"], view["result"]) == ("completed", text)


def test_an_answer_without_a_body_has_no_text() -> None:
    assert task_view(TASK_ID, ended(None))["result"] is None


def test_another_endpoint_s_answer_is_not_read_as_a_chat() -> None:
    body = orjson.dumps({"choices": [{"message": {"content": "no"}}]})
    assert task_view(TASK_ID, ended(body, endpoint="/v1/embeddings"))["result"] is None


def test_a_result_that_has_passed_its_time_leaves_the_task_readable() -> None:
    view = task_view(TASK_ID, state(Status.COMPLETED, None))
    assert (view["status"], view["result"], view["usage"]) == ("completed", None, None)


def test_a_result_of_an_earlier_run_is_not_shown_for_the_one_under_way() -> None:
    earlier = ended(orjson.dumps({"choices": [{"message": {"content": "earlier"}}]})).result
    assert task_view(TASK_ID, state(Status.PROCESSING, earlier))["result"] is None


def test_an_unknown_id_is_answered_as_it_was_asked() -> None:
    assert task_view("resp_x", None) == {"task_id": "resp_x", "status": "not_found"}
