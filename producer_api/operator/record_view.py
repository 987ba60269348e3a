"""A record of any topic as operators see it. Pure."""

from typing import Any

from aiokafka import ConsumerRecord

from producer_api.operator.letters import shown_value


def record_view(record: ConsumerRecord, *, with_value: bool) -> dict[str, Any]:
    """Where the record stands and what is on its outside; its value only where it is wanted: it may be a prompt."""
    view = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp / 1000,
        "key": None if record.key is None else record.key.decode(errors="replace"),
        "headers": {name: (content or b"").decode(errors="replace") for name, content in record.headers},
        "size_bytes": len(record.value or b""),
    }
    if with_value:
        value, encoding = shown_value(record.value)
        view |= {"value": value, "value_encoding": encoding}
    return view
