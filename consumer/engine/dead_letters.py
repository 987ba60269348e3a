"""Records that will not be tried again: the original bytes, and in text headers why and from where."""

import hashlib

import orjson

from common.topics import MAX_DEAD_LETTER_BYTES, REFERENCE_CONTENT_TYPE
from consumer.engine.ports import Delivery, OutgoingRecord, record_bytes

_FRAMING_BYTES = 4096
_MAX_KEY_BYTES = 1024
_ADDED = frozenset({"reason", "error-code", "source-topic", "source-partition", "source-offset", "failed-at"})


def dead_letter(
    delivery: Delivery, *, topic: str, reason: str, error_code: str, failed_at: float, by_reference: bool = False
) -> OutgoingRecord:
    """The dead letter of a delivery, for the topic `topic`; `failed_at` is in Unix seconds.

    Key, value and headers are the original's. One over the topic's record size, or with `by_reference`, holds instead
    a JSON object with topic, partition, offset, size and SHA-256 of the original value.
    """
    added = [
        ("reason", reason.encode()),
        ("error-code", error_code.encode()),
        ("source-topic", delivery.topic.encode()),
        ("source-partition", str(delivery.partition).encode()),
        ("source-offset", str(delivery.offset).encode()),
        ("failed-at", f"{failed_at:.3f}".encode()),
    ]
    # A record that was redriven may carry the headers of its earlier death.
    kept = [(name, content) for name, content in delivery.headers if name not in _ADDED]
    headers = [*kept, *added]
    key = _key(delivery)
    fits = record_bytes(key, delivery.value, headers) <= MAX_DEAD_LETTER_BYTES - _FRAMING_BYTES
    if fits and not by_reference:
        return OutgoingRecord(topic=topic, key=key, value=delivery.value, headers=headers)
    return OutgoingRecord(
        topic=topic, key=key, value=_reference(delivery), headers=[("content-type", REFERENCE_CONTENT_TYPE), *added]
    )


def _key(delivery: Delivery) -> bytes | None:
    """The original key, but where Kafka or its readers could not bear it: the source position."""
    null = delivery.key is None and delivery.value is None
    if null or len(delivery.key or b"") > _MAX_KEY_BYTES:
        return f"{delivery.topic}-{delivery.partition}-{delivery.offset}".encode()
    return delivery.key


def _reference(delivery: Delivery) -> bytes:
    # A record that the Kafka client cannot read is known by its position only.
    digest = None if delivery.value is None else hashlib.sha256(delivery.value).hexdigest()
    return orjson.dumps(
        {
            "topic": delivery.topic,
            "partition": delivery.partition,
            "offset": delivery.offset,
            "size": record_bytes(delivery.key, delivery.value, delivery.headers),
            "sha256": digest,
        }
    )
