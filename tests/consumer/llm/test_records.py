import orjson
import pytest
from hypothesis import given, strategies as st

from common.result import decode_result, on_one_line
from common.store.claims import Claim
from common.store.state import TaskState
from common.task import Lane, Status
from consumer.llm.classification import classify_answer
from consumer.llm.decision import decide
from consumer.llm.outcomes import Answered
from consumer.llm.records import concluded_result, outgoing_records, stored_result
from consumer.llm.retry_policy import RetryPolicy
from tests.consumer.llm.harness import NAMES, a_delivery, a_task

TASK = a_task(metadata={"order": 1}, lane=Lane.BATCH, batch={"id": "b", "custom_id": "c", "line": 2})
POLICY = RetryPolicy(base_seconds=1, cap_seconds=60, max_attempts=5)
CLAIM = Claim(
    task=TASK,
    token="fence",
    partition=1,
    offset=2,
    attempts=3,
    failures=2,
    crashes=0,
    started_at=1000.5,
    expires_in_seconds=100,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=3), st.booleans())
def test_an_answer_stands_in_its_record_in_its_own_bytes(extra: dict[str, object], indented: bool) -> None:  # noqa: FBT001
    body = orjson.dumps({**extra, "choices": []}, option=orjson.OPT_INDENT_2 if indented else None)
    answer = classify_answer("/v1/chat/completions", 200, body)
    assert isinstance(answer, Answered)
    conclusion = decide(answer, CLAIM, POLICY, seconds_left=1, jitter=0)
    value = concluded_result(CLAIM, conclusion, finished_at=2000.25)  # type: ignore[arg-type]
    assert on_one_line(body) in value
    assert decode_result(value)["response"] == {"status_code": 200, "body": orjson.loads(body)}


def test_the_deepest_answer_taken_can_be_read_from_its_record() -> None:
    bodies = (b'{"choices": [], "x": ' + b"[" * depth + b"]" * depth + b"}" for depth in range(1000, 1030))
    taken = [
        answer for body in bodies if isinstance(answer := classify_answer("/v1/chat/completions", 200, body), Answered)
    ]
    assert 0 < len(taken) < 30
    conclusion = decide(taken[-1], CLAIM, POLICY, seconds_left=1, jitter=0)
    decode_result(concluded_result(CLAIM, conclusion, finished_at=1))  # type: ignore[arg-type]


def test_a_result_says_whose_it_is_and_how_it_came_about() -> None:
    answer = Answered(body=b'{"choices":[]}', status_code=200, model="m", usage={"total_tokens": 1})
    conclusion = decide(answer, CLAIM, POLICY, seconds_left=1, jitter=0)
    value = concluded_result(CLAIM, conclusion, finished_at=2000.25)  # type: ignore[arg-type]
    assert decode_result(value) == {
        "version": 1,
        "task_id": TASK.task_id,
        "tenant": "local",
        "lane": "batch",
        "run": 1,
        "attempt": 3,
        "token": "fence",
        "status": "completed",
        "endpoint": "/v1/chat/completions",
        "model": "m",
        "response": {"status_code": 200, "body": {"choices": []}},
        "error": None,
        "usage": {"total_tokens": 1},
        "metadata": {"order": 1},
        "batch": {"id": "b", "custom_id": "c", "line": 2},
        "attempts": 3,
        "progress": 100,
        "created_at": round(TASK.created_at, 3),
        "expires_at": round(TASK.expires_at, 3),
        "started_at": 1000.5,
        "finished_at": 2000.25,
    }


def a_state(status: Status, **fields: object) -> TaskState:
    return TaskState(
        **{  # type: ignore[arg-type]
            "task_id": TASK.task_id,
            "status": status,
            "run": 1,
            "tenant": "local",
            "lane": Lane.BATCH,
            "progress": 0,
            "attempts": 1,
            "created_at": TASK.created_at,
            "expires_at": TASK.expires_at,
            **fields,
        }
    )


def test_a_stored_result_is_published_as_it_is_stored() -> None:
    assert stored_result(TASK, a_state(Status.COMPLETED, result=b'{"any": 1}')) == b'{"any": 1}'


@pytest.mark.parametrize(("status", "code"), [(Status.EXPIRED, "expired"), (Status.CANCELLED, None)])
def test_a_run_that_ended_without_a_worker_has_a_result_too(status: Status, code: str | None) -> None:
    value = stored_result(TASK, a_state(status, finished_at=5.5))
    result = decode_result(value or b"")
    assert (result["status"], result["finished_at"], result["attempt"], result["attempts"]) == (status, 5.5, 0, 1)
    assert (result["error"] or {}).get("code") == code
    assert result["batch"] == TASK.batch


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_an_answer_that_is_gone_is_not_replaced_by_an_empty_one(status: Status) -> None:
    assert stored_result(TASK, a_state(status, finished_at=5.5)) is None


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.EXPIRED])
def test_only_failures_are_dead_lettered(status: Status) -> None:
    [record] = outgoing_records(a_delivery(TASK), TASK, b"{}", status, NAMES)
    assert record.topic == NAMES.results


@pytest.mark.parametrize("error", [None, {"message": "No.", "type": "server_error", "code": None, "param": None}])
def test_a_failure_without_a_code_is_dead_lettered_all_the_same(error: dict[str, object] | None) -> None:
    value = orjson.dumps({"version": 1, "error": error, "finished_at": 5})
    letter, _ = outgoing_records(a_delivery(TASK), TASK, value, Status.FAILED, NAMES)
    assert dict(letter.headers)["error-code"] in {b"server_error", b"failed"}
