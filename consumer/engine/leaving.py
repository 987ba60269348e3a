import asyncio

import structlog
from aiokafka import AIOKafkaConsumer


async def leave_group(consumer: AIOKafkaConsumer, timeout_seconds: float) -> bool:
    """Leave the group and close the consumer; False when that did not end in time, or ended badly.

    In a coroutine of its own: with a broker away, aiokafka's stop can hang, and can raise CancelledError unasked. The
    group then puts this member out when its session ends.
    """
    stopping = asyncio.create_task(_stop(consumer), name="leave the group")
    done, _ = await asyncio.wait({stopping}, timeout=timeout_seconds)
    if not done:
        stopping.cancel()
        structlog.get_logger(__name__).warning("leaving the group took too long", timeout_seconds=timeout_seconds)
        return False
    return stopping.result()


async def _stop(consumer: AIOKafkaConsumer) -> bool:
    try:
        await consumer.stop()
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - nothing of the consumer is used after this
        structlog.get_logger(__name__).warning("leaving the group failed", error=type(error).__name__)
        return False
    return True
