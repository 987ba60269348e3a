import orjson
import pytest
from hypothesis import given, strategies as st

from common.record import encode_task
from common.task import Task, new_task_id
from common.topics import REFERENCE_CONTENT_TYPE
from producer_api.operator.letters import (
    Letter,
    LetterFilter,
    Position,
    Source,
    letter_view,
    parse_position,
    whole_letter_view,
)

TASK = Task(
    task_id=new_task_id(),
    tenant="acme",
    body={"messages": []},
    created_at=1_790_000_000,
    expires_at=1_790_000_100,
    run=2,
)
HEADERS = (
    ("task-id", TASK.task_id.encode()),
    ("tenant", b"acme"),
    ("reason", b"The model server answered 500."),
    ("error-code", b"model_error"),
    ("source-topic", b"promptmill.tasks.batch"),
    ("source-partition", b"3"),
    ("source-offset", b"17"),
    ("failed-at", b"1790000050.250"),
)


def a_letter(
    value: bytes | None = b"{}", headers: tuple[tuple[str, bytes | None], ...] = HEADERS, key: bytes | None = None
) -> Letter:
    return Letter(position=Position(4, 2), timestamp=1_790_000_060.5, key=key, value=value, headers=headers)


def test_a_letter_says_which_task_died_why_when_and_where_and_keeps_its_content_to_itself() -> None:
    value = encode_task(TASK)
    assert letter_view(a_letter(value)) == {
        "id": "4-2",
        "task_id": TASK.task_id,
        "run": 2,
        "tenant": "acme",
        "reason": "The model server answered 500.",
        "error_code": "model_error",
        "failed_at": 1_790_000_050.25,
        "source": {"topic": "promptmill.tasks.batch", "partition": 3, "offset": 17},
        "size_bytes": len(value),
        "by_reference": False,
    }


def test_a_letter_that_anybody_may_have_written_says_what_it_can() -> None:
    view = letter_view(a_letter(b"\xff", (("tenant", None), ("failed-at", b"nan"), ("source-offset", b"\xb2"))))
    assert view["failed_at"] == 1_790_000_060.5
    assert {view[name] for name in ("task_id", "run", "tenant", "reason", "error_code", "source")} == {None}


def test_a_reference_is_known_by_its_key() -> None:
    letter = a_letter(b"{}", (("content-type", REFERENCE_CONTENT_TYPE),), TASK.task_id.encode())
    assert (letter.is_reference, letter.task_id) == (True, TASK.task_id)
    assert letter_view(letter)["run"] is None


@pytest.mark.parametrize(
    ("value", "shown", "encoding"),
    [
        (b'{"a":[1]}', {"a": [1]}, "json"),
        (b"no JSON", "no JSON", "text"),
        (b"\xff\x00", "/wA=", "base64"),
        (None, None, "text"),
        (b"[" * 500 + b"]" * 500, "[" * 500 + "]" * 500, "text"),
    ],
    ids=["json", "text", "bytes", "null", "nested"],
)
def test_its_content_is_shown_whatever_it_is(value: bytes | None, shown: object, encoding: str) -> None:
    view = orjson.loads(orjson.dumps(whole_letter_view(a_letter(value))))
    assert (view["value"], view["value_encoding"]) == (shown, encoding)


def test_json_is_shown_byte_by_byte() -> None:
    value = b'{"a": 1.0, "b":123456789012345678901234567890,\n"a":[]}'
    assert b'"value":%b,' % value in orjson.dumps(whole_letter_view(a_letter(value)))


@given(st.binary(max_size=200) | st.none(), st.lists(st.tuples(st.text(), st.binary(max_size=40) | st.none())))
def test_every_record_can_be_shown_and_sought(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    letter = a_letter(value, tuple(headers))
    assert orjson.dumps(whole_letter_view(letter))
    assert LetterFilter().means(letter)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (LetterFilter(reason="MODEL SERVER"), True),
        (LetterFilter(reason="other"), False),
        (LetterFilter(error_code="model_error"), True),
        (LetterFilter(error_code="model"), False),
        (LetterFilter(task_ids={TASK.task_id}), True),
        (LetterFilter(task_ids={"other"}), False),
        (LetterFilter(tenant="acme"), True),
        (LetterFilter(tenant="acme2"), False),
        (LetterFilter(since=1_790_000_050.25, until=1_790_000_050.25), True),
        (LetterFilter(since=1_790_000_050.26), False),
        (LetterFilter(until=1_790_000_050.24), False),
        (LetterFilter(tenant="acme", error_code="other"), False),
        (LetterFilter(group=("model_error", "The model server answered 500.")), True),
        (LetterFilter(group=("model_error", "The model server answered 500")), False),
        (LetterFilter(group=("model_error", "the model server answered 500.")), False),
        (LetterFilter(group=("model_error", None)), False),
        (LetterFilter(group=(None, "The model server answered 500.")), False),
    ],
)
def test_a_filter_means_what_fulfils_all_of_it(wanted: LetterFilter, *, meant: bool) -> None:
    assert wanted.means(a_letter()) is meant


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**18 - 1))
def test_a_position_is_read_as_it_is_written(partition: int, offset: int) -> None:
    assert parse_position(str(Position(partition, offset))) == Position(partition, offset)


@pytest.mark.parametrize("text", ["", "3", "3-", "-3-1", "3-1-2", "03-1", "3-01", "a-b", "3-1\n", "1٣-1", "redrive"])
def test_what_is_no_position_is_none(text: str) -> None:
    assert parse_position(text) is None


def test_a_source_is_whole_or_none() -> None:
    assert a_letter().source == Source("promptmill.tasks.batch", 3, 17)
    assert a_letter(headers=HEADERS[:-2]).source is None
