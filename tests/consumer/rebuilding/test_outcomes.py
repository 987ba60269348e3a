"""A result record may be anybody's: a rebuild takes what is one, and names the rest unreadable."""

from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from common.result import Result, encode_result
from common.store.restoring import Outcome
from common.task import Status
from consumer.rebuilding.outcomes import read_outcome

TASK_ID = "01900000-0000-7000-8000-000000000001"
RESULT = Result(
    task_id=TASK_ID,
    tenant="local",
    status=Status.COMPLETED,
    created_at=1.0,
    expires_at=100.0,
    started_at=2.0,
    finished_at=3.0,
    progress=100,
    attempts=1,
    token="a",
)


def record_with(**fields: Any) -> bytes:
    return orjson.dumps(orjson.loads(encode_result(RESULT)) | fields)


def read(value: bytes) -> Outcome:
    return read_outcome(TASK_ID, value, deadline_seconds=60)


def test_a_result_record_is_read_as_it_was_written() -> None:
    value = encode_result(RESULT)
    outcome = read(value)
    for name in ("task_id", "tenant", "status", "created_at", "expires_at", "started_at", "finished_at", "attempts"):
        assert getattr(outcome, name) == getattr(RESULT, name)
    assert (outcome.run, outcome.lane, outcome.token, outcome.value) == (1, RESULT.lane, "a", value)


@pytest.mark.parametrize(
    "fields",
    [
        {"finished_at": 1e300},
        {"finished_at": -1},
        {"finished_at": None},
        {"finished_at": "3"},
        {"created_at": 1e300},
        {"expires_at": 1e300},
        {"started_at": [1]},
        {"run": 0},
        {"run": 2**40},
        {"run": 1.5},
        {"attempts": -1},
        {"attempts": 2**62},
        {"attempts": True},
        {"progress": 1000},
        {"status": "queued"},
        {"status": "processing"},
        {"status": "refused"},
        {"lane": "fast"},
        {"tenant": ""},
        {"tenant": {"a": 1}},
        {"tenant": "x" * 1_000_000},
        {"token": {"a": 1}},
        {"token": "x" * 1_000_000},
        {"version": 2},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_what_no_worker_writes_is_unreadable(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(record_with(**fields))


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(orjson.loads(encode_result(RESULT)))), content=_JSON)
def test_whatever_stands_in_a_field_it_is_read_or_unreadable(name: str, content: object) -> None:
    try:
        outcome = read(record_with(**{name: content}))
    except ValueError:
        return
    assert outcome.status.is_final
    assert 0 <= outcome.finished_at < 1e11
