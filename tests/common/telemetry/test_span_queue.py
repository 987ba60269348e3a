import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from common.telemetry.span_queue import SpanQueue
from tests.support.waiting import until


class Receiver(SpanExporter):
    """Takes batches once it is let; each by the thread that exports."""

    def __init__(self, *, result: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.result = result
        self.batches: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.threads: set[int] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.threads.add(threading.get_ident())
        self.open.wait()
        self.batches.append(len(spans))
        return self.result


class Counted:
    def __init__(self) -> None:
        self.taken = 0
        self.gone: dict[str, int] = {"refused": 0, "no_room": 0}

    def exported(self, spans: int) -> None:
        self.taken += spans

    def lost(self, spans: int, why: str) -> None:
        self.gone[why] += spans


@pytest.fixture
def counted() -> Counted:
    return Counted()


@asynccontextmanager
async def running(receiver: Receiver, counted: Counted) -> AsyncIterator[SpanQueue]:
    queue = SpanQueue(receiver, counted)
    sending = asyncio.create_task(queue.run())
    try:
        yield queue
        queue.finish()
        await sending
    finally:
        receiver.open.set()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        queue.close()


def end(queue: SpanQueue, spans: int) -> None:
    for number in range(spans):
        queue.on_end(ReadableSpan(f"span {number}"))


async def test_spans_go_out_in_batches_by_another_thread_and_the_last_at_the_end(counted: Counted) -> None:
    receiver = Receiver()
    async with running(receiver, counted) as queue:
        end(queue, 1100)
        await until(lambda: sum(receiver.batches) >= 1024)
        end(queue, 3)
    assert sum(receiver.batches) == counted.taken == 1103
    assert max(receiver.batches) == 512
    assert threading.get_ident() not in receiver.threads
    assert counted.gone == {"refused": 0, "no_room": 0}


async def test_a_few_spans_do_not_wait_for_a_batch_to_fill(counted: Counted) -> None:
    receiver = Receiver()
    async with running(receiver, counted) as queue:
        end(queue, 2)
        await until(lambda: counted.taken == 2, deadline=20)


async def test_of_spans_for_which_there_is_no_room_is_known_how_many_they_were(counted: Counted) -> None:
    receiver = Receiver()
    receiver.open.clear()
    async with running(receiver, counted) as queue:
        end(queue, 512)
        await until(lambda: bool(receiver.threads))
        end(queue, 5000)
        assert counted.gone["no_room"] == 5000 - 4096
        receiver.open.set()
    assert counted.taken == 512 + 4096


async def test_a_receiver_that_never_answers_holds_up_neither_the_loop_nor_the_end(counted: Counted) -> None:
    receiver = Receiver()
    receiver.open.clear()
    queue = SpanQueue(receiver, counted)
    sending = asyncio.create_task(queue.run())
    end(queue, 600)
    await until(lambda: bool(receiver.threads))
    queue.finish()
    with capture_logs() as events:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        queue.close()
    receiver.open.set()
    assert counted.gone["refused"] == 600
    assert [event["event"] for event in events] == ["traces not exported: see PROMPTMILL_TRACING__ENDPOINT"] * 2


async def test_an_outage_is_said_at_its_beginning_at_doublings_and_at_its_end(counted: Counted) -> None:
    receiver = Receiver(result=SpanExportResult.FAILURE)
    with capture_logs() as events:
        async with running(receiver, counted) as queue:
            for batch in range(9):
                end(queue, 512)
                await until(lambda seen=batch: len(receiver.batches) > seen)  # type: ignore[misc]  # bound as it is now
            receiver.result = SpanExportResult.SUCCESS
            end(queue, 1)
    assert counted.gone["refused"] == 9 * 512
    assert [event["log_level"] for event in events] == ["warning"] * 4 + ["info"]


async def test_an_exporter_that_raises_is_a_receiver_that_refuses(counted: Counted) -> None:
    class Broken(Receiver):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise ValueError(f"a bug of the library, at {len(spans)} spans")

    async with running(Broken(), counted) as queue:
        end(queue, 3)
    assert counted.gone["refused"] == 3
