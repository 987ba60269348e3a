import orjson
from aiokafka.errors import KafkaError

from consumer.engine.engine import EngineError
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


async def test_an_error_of_a_poll_is_outlived(cluster: Cluster) -> None:
    handler = RecordingHandler(hold=False)
    worker = await cluster.start_engine(handler)
    await worker.until_assigned(6)
    # What aiokafka's coordination gives to the next poll.
    worker.consumer._coordinator._pending_exception = KafkaError("authorization was taken away for a moment")
    await until(lambda: worker.count("poll_errors_total") == 1)
    assert await worker.engine.liveness() == []
    await cluster.produce(0, 3)
    await cluster.until_committed(0, 3)


async def test_the_end_of_coordination_ends_the_engine_and_calls_in_flight_are_finished(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 1)
    worker = await cluster.start_engine(handler)
    await handler.until_running(1)
    worker.consumer._coordinator._coordination_task.cancel()
    await until(worker.run.done)
    error = worker.run.exception()
    assert isinstance(error, EngineError)
    assert "group coordination ended" in str(error)
    assert "group coordination ended" in await worker.engine.liveness()
    await handler.let_all_go()
    await worker.engine.drain(30)
    assert handler.cancelled == []
    assert worker.count("records_finished_total", topic=cluster.names.interactive) == 1


async def test_the_end_of_the_producers_sending_ends_the_engine(cluster: Cluster) -> None:
    producer = await cluster.start_producer()
    worker = await cluster.start_engine(RecordingHandler(), producer=producer)
    await worker.until_assigned(6)
    producer._sender.sender_task.cancel()
    await until(worker.run.done)
    assert "sending ended" in str(worker.run.exception())


async def test_a_worker_whose_polls_do_not_end_is_not_alive(cluster: Cluster) -> None:
    worker = await cluster.start_engine(RecordingHandler(), stall_timeout_seconds=5)
    await worker.until_assigned(6)
    assert await worker.engine.liveness() == []
    worker.engine._poller._now = lambda: worker.engine._poller._progress_at + 6
    assert await worker.engine.liveness() == ["no poll ended for 6 seconds"]


async def test_an_error_outside_of_the_handler_ends_the_engine(cluster: Cluster) -> None:
    handler = RecordingHandler()
    await cluster.produce(0, 1)
    worker = await cluster.start_engine(handler)
    await handler.until_running(1)
    worker.engine._slots._publisher = None  # type: ignore[assignment]  # any bug will do
    await handler.let_all_go()
    await until(worker.run.done)
    assert isinstance(worker.run.exception(), EngineError)
    assert await worker.engine.liveness() == ["the engine failed: AttributeError"]
    assert await cluster.committed(0) is None


async def test_a_record_that_the_kafka_client_cannot_read_is_dead_lettered_and_its_neighbours_go_on(
    cluster: Cluster,
) -> None:
    handler = RecordingHandler(hold=False)
    for partition in range(6):
        await cluster.produce(partition, 5)
    # The client reads a batch from its beginning: what stands behind the broken record is out of reach as well.
    await cluster.produce_unreadable(3, [b"good", None, b"good"])
    for partition in range(6):
        await cluster.produce(partition, 5)
    worker = await cluster.start_engine(handler)
    for partition in range(6):
        await cluster.until_committed(partition, 13 if partition == 3 else 10)
    letters = await cluster.read(cluster.names.dead_letters, 2)
    letters = sorted(letters, key=lambda letter: dict(letter.headers)["source-offset"])
    assert [dict(letter.headers)["source-offset"] for letter in letters] == [b"6", b"7"]
    assert {dict(letter.headers)["reason"] for letter in letters} == {b"unreadable"}
    assert orjson.loads(letters[0].value) == {
        "topic": cluster.names.interactive,
        "partition": 3,
        "offset": 6,
        "size": 0,
        "sha256": None,
    }
    expected = {(partition, offset) for partition in range(6) for offset in range(10)} | {(3, 10), (3, 11), (3, 12)}
    assert set(handler.started) == expected - {(3, 6), (3, 7)}
    assert len(handler.started) == len(set(handler.started))
    assert await worker.engine.liveness() == []
