"""Our images in the hands of testcontainers: the demo, a drain, and what `docker kill` may strike."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiokafka.errors import KafkaError

from cli.stack.ports import Ports
from common.settings import KafkaSettings
from tests.deploy.project import model_beside
from tests.deploy.services import CONCURRENCY, Services, own_network, running_services
from tests.support.docker import CommandLine
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images")]


@pytest.fixture(scope="module")
async def started(
    docker: CommandLine,
    images: None,  # noqa: ARG001 - built before anything is started
    ports: Ports,
    session: aiohttp.ClientSession,
) -> AsyncIterator[tuple[Services, FakeModel]]:
    with own_network() as network:
        async with (
            model_beside(network.name, docker, ports, session) as model,
            running_services(ports, session, network) as services,
        ):
            yield services, model


@pytest.fixture
def services(started: tuple[Services, FakeModel]) -> Services:
    return started[0]


@pytest.fixture
async def model(started: tuple[Services, FakeModel]) -> AsyncIterator[FakeModel]:
    _, model = started
    await model.hold()
    await model.forget_calls()
    yield model
    await model.behave()
    await model.release_all()


@pytest.fixture
async def view(services: Services) -> AsyncIterator[KafkaView]:
    kafka = KafkaSettings(bootstrap_servers=services.kafka.bootstrap, replication_factor=1, min_insync_replicas=1)
    async with looking_into_kafka(kafka) as view:
        # What the last test's workers left is over, or they would count as this one's.
        await until(lambda: view.is_abandoned(view.topics.llm_group), what="no worker", ignoring=(KafkaError,))
        yield view


async def test_two_workers_of_two_run_four_prompts_at_once(
    services: Services, model: FakeModel, view: KafkaView
) -> None:
    async with services.workers(1):
        await view.wait_for_workers(1)
        alone = await services.api.submit([f"alone {number}" for number in range(4)])
        await model.wait_for_in_flight(2)
        await services.api.wait_for_states(alone, {("processing", 25): 2, ("queued", 0): 2})
        await model.release_all()
        await services.api.wait_until_completed(alone)
        await model.hold()
        async with services.workers(1):
            await view.wait_for_workers(2)
            together = await services.api.submit([f"together {number}" for number in range(4)])
            await model.wait_for_in_flight(4)
            await services.api.wait_for_states(together, {("processing", 25): 4})
            await model.release_all()
            await services.api.wait_until_completed(together)
    stats = await model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt) == (8, 1)


async def test_a_worker_that_is_stopped_finishes_its_calls_and_the_next_one_repeats_none(
    services: Services, model: FakeModel, view: KafkaView
) -> None:
    async with services.workers(1) as [worker]:
        await view.wait_for_workers(1)
        task_ids = await services.api.submit([f"drained {number}" for number in range(6)])
        await model.wait_for_in_flight(CONCURRENCY)
        stopping = asyncio.create_task(worker.stop(), name="docker stop")
        await until(lambda: view.is_abandoned(view.topics.llm_group), what="it to leave", ignoring=(KafkaError,))
        assert not stopping.done()
        assert await model.in_flight() == CONCURRENCY
        await model.release_all()
        assert await stopping == 0
        stats = await model.stats()
        assert (stats.calls, stats.answered, stats.client_disconnected) == (CONCURRENCY, CONCURRENCY, 0)
    async with services.workers(1):
        entries = await services.api.wait_until_completed(task_ids)
    assert [entry["attempts"] for entry in entries] == [1] * 6
    stats = await model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt) == (6, 1)


async def test_a_worker_that_is_killed_loses_nothing_and_its_calls_alone_are_repeated(
    services: Services, model: FakeModel, view: KafkaView
) -> None:
    async with services.workers(2) as [killed, _]:
        await view.wait_for_workers(2)
        task_ids = await services.api.submit([f"killed {number}" for number in range(12)])
        await model.wait_for_in_flight(2 * CONCURRENCY)
        await killed.kill()
        await model.release_all()
        entries = await services.api.wait_until_completed(task_ids, deadline=120)
    stats = await model.stats()
    assert stats.most_calls_of_one_prompt <= 2
    # Each repeated call is shown as an attempt.
    assert stats.calls == 12 + CONCURRENCY == sum(entry["attempts"] for entry in entries)


async def test_a_broker_that_is_killed_loses_nothing_and_repeats_no_call(
    services: Services, model: FakeModel, view: KafkaView
) -> None:
    async with services.workers(1):
        await view.wait_for_workers(1)
        task_ids = await services.api.submit([f"broken {number}" for number in range(6)])
        await model.wait_for_in_flight(CONCURRENCY)
        await services.broker.kill()
        refused = await services.api.try_submit(["meanwhile"])
        assert (refused.status, refused.body["error"]["code"]) == (503, "queue_unavailable")
        await model.release_all()
        await services.broker.start()
        await services.kafka.wait_until_ready()
        entries = await services.api.wait_until_completed(task_ids, deadline=120)
        assert [entry["attempts"] for entry in entries] == [1] * 6

        async def accepted() -> bool:
            return (await services.api.try_submit(["afterwards"])).status == 202

        await until(accepted, what="prompts to be taken again")
        await until(lambda: _was_called(model, "afterwards"), what="the call")
    calls = await model.calls_by_prompt()
    assert {prompt: calls.get(prompt) for prompt in (f"broken {number}" for number in range(6))} == {
        f"broken {number}": 1 for number in range(6)
    }


async def _was_called(model: FakeModel, prompt: str) -> bool:
    return prompt in await model.calls_by_prompt()
