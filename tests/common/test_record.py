import string
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from common.record import TaskEncoder, UnknownVersion, UnreadableRecord, decode_task, encode_task, task_headers
from common.task import Lane, Task, new_task_id

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), JSON, max_size=5)
TIMES = st.integers(0, 10**13).map(lambda millis: millis / 1000)
TASKS = st.builds(
    Task,
    task_id=st.uuids().map(str),
    tenant=st.text(string.ascii_letters, min_size=1, max_size=64),
    body=OBJECTS,
    created_at=TIMES,
    expires_at=TIMES,
    run=st.integers(1, 2**31 - 1),
    lane=st.sampled_from(Lane),
    metadata=OBJECTS,
    batch=st.none() | OBJECTS,
)


def content(**changes: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "task_id": "01980000-0000-7000-8000-000000000000",
        "run": 1,
        "tenant": "local",
        "lane": "interactive",
        "endpoint": "/v1/chat/completions",
        "body": {"messages": [{"role": "user", "content": "secret prompt"}]},
        "metadata": None,
        "created_at": 1_700_000_000.123,
        "expires_at": 1_700_000_100,
        "stream": False,
        "batch": None,
    } | changes


@given(TASKS)
def test_a_task_survives_its_record(task: Task) -> None:
    assert decode_task(encode_task(task)) == task


@given(TASKS, st.lists(st.tuples(st.uuids().map(str), OBJECTS, OBJECTS), max_size=3))
def test_tasks_of_one_request_are_encoded_as_each_by_itself(
    pattern: Task, others: list[tuple[str, dict[str, Any], dict[str, Any]]]
) -> None:
    encoder = TaskEncoder(pattern)
    for task_id, body, metadata in others:
        alone = replace(pattern, task_id=task_id, body=body, metadata=metadata)
        assert encoder.encode(task_id, body, metadata) == encode_task(alone)


def test_the_record_is_the_documented_one() -> None:
    task = Task(
        task_id="01980000-0000-7000-8000-000000000000",
        tenant="local",
        body={"messages": [], "model": "m", "temperature": 0.1},
        created_at=1_700_000_000.1234,
        expires_at=1_700_086_400.1234,
    )
    assert orjson.loads(encode_task(task)) == {
        "version": 1,
        "task_id": "01980000-0000-7000-8000-000000000000",
        "run": 1,
        "tenant": "local",
        "lane": "interactive",
        "endpoint": "/v1/chat/completions",
        "body": {"messages": [], "model": "m", "temperature": 0.1},
        "metadata": {},
        "created_at": 1_700_000_000.123,
        "expires_at": 1_700_086_400.123,
        "stream": False,
        "batch": None,
    }
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert task_headers(task, parent) == [
        ("task-id", b"01980000-0000-7000-8000-000000000000"),
        ("tenant", b"local"),
        ("content-type", b"application/json"),
        ("traceparent", parent.encode()),
    ]
    assert "traceparent" not in dict(task_headers(task))


def test_fields_of_a_newer_writer_are_tolerated() -> None:
    assert decode_task(orjson.dumps(content(priority=7, body={"x": {"y": 1}}))).body == {"x": {"y": 1}}


def test_an_unknown_version_is_told_apart_from_garbage() -> None:
    with pytest.raises(UnknownVersion) as caught:
        decode_task(orjson.dumps({"version": 2, "anything": "else"}))
    assert caught.value.version == 2


UNREADABLE: dict[str, bytes | None] = {
    "null": None,
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "not JSON": b"secret prompt",
    "truncated": orjson.dumps(content())[:-9],
    "an array": b"[1]",
    "deep nesting": b"[" * 500_000 + b"]" * 500_000,
    "a body too deep to write": orjson.dumps(content(body={"x": 1})).replace(b"1}", b"[" * 400 + b"]" * 400 + b"}", 1),
    "metadata too deep to write": orjson.dumps(content(metadata={"x": 7})).replace(
        b":7}", b":" + b"[" * 400 + b"]" * 400 + b"}"
    ),
    "version 0": orjson.dumps(content(version=0)),
    "version below 0": orjson.dumps(content(version=-1)),
    "no version": orjson.dumps({k: v for k, v in content().items() if k != "version"}),
    "version as text": orjson.dumps(content(version="1")),
    "version as truth": orjson.dumps(content(version=True)),
    "NaN": orjson.dumps(content()).replace(b"1700000100", b"NaN"),
    "id no UUID": orjson.dumps(content(task_id="secret prompt")),
    "id a number": orjson.dumps(content(task_id=7)),
    "run zero": orjson.dumps(content(run=0)),
    "run as text": orjson.dumps(content(run="1")),
    "tenant missing": orjson.dumps(content(tenant=None)),
    "tenant too long": orjson.dumps(content(tenant="t" * 65)),
    "lane unknown": orjson.dumps(content(lane="secret prompt")),
    "endpoint elsewhere": orjson.dumps(content(endpoint="http://elsewhere/v1")),
    "endpoint climbing": orjson.dumps(content(endpoint="/v1/../admin")),
    "body a text": orjson.dumps(content(body="secret prompt")),
    "metadata a list": orjson.dumps(content(metadata=["secret prompt"])),
    "time as text": orjson.dumps(content(created_at="secret prompt")),
    "time far off": orjson.dumps(content(expires_at=1e300)),
    "stream a number": orjson.dumps(content(stream=1)),
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_a_value_that_is_no_record_is_named_and_not_quoted(value: bytes | None) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        decode_task(value)
    assert caught.value.reason
    assert "secret" not in caught.value.reason
    assert len(caught.value.reason) < 100


def test_the_id_of_a_broken_record_is_read_where_it_can_be() -> None:
    with pytest.raises(UnreadableRecord) as caught:
        decode_task(orjson.dumps(content(lane="x")))
    assert (caught.value.task_id, caught.value.tenant) == (content()["task_id"], "local")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_records(value: bytes) -> None:
    with pytest.raises((UnreadableRecord, UnknownVersion)):
        decode_task(value)


def test_a_new_id_is_accepted_by_the_record() -> None:
    task_id = new_task_id()
    assert decode_task(orjson.dumps(content(task_id=task_id))).task_id == task_id
