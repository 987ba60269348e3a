import asyncio

from aiokafka import TopicPartition

from consumer.engine.ports import Delivery, Outcome, RetryAfter, Settled
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


async def test_partitions_that_are_kept_keep_their_records(cluster: Cluster) -> None:
    """A second member joins and leaves while every partition has one record in the handler and more behind it."""
    handler, other_handler = RecordingHandler(), RecordingHandler()
    for partition in range(6):
        await cluster.produce(partition, 4)
    worker = await cluster.start_engine(handler, concurrency=6)
    await handler.until_running(6)
    assert handler.in_hand == {(partition, 0) for partition in range(6)}

    other = await cluster.start_engine(other_handler, concurrency=6)
    await worker.until_assigned(3)
    await other.until_assigned(3)
    kept = set(worker.partitions)
    # What is in flight stays in flight, also where the partition is another's now.
    assert handler.in_hand == {(partition, 0) for partition in range(6)}
    await other_handler.let_all_go()
    for partition in set(range(6)) - kept:
        await cluster.until_committed(partition, 4)
    await other.engine.drain(10)
    await worker.until_assigned(6)

    assert handler.in_hand == {(partition, 0) for partition in range(6)}
    await handler.let_all_go()
    for partition in range(6):
        await cluster.until_committed(partition, 4)
    for partition in range(6):
        offsets = [offset for number, offset in handler.started if number == partition]
        assert offsets == ([0, 1, 2, 3] if partition in kept else [0])
    # Their position was put back to where it was: nothing was read a second time.
    assert worker.count("records_repeated_total", topic=cluster.names.interactive) == 0
    assert {number for number, _ in other_handler.started}.isdisjoint(kept)


async def test_records_that_wait_for_a_retry_survive_a_rebalance(cluster: Cluster) -> None:
    def once_more(delivery: Delivery) -> Outcome:
        first = handler.started.count((delivery.partition, delivery.offset)) == 1
        return RetryAfter(3600) if first else Settled()

    handler = RecordingHandler(once_more, hold=False)
    for partition in range(6):
        await cluster.produce(partition, 1)
    worker = await cluster.start_engine(handler)
    await until(lambda: worker.count("records_waiting") == 6)
    other = await cluster.start_engine(RecordingHandler())
    await worker.until_assigned(3)
    await other.until_assigned(3)
    assert worker.count("records_waiting") == 3


async def test_records_already_fetched_are_started_during_a_rebalance(cluster: Cluster) -> None:
    """Another member is slow to give up its partitions, so that the group waits for it."""
    handler = RecordingHandler()
    gate, entered = asyncio.Event(), asyncio.Event()
    slow = await cluster.start_slow_member(gate, entered)
    worker = await cluster.start_engine(handler, concurrency=1)
    await entered.wait()
    gate.set()
    await worker.until_assigned(3)
    gate.clear()
    entered.clear()
    partition = min(worker.partitions)
    await cluster.produce(partition, 5)
    await until(lambda: worker.count("records_buffered") == 4)
    rebalances = worker.count("rebalances_total")

    third = await cluster.start_engine(RecordingHandler())
    await entered.wait()
    await until(lambda: not worker.engine._assignment.settled)
    for offset in range(4):
        await handler.let_go((partition, offset))
        await handler.until_in_hand((partition, offset + 1))
    assert not worker.engine._assignment.settled
    # It is still the same one: the group does not wait for ever.
    assert worker.count("rebalances_total") == rebalances
    gate.set()
    await third.until_assigned(2)
    await slow.stop()


async def test_a_member_put_out_of_the_group_keeps_what_nobody_touched(cluster: Cluster) -> None:
    handler = RecordingHandler()
    for partition in range(6):
        await cluster.produce(partition, 1)
    worker = await cluster.start_engine(handler, concurrency=6)
    await handler.until_running(6)
    await worker.leave_unasked()
    await until(lambda: worker.count("rebalances_total") == 2)
    await worker.until_assigned(6)
    await handler.let_all_go()
    for partition in range(6):
        await cluster.until_committed(partition, 1)
    assert len(handler.started) == 6


async def test_a_partition_that_another_member_had_meanwhile_is_begun_anew_where_that_one_ended(
    cluster: Cluster,
) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 8)
    worker = await cluster.start_engine(handler, concurrency=2)
    await handler.until_running(2)
    # The other member's commit.
    await worker.consumer.commit({TopicPartition(cluster.names.interactive, 0): 5})
    await worker.leave_unasked()
    await until(lambda: worker.count("rebalances_total") == 2)
    await worker.until_assigned(6)
    await handler.let_all_go()
    await cluster.until_committed(0, 8)
    assert sorted(handler.started) == [(0, offset) for offset in (0, 1, 5, 6, 7)]


async def test_a_listener_that_fails_ends_the_engine(cluster: Cluster) -> None:
    worker = await cluster.start_engine(RecordingHandler())
    await worker.until_assigned(6)
    assert await worker.engine.liveness() == []
    worker.engine._assignment._metrics = None  # type: ignore[assignment]  # any bug will do
    await cluster.start_engine(RecordingHandler())
    await until(worker.run.done)
    assert "EngineError" in repr(worker.run.exception())
    assert await worker.engine.liveness() == ["the engine failed: AttributeError"]
