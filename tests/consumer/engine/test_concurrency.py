import asyncio

from consumer.engine.ports import Delivery, Held, Outcome, RetryAfter, Settled
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


async def test_eight_records_of_one_partition_are_handled_at_once(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 8)
    await cluster.start_engine(handler, concurrency=8)
    await handler.until_running(8)


class TurnCounting(RecordingHandler):
    """Sees how many records begin between two turns of the event loop, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.most_in_a_turn = 0
        self._in_this_turn = 0

    async def handle(self, delivery: Delivery) -> Outcome:
        if self._in_this_turn == 0:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._in_this_turn += 1
        self.most_in_a_turn = max(self.most_in_a_turn, self._in_this_turn)
        return await super().handle(delivery)

    def _next_turn(self) -> None:
        self._in_this_turn = 0


async def test_hundreds_of_records_do_not_begin_in_one_turn_of_the_event_loop(cluster: Cluster) -> None:
    handler = TurnCounting()
    await cluster.produce(0, 200)
    await cluster.start_engine(handler, concurrency=200)
    await handler.until_running(200)
    assert handler.most_in_a_turn <= 2 * 16, "those of two turns, where one ends between them"
    await handler.let_all_go()


async def test_a_worker_never_handles_more_than_its_concurrency(cluster: Cluster) -> None:
    handler = RecordingHandler()
    for partition in range(4):
        await cluster.produce(partition, 3)
    worker = await cluster.start_engine(handler, concurrency=3)
    await handler.until_running(3)
    await until(lambda: worker.count("records_delivered_total", topic=cluster.names.interactive) == 12)
    assert len(handler.started) == 3
    first, *_ = handler.started
    await handler.let_go(first)
    await until(lambda: len(handler.started) == 4)
    await handler.let_all_go()
    await until(lambda: worker.count("records_finished_total", topic=cluster.names.interactive) == 12)
    assert handler.most_at_once == 3
    assert len(set(handler.started)) == len(handler.started) == 12


async def test_records_of_consecutive_partitions_run_on_different_workers(cluster: Cluster) -> None:
    handlers = [RecordingHandler(), RecordingHandler()]
    workers = [await cluster.start_engine(handler, concurrency=2) for handler in handlers]
    for worker in workers:
        await worker.until_assigned(3)
    for partition in range(4):
        await cluster.produce(partition, 1)
    for handler in handlers:
        await handler.until_running(2)


async def test_a_waiting_retry_holds_no_slot_and_comes_back_when_it_is_due(cluster: Cluster) -> None:
    def decide(delivery: Delivery) -> Outcome:
        if delivery.offset == 0:
            return RetryAfter(3000)
        first = handler.started.count((0, delivery.offset)) == 1
        return RetryAfter(0.05) if delivery.offset == 1 and first else Settled()

    handler = RecordingHandler(decide, hold=False)
    await cluster.produce(0, 3)
    worker = await cluster.start_engine(handler, concurrency=1, tail_after_seconds=3600)
    await until(lambda: worker.count("records_finished_total", topic=cluster.names.interactive) == 2)
    assert sorted(handler.started) == [(0, 0), (0, 1), (0, 1), (0, 2)]
    assert worker.count("records_waiting") == 1
    assert await cluster.committed(0) is None


async def test_a_held_record_is_reported_and_holds_back_its_own_partition_only(cluster: Cluster) -> None:
    def hold_one(delivery: Delivery) -> Outcome:
        held = (delivery.partition, delivery.offset) == (0, 0) and handler.started.count((0, 0)) < 3
        return Held("unknown_version", 0.05) if held else Settled()

    handler = RecordingHandler(hold_one)
    await cluster.produce(0, 2)
    await cluster.produce(1, 1)
    worker = await cluster.start_engine(handler)
    await handler.let_go((0, 1), (1, 0))
    await cluster.until_committed(1, 1)
    assert await cluster.committed(0) is None
    await handler.let_go((0, 0))
    await cluster.until_committed(0, 2)
    held = worker.count("records_held_total", topic=cluster.names.interactive, reason="unknown_version")
    assert held == 2


async def test_a_batch_backlog_does_not_keep_an_interactive_record_waiting(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 100, topic=cluster.names.batch)
    lanes = {cluster.names.interactive: 4, cluster.names.batch: 1}
    worker = await cluster.start_engine(handler, lanes, concurrency=1)
    await handler.until_running(1)
    await cluster.produce(0, 1)
    await until(lambda: worker.count("records_delivered_total", topic=cluster.names.interactive) == 1)
    await handler.let_go((0, 0))
    await until(lambda: len(handler.topics) >= 2)
    assert handler.topics[:2] == [cluster.names.batch, cluster.names.interactive]


async def test_a_partition_is_read_no_further_than_its_window_while_its_head_is_unfinished(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 200)
    worker = await cluster.start_engine(handler, concurrency=2, max_uncommitted_offsets=40)
    await handler.let_go(*((0, offset) for offset in range(1, 200)))
    await cluster.produce(1, 1)
    await handler.let_go((1, 0))
    finished = "records_finished_total"
    # All that was read past the head is finished, and other partitions go on.
    await until(
        lambda: (
            worker.count("widest_window_offsets") >= 40
            and worker.count(finished, topic=cluster.names.interactive)
            == worker.count("records_delivered_total", topic=cluster.names.interactive) - 1
        )
    )
    await cluster.until_committed(1, 1)
    assert 40 <= worker.count("widest_window_offsets") < 40 + 16
    await handler.let_go((0, 0))
    await cluster.until_committed(0, 200)
    assert len(set(handler.started)) == len(handler.started) == 201
