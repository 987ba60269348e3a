import asyncio

import pytest
from aiokafka import TopicPartition

from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


async def test_only_the_finished_prefix_is_committed(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 5)
    worker = await cluster.start_engine(handler, concurrency=5)
    await handler.until_running(5)
    await handler.let_go(*((0, offset) for offset in (1, 2, 4)))
    await until(lambda: worker.count("records_finished_total", topic=cluster.names.interactive) == 3)
    # A commit that was made after these three were finished.
    await cluster.produce(1, 1)
    await handler.let_go((1, 0))
    await cluster.until_committed(1, 1)
    assert await cluster.committed(0) is None
    await handler.let_go((0, 0))
    await cluster.until_committed(0, 3)
    await handler.let_go((0, 3))
    await cluster.until_committed(0, 5)


async def test_records_that_a_poll_lost_are_read_again(cluster: Cluster) -> None:
    handler = RecordingHandler(hold=False)
    worker = await cluster.start_engine(handler)
    await worker.until_assigned(6)
    # As after an error in another partition: the position moved on, the records were never returned.
    await cluster.produce(0, 1)
    await cluster.until_committed(0, 1)
    topic_partition = TopicPartition(cluster.names.interactive, 0)
    worker.consumer.seek(topic_partition, 4)
    await cluster.produce(0, 9)
    await cluster.until_committed(0, 10)
    assert sorted(handler.started) == [(0, offset) for offset in range(10)]


async def test_offsets_that_do_not_exist_are_passed_over_and_counted(cluster: Cluster) -> None:
    handler = RecordingHandler(hold=False)
    worker = await cluster.start_engine(handler)
    await worker.until_assigned(6)
    writer = await cluster.start_transactional_producer()
    for offset in (0, 2, 4):
        # The end of each transaction takes an offset of its own.
        async with writer.transaction():
            await writer.send_and_wait(cluster.names.interactive, value=b"{}", partition=0)
        await cluster.until_committed(0, offset + 1)
    assert handler.started == [(0, 0), (0, 2), (0, 4)]
    assert worker.count("offsets_missing_total", topic=cluster.names.interactive) == 2


async def test_a_commit_under_way_ends_with_the_assignment_that_it_is_of(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka would send it once more after the rebalance, in the new generation, and set back the new owner."""
    worker = await cluster.start_engine(RecordingHandler(hold=False))
    await worker.until_assigned(6)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def unanswered(_offsets: dict[TopicPartition, int]) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(worker.consumer, "commit", unanswered)
    await cluster.produce(0, 1)
    await begun.wait()
    await worker.engine._committer.suspend(0.1)
    # Far sooner than it would end by its own timeout.
    await until(ended.is_set, deadline=2, what="the end of the commit")


async def test_records_read_twice_are_handled_once(cluster: Cluster) -> None:
    handler = RecordingHandler(hold=False)
    await cluster.produce(0, 6)
    worker = await cluster.start_engine(handler)
    await cluster.until_committed(0, 6)
    worker.consumer.seek(TopicPartition(cluster.names.interactive, 0), 2)
    await cluster.produce(0, 1)
    await cluster.until_committed(0, 7)
    assert worker.count("records_repeated_total", topic=cluster.names.interactive) == 4
    assert handler.started == [(0, offset) for offset in range(7)]


async def test_a_role_is_told_of_what_was_committed_and_of_nothing_else(cluster: Cluster) -> None:
    told: list[tuple[str, int, int]] = []
    handler = RecordingHandler()
    await cluster.produce(0, 3)
    await cluster.start_engine(
        handler, concurrency=3, on_committed=lambda topic, partition, offset: told.append((topic, partition, offset))
    )
    await handler.until_running(3)
    await handler.let_go((0, 1))
    await handler.let_go((0, 0))
    await cluster.until_committed(0, 2)
    await until(lambda: told and told[-1] == (cluster.names.interactive, 0, 2))
    await handler.let_go((0, 2))
    await until(lambda: told[-1] == (cluster.names.interactive, 0, 3))
    assert told == sorted(set(told))
