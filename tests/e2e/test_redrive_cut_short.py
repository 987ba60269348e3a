"""Kafka goes away in the middle of a redrive: nothing is lost, and asking again runs each task once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.stack.ports import Ports
from common.result import decode_result
from common.settings import KafkaSettings, RedisSettings
from tests.e2e.conftest import Deploy
from tests.support.api import Answer, Api
from tests.support.backend import kafka_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import Processes
from tests.support.servers import OwnServer, own_kafka
from tests.support.waiting import until

REDRIVE = "/v1/operator/dead-letters/redrive"
# Refused the first time, answered from then on.
PROMPTS = [f"{number} [[fail=1;status=400]]" for number in range(5)]


@pytest.fixture
async def broker(processes: Processes, ports: Ports, tmp_path: Path) -> OwnServer:
    return await own_kafka(processes, ports, tmp_path)


@pytest.fixture
def own_settings(broker: OwnServer) -> KafkaSettings:
    return kafka_settings_for(broker.address, unique_prefix())


@pytest.fixture
def services(
    deploy: Deploy, own_settings: KafkaSettings, redis_settings: RedisSettings, fake_model: FakeModel
) -> Deployment:
    return deploy(own_settings, redis_settings, fake_model)


@dataclass(frozen=True, slots=True)
class Scene:
    """Services on a Kafka that can be taken away from them."""

    services: Deployment
    broker: OwnServer
    view: KafkaView

    async def take_kafka_away(self, *, halted: bool) -> None:
        if halted:
            self.broker.process.freeze()
        else:
            await self.broker.process.stop()

    async def bring_kafka_back(self, *, halted: bool) -> None:
        if halted:
            self.broker.process.thaw()
        else:
            await self.broker.process.start()


@pytest.fixture
async def scene(services: Deployment, broker: OwnServer, own_settings: KafkaSettings) -> AsyncIterator[Scene]:
    async with looking_into_kafka(own_settings) as view:
        yield Scene(services, broker, view)


async def redrive_all(api: Api) -> Answer:
    return await api.ask("POST", REDRIVE, json={"all": True})


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [item["status"] for item in answer.body["items"]]


@pytest.mark.parametrize(
    ("step", "halted", "cut_short"),
    [
        # Runs are started in the store, nothing is written.
        ("after redriving.redrive", False, True),
        # Nobody knows what of it is written.
        ("before publisher.publish", True, True),
        # All is written.
        ("after publisher.publish", False, False),
    ],
)
async def test_kafka_that_goes_away_in_mid_redrive_loses_nothing_and_asking_again_starts_nothing_twice(
    scene: Scene, fake_model: FakeModel, step: str, *, halted: bool, cut_short: bool
) -> None:
    api = await scene.services.start_halting_api(step, api__publish_timeout_seconds=2)
    await scene.services.start_worker(concurrency=4)
    [process] = scene.services.apis
    # A submission would halt at the same step.
    submitting = await scene.services.start_api()
    task_ids = await submitting.submit(PROMPTS)
    assert {entry["status"] for entry in await api.wait_until_final(task_ids)} == {"failed"}
    await scene.view.wait_until_committed()

    first = asyncio.create_task(redrive_all(api))
    await until(process.is_frozen, what="the API to halt in its redrive")
    await scene.take_kafka_away(halted=halted)
    process.thaw()
    answer = await first
    if cut_short:
        assert (answer.status, answer.body["error"]["code"]) == (503, "queue_unavailable"), answer
        assert int(answer.headers["retry-after"]) >= 1
    else:
        assert statuses(answer) == ["started"] * len(PROMPTS)
    await scene.bring_kafka_back(halted=halted)

    async def asked_again() -> Answer | None:
        again = await redrive_all(api)
        return again if again.status == 200 else None

    again = await until(asked_again, what="a redrive that is answered")
    assert again is not None
    assert set(statuses(again)) <= {"again", "moved"}
    await api.wait_until_completed(task_ids)
    await scene.view.wait_until_committed()
    assert statuses(await redrive_all(api)) == ["moved"] * len(PROMPTS)
    assert await fake_model.calls_by_prompt() == dict.fromkeys(PROMPTS, 2)
    ends: dict[str, set[tuple[int, str]]] = {}
    for record in await scene.view.records(scene.view.topics.results):
        result = decode_result(record.value)
        ends.setdefault(record.key.decode(), set()).add((result["run"], result["status"]))
    assert ends == {task_id: {(1, "failed"), (2, "completed")} for task_id in task_ids}
