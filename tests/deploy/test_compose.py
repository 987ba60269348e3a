"""The second way to start: `docker compose up`, on our own images, with a model that counts its calls."""

import asyncio

import pytest
from aiokafka.errors import KafkaError

from tests.deploy.compose import Compose
from tests.deploy.project import CONCURRENCY
from tests.support.api import Api
from tests.support.docker import CommandLine
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

pytestmark = pytest.mark.docker


def prompts(count: int, *, of: str) -> list[str]:
    """Prompts that no other test has, so that what one leaves behind when it fails is not counted by another."""
    return [f"{of} {number}" for number in range(count)]


@pytest.mark.usefixtures("view")
async def test_four_prompts_are_answered_through_the_published_port(api: Api, model: FakeModel) -> None:
    entries = await api.wait_until_completed(await api.submit(prompts(4, of="first")))
    assert [entry["attempts"] for entry in entries] == [1] * 4
    assert (await model.stats()).calls == 4


@pytest.mark.usefixtures("view")
async def test_the_command_line_works_in_its_image(compose: Compose) -> None:
    assert "say so" in await compose.run_cli("submit", "say so")
    assert "promptmill.tasks.interactive" in await compose.run_cli("topics", "--json")


async def test_adding_and_removing_workers_under_load_repeats_no_call(
    compose: Compose, api: Api, model: FakeModel, view: KafkaView
) -> None:
    await view.wait_for_workers(1)
    await model.behave(latency_seconds=0.5)
    task_ids = await api.submit(prompts(300, of="scaled"))
    await compose.up(consumers=3)
    await view.wait_for_workers(3)
    await compose.up(consumers=2)
    await api.wait_until_completed(task_ids, deadline=240)
    stats = await model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt, stats.client_disconnected) == (300, 1, 0)
    # More than one worker alone may have: the others took part.
    assert stats.max_in_flight > CONCURRENCY


async def test_a_killed_worker_loses_nothing(
    compose: Compose, docker: CommandLine, api: Api, model: FakeModel, view: KafkaView
) -> None:
    await compose.up(consumers=3)
    await view.wait_for_workers(3)
    await model.hold()
    task_ids = await api.submit(prompts(60, of="killed"))
    await model.wait_for_in_flight(3 * CONCURRENCY)
    killed = (await compose.containers("consumer"))[0].name
    await docker.run("docker", "kill", killed)
    await model.behave()
    await model.release_all()
    entries = await api.wait_until_completed(task_ids, deadline=240)
    stats = await model.stats()
    # At most what the killed one had in flight is called again, and shown as attempts.
    repeated = sum(entry["attempts"] - 1 for entry in entries)
    assert repeated <= CONCURRENCY
    assert stats.calls <= 60 + CONCURRENCY
    assert stats.most_calls_of_one_prompt <= 2


async def test_down_finishes_the_calls_in_flight_and_up_goes_on(
    compose: Compose, api: Api, model: FakeModel, view: KafkaView
) -> None:
    await compose.up(consumers=2)
    await view.wait_for_workers(2)
    await model.hold()
    task_ids = await api.submit(prompts(30, of="down"))
    await model.wait_for_in_flight(2 * CONCURRENCY)
    stopping = asyncio.create_task(compose.down(), name="docker compose down")
    # They leave the group at once, with their calls still under way.
    await until(
        lambda: view.is_abandoned(view.topics.llm_group), what="both workers to have left", ignoring=(KafkaError,)
    )
    assert not stopping.done()
    assert await model.in_flight() == 2 * CONCURRENCY
    await model.release_all()
    await stopping
    stats = await model.stats()
    assert (stats.calls, stats.answered, stats.client_disconnected) == (2 * CONCURRENCY, 2 * CONCURRENCY, 0)
    await compose.up(consumers=2)
    entries = await api.wait_until_completed(task_ids, deadline=240)
    assert [entry["attempts"] for entry in entries] == [1] * 30
    stats = await model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt) == (30, 1)
