"""Kafka or Valkey out of reach: a quick, honest refusal, no loss, and recovery without a hand."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import Deploy
from tests.support.api import Answer, Api
from tests.support.backend import kafka_settings_for, redis_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.processes import LiveProcess, running_processes
from tests.support.servers import OwnServer, free_ports, own_kafka, own_valkey
from tests.support.waiting import until

ANSWER_SECONDS = 12


@dataclass(frozen=True, slots=True)
class Outage:
    """One way of being out of reach: how it begins and how it ends."""

    begin: Callable[[LiveProcess], Awaitable[None]]
    end: Callable[[LiveProcess], Awaitable[None]]


async def freeze(server: LiveProcess) -> None:
    server.freeze()


async def thaw(server: LiveProcess) -> None:
    server.thaw()


STOPPED = Outage(LiveProcess.stop, LiveProcess.start)
KILLED = Outage(LiveProcess.kill, LiveProcess.start)
FROZEN = Outage(freeze, thaw)


@pytest.fixture(scope="module")
async def kept_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, OwnServer]]:
    """A Kafka and a Valkey that the tests of this module alone use, one after the other."""
    folder = tmp_path_factory.mktemp("outages")
    async with free_ports() as ports, running_processes() as processes:
        yield {
            "kafka": await own_kafka(processes, ports, folder),
            "valkey": await own_valkey(processes, ports, folder),
        }


@pytest.fixture
async def servers(kept_servers: dict[str, OwnServer]) -> AsyncIterator[dict[str, OwnServer]]:
    yield kept_servers
    # A test that failed in the middle of its outage must not take the next ones with it.
    for server in kept_servers.values():
        if not server.process.is_running():
            await server.process.start()
        server.process.thaw()


@pytest.fixture
def deployment(deploy: Deploy, servers: dict[str, OwnServer], fake_model: FakeModel) -> Deployment:
    return deploy(
        kafka_settings_for(servers["kafka"].address, unique_prefix()),
        redis_settings_for(servers["valkey"].address, unique_prefix()),
        fake_model,
    )


async def submit_until_refused(api: Api, prompt: str) -> list[str]:
    """POST prompts until one is refused as it should be: in time, in OpenAI's shape, with a time to come back.

    Returns the ids of those accepted before: 202 is a promise, also when the outage is not yet known.
    """
    began = time.monotonic()
    accepted: list[str] = []

    async def refused() -> Answer | None:
        answer = await api.try_submit([f"{prompt} {len(accepted)}"])
        if answer.status == 202:
            accepted.append(answer.body["tasks"][0]["task_id"])
            return None
        return answer

    answer = await until(refused, what="a refusal")
    took = time.monotonic() - began
    assert answer is not None
    assert answer.status == 503, answer
    assert took <= ANSWER_SECONDS
    assert int(answer.headers["retry-after"]) >= 1
    assert set(answer.body["error"]) == {"message", "type", "param", "code"}
    assert prompt not in answer.body["error"]["message"]
    return accepted


async def submit_again_and_again(api: Api, prompt: str) -> str:
    """POST a prompt until it is accepted and return its id; any refusal is a 503."""

    async def accepted() -> str | None:
        answer: Answer = await api.try_submit([prompt])
        assert answer.status in {202, 503}, answer
        return answer.body["tasks"][0]["task_id"] if answer.status == 202 else None

    return await until(accepted, what="the API to accept prompts again") or ""


@pytest.mark.parametrize(
    ("server", "outage"),
    [
        pytest.param("kafka", STOPPED, id="kafka stopped"),
        pytest.param("kafka", FROZEN, id="kafka frozen"),
        pytest.param("valkey", KILLED, id="valkey killed"),
        pytest.param("valkey", FROZEN, id="valkey frozen"),
    ],
)
async def test_prompts_are_refused_in_time_while_a_server_is_out_of_reach_and_accepted_after(
    deployment: Deployment,
    servers: dict[str, OwnServer],
    fake_model: FakeModel,
    server: str,
    outage: Outage,
) -> None:
    api = await deployment.start_api()
    worker = await deployment.start_worker(concurrency=2)
    out_of_reach = servers[server].process
    await fake_model.hold()
    task_ids = await api.submit(["under way 1", "under way 2", "queued"])
    await fake_model.wait_for_in_flight(2)

    await outage.begin(out_of_reach)
    unaware = await submit_until_refused(api, "unaware")
    assert server == "valkey" or unaware == [], "nothing is accepted that Kafka does not have"
    assert await submit_until_refused(api, "refused") == []
    assert await deployment.answers(deployment.apis[0], "/livez")
    assert await deployment.answers(worker, "/livez")
    # The calls under way end while nothing can be recorded or committed.
    await fake_model.release_all()
    await until(lambda: _answered(fake_model, 2), what="the answers of the calls under way")
    await outage.end(out_of_reach)

    accepted = await submit_again_and_again(api, "accepted after")
    await api.wait_until_completed([*task_ids, *unaware, accepted])
    # Each accepted prompt was called once, each refused one never, however late its record may have been.
    expected = [
        "under way 1",
        "under way 2",
        "queued",
        *(f"unaware {n}" for n in range(len(unaware))),
        "accepted after",
    ]
    assert await fake_model.calls_by_prompt() == dict.fromkeys(expected, 1)


async def _answered(model: FakeModel, count: int) -> bool:
    return (await model.stats()).answered >= count
