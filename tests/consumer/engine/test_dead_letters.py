import hashlib

import orjson
from hypothesis import given, strategies as st

from common.topics import MAX_DEAD_LETTER_BYTES, REFERENCE_CONTENT_TYPE
from consumer.engine.dead_letters import dead_letter
from consumer.engine.ports import Delivery, OutgoingRecord
from tests.consumer.engine.records import delivery

REASONS = {
    "reason": b"poison",
    "error-code": b"not_json",
    "source-topic": b"interactive",
    "source-partition": b"0",
    "source-offset": b"17",
    "failed-at": b"1700000000.250",
}


def letter(of: Delivery, *, by_reference: bool = False) -> OutgoingRecord:
    return dead_letter(
        of,
        topic="dead",
        reason="poison",
        error_code="not_json",
        failed_at=1_700_000_000.25,
        by_reference=by_reference,
    )


def test_it_has_the_original_bytes_and_headers_and_says_why_and_from_where() -> None:
    made = letter(delivery(17, key=b"id", value=b"\xff\x00", headers=(("task-id", b"id"), ("x", b"1"))))
    assert (made.topic, made.key, made.value) == ("dead", b"id", b"\xff\x00")
    assert list(made.headers) == [("task-id", b"id"), ("x", b"1"), *REASONS.items()]


def test_headers_of_an_earlier_death_are_replaced() -> None:
    made = letter(delivery(17, headers=(("reason", b"old"), ("task-id", b"id"))))
    assert [content for name, content in made.headers if name == "reason"] == [b"poison"]


def test_a_null_value_without_a_key_gets_its_source_position_as_key() -> None:
    assert letter(delivery(17, key=None, value=None)).key == b"interactive-0-17"
    assert letter(delivery(17, key=None, value=b"v")).key is None
    assert letter(delivery(17, key=b"k", value=None)).key == b"k"


def test_one_too_large_to_copy_is_a_reference() -> None:
    value = b"x" * MAX_DEAD_LETTER_BYTES
    made = letter(delivery(17, key=b"id", value=value, headers=(("task-id", b"id"),)))
    assert made.key == b"id"
    assert orjson.loads(made.value or b"") == {
        "topic": "interactive",
        "partition": 0,
        "offset": 17,
        "size": len(value) + len(b"id") + len("task-id") + len(b"id"),
        "sha256": hashlib.sha256(value).hexdigest(),
    }
    assert dict(made.headers) == {"content-type": REFERENCE_CONTENT_TYPE, **REASONS}


def test_one_that_its_headers_make_too_large_is_a_reference_too() -> None:
    made = letter(delivery(17, headers=(("big", b"x" * MAX_DEAD_LETTER_BYTES),)))
    assert dict(made.headers)["content-type"] == REFERENCE_CONTENT_TYPE


@given(
    key=st.none() | st.binary(max_size=3000),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=5),
    by_reference=st.booleans(),
)
def test_every_record_makes_a_dead_letter_that_kafka_takes(
    *, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], by_reference: bool
) -> None:
    made = letter(delivery(17, key=key, value=value, headers=tuple(headers)), by_reference=by_reference)
    assert made.key is not None or made.value is not None
    assert made.size_bytes <= MAX_DEAD_LETTER_BYTES
    assert REASONS.items() <= dict(made.headers).items()
