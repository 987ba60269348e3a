"""The few facts that aiokafka's clients keep to themselves; the only place that looks."""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def ended_part(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> str | None:
    """The name of a background part that has ended for good, or None: such a client never works again."""
    coordinator, fetcher, sender = consumer._coordinator, consumer._fetcher, producer._sender  # noqa: SLF001 - not told
    if coordinator is not None and coordinator._coordination_task.done():  # noqa: SLF001 - told by nothing public
        return "group coordination"
    if fetcher is not None and fetcher.error_future.done():
        return "fetching"
    if sender is not None and sender.sender_task is not None and sender.sender_task.done():
        return "sending"
    return None


def generation(consumer: AIOKafkaConsumer) -> int:
    """The group's generation that this member belongs to; not above 0 while it belongs to none."""
    number: int = consumer._coordinator.generation  # noqa: SLF001 - told by nothing public
    return number
