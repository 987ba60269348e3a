import asyncio

from consumer.engine.ports import Delivery, Outcome, OutgoingRecord, Settled
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


async def test_a_draining_worker_leaves_at_once_and_finishes_what_is_in_flight(cluster: Cluster) -> None:
    def publish(delivery: Delivery) -> Outcome:
        value = f"{delivery.partition}/{delivery.offset}".encode()
        return Settled((OutgoingRecord(topic=cluster.names.results, key=b"k", value=value),))

    handler, other_handler = RecordingHandler(publish), RecordingHandler(publish)
    worker = await cluster.start_engine(handler, concurrency=2)
    await cluster.produce(0, 4)
    await handler.let_go((0, 0))
    await until(lambda: handler.in_hand == {(0, 1), (0, 2)})
    other = await cluster.start_engine(other_handler, concurrency=4)
    await worker.until_assigned(3)

    draining = asyncio.create_task(worker.engine.drain(60))
    await other.until_assigned(6)
    assert handler.in_hand == {(0, 1), (0, 2)}
    assert not draining.done()
    assert await worker.engine.readiness() == ["draining"]
    await handler.let_all_go()
    await draining
    await worker.run

    results = await cluster.read(cluster.names.results, 3)
    assert {record.value for record in results} == {b"0/0", b"0/1", b"0/2"}
    # What had not started is not started any more, and what was finished stays committed.
    assert sorted(handler.started) == [(0, 0), (0, 1), (0, 2)]
    await until(lambda: other_handler.in_hand == {(0, 1), (0, 2), (0, 3)})
    assert await worker.engine.liveness() == []


async def test_what_is_not_done_within_the_drain_is_cancelled(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 2)
    worker = await cluster.start_engine(handler, concurrency=2)
    await handler.until_running(2)
    await worker.engine.drain(0.1)
    assert sorted(handler.cancelled) == [(0, 0), (0, 1)]
    assert handler.in_hand == set()
    await worker.run
    assert await cluster.committed(0) is None


async def test_finished_offsets_are_committed_before_leaving(cluster: Cluster) -> None:
    handler = RecordingHandler(hold=False)
    await cluster.produce(0, 3)
    worker = await cluster.start_engine(handler, commit_interval_seconds=60)
    await until(lambda: worker.count("records_finished_total", topic=cluster.names.interactive) == 3)
    assert await cluster.committed(0) is None
    await worker.engine.drain(10)
    assert await cluster.committed(0) == 3


async def test_an_engine_can_drain_before_it_has_joined(cluster: Cluster) -> None:
    worker = await cluster.start_engine(RecordingHandler())
    assert await worker.engine.readiness() == ["not yet a member of the group"]
    await worker.engine.drain(10)
    await worker.run


async def test_a_member_with_an_assignment_is_ready(cluster: Cluster) -> None:
    worker = await cluster.start_engine(RecordingHandler())
    await worker.until_assigned(6)
    assert await worker.engine.readiness() == []
    assert await worker.engine.liveness() == []
