import os
import random
from collections.abc import AsyncIterator

import pytest

from cli.stack.cache import cache_dir
from cli.stack.child import Child, ChildProcess
from cli.stack.kafka import prepare_kafka
from cli.stack.kafka_config import Node, bootstrap_servers
from cli.stack.kafka_install import install_kafka
from cli.stack.ports import Ports
from common.settings import KafkaSettings
from consumer.engine.ports import Delivery, Outcome, OutgoingRecord, Settled
from tests.consumer.engine.harness import RecordingHandler, cluster_on
from tests.support.backend import kafka_settings_for, unique_prefix
from tests.support.waiting import until


class Broker:
    """A Kafka that the test stops and starts; its data and address stay."""

    def __init__(self, child: Child, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._child = child
        self._process: ChildProcess | None = None

    def settings(self) -> KafkaSettings:
        """For topics of one test's own; Kafka's absence is noticed soon."""
        settings = kafka_settings_for(self._bootstrap, unique_prefix())
        return settings.model_copy(update={"request_timeout_seconds": 2.0})

    async def start(self) -> None:
        self._process = await ChildProcess.start(self._child)
        await self._process.wait_ready()

    async def stop(self) -> None:
        if self._process is not None:
            await self._process.stop()
            self._process = None


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """A Kafka of these tests' own, running before and after each of them."""
    folder = tmp_path_factory.mktemp("kafka")
    with Ports(cache_dir(os.environ) / "ports", random.Random()) as ports:
        nodes = [Node(1, ports.free(), ports.free(), folder / "1")]
        program = await install_kafka(os.environ, lambda _total: None, lambda _bytes: None)
        (child,) = await prepare_kafka(program, nodes, folder, folder / "logs")
        broker = Broker(child, bootstrap_servers(nodes))
        try:
            await broker.start()
            yield broker
        finally:
            await broker.stop()


async def test_a_stopped_broker_is_outlived_and_nothing_is_handled_twice(broker: Broker) -> None:
    """Calls end while Kafka is away; their outcomes are written, and their offsets committed, when it is back."""

    def publish(delivery: Delivery) -> Outcome:
        value = f"{delivery.partition}/{delivery.offset}".encode()
        return Settled((OutgoingRecord(topic=cluster.names.results, key=b"k", value=value),))

    handler = RecordingHandler(publish)
    async with cluster_on(broker.settings()) as cluster:
        for partition in range(2):
            await cluster.produce(partition, 10)
        worker = await cluster.start_engine(handler, concurrency=6)
        await until(lambda: worker.count("records_buffered") == 14)

        await broker.stop()
        await handler.let_go(*handler.in_hand)
        # Records fetched before are started, and writes are tried until they succeed.
        await until(lambda: len(handler.started) == 12)
        await until(lambda: worker.count("publish_errors_total", topic=cluster.names.results, fate="retried") >= 1)
        assert await worker.engine.liveness() == []

        await broker.start()
        await handler.let_all_go()
        for partition in range(2):
            await cluster.until_committed(partition, 10)
        await cluster.produce(0, 1)
        await cluster.until_committed(0, 11)

        results = await cluster.read(cluster.names.results, 21)
        expected = {f"{partition}/{offset}".encode() for partition in range(2) for offset in range(10)} | {b"0/10"}
        assert {record.value for record in results} == expected
        assert len(handler.started) == len(set(handler.started)) == 21
        assert not worker.run.done()


async def test_a_worker_that_starts_before_kafka_joins_when_it_is_there(broker: Broker) -> None:
    handler = RecordingHandler(hold=False)
    async with cluster_on(broker.settings()) as cluster:
        await cluster.produce(0, 1)
        await broker.stop()
        worker = await cluster.start_engine(handler, producer=cluster.producer)
        await until(lambda: worker.count("start_errors_total") >= 1)
        assert await worker.engine.readiness() == ["not yet a member of the group"]
        assert await worker.engine.liveness() == []
        await broker.start()
        await until(lambda: handler.started == [(0, 0)])


async def test_without_kafka_a_drain_still_finishes_what_is_in_flight(broker: Broker) -> None:
    handler = RecordingHandler()
    async with cluster_on(broker.settings()) as cluster:
        await cluster.produce(0, 2)
        worker = await cluster.start_engine(handler, concurrency=2)
        await handler.until_running(2)
        await broker.stop()
        await handler.let_all_go()
        await worker.engine.drain(60)
        await worker.run
        assert worker.count("records_finished_total", topic=cluster.names.interactive) == 2
        assert handler.cancelled == []
        await broker.start()
