"""One `Idempotency-Key`, and an API, Kafka or Redis that fails at any step: the same ids, each prompt called once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from common.settings import KafkaSettings, RedisSettings
from common.store.keys import Keys
from tests.e2e.conftest import Deploy
from tests.support.api import Answer, Api
from tests.support.backend import kafka_settings_for, redis_settings_for, unique_prefix
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import LiveProcess, running_processes
from tests.support.redis_client import Redis, create_redis
from tests.support.servers import OwnServer, free_ports, own_kafka, own_valkey
from tests.support.waiting import until

PROMPTS = ["one", "two", "three"]
KEY = "order-66"

# A publishing lease is this and 5 seconds.
PUBLISH_TIMEOUT: dict[str, Any] = {"api__publish_timeout_seconds": 2}

STEPS = [
    "before idempotency.begin",
    "after idempotency.begin",
    "after publisher.publish",
    "after submissions.accept_alike",
    "after idempotency.conclude",
]


def ids_of(answer: Answer) -> list[str]:
    assert answer.status == 202, answer
    return [entry["task_id"] for entry in answer.body["tasks"]]


async def halted(deployment: Deployment, number: int = -1) -> LiveProcess:
    """The API that halts itself, once it has."""
    process = deployment.apis[number]
    await until(process.is_frozen, what="the API to halt at its step")
    return process


async def repeat_until_accepted(api: Api, key: str = KEY, prompts: list[str] | None = None) -> Answer:
    """POST under the key until it is accepted; any other answer is a 409 or a 503 that says to come again."""

    async def accepted() -> Answer | None:
        answer = await api.try_submit_as(key, prompts or PROMPTS)
        if answer.status == 202:
            return answer
        assert int(answer.headers["retry-after"]) >= 1
        if answer.status == 409:
            assert answer.headers["x-should-retry"] == "true"
            assert answer.body["error"]["code"] == "idempotency_key_in_use"
        else:
            assert answer.status == 503, answer
        return None

    answer = await until(accepted, what="a repeat to be accepted")
    assert answer is not None
    return answer


async def each_called_once(deployment: Deployment, api: Api, answer: Answer, model: FakeModel, view: KafkaView) -> None:
    """Every task of the answer completes with one call, and no record has any other id."""
    task_ids = ids_of(answer)
    await api.wait_until_completed(task_ids)
    await view.wait_until_committed()
    records = await view.records(view.topics.interactive)
    assert {record.key.decode() for record in records} == set(task_ids), deployment.kafka
    assert await model.calls_by_prompt() == dict.fromkeys(PROMPTS, 1)


@pytest.mark.parametrize("step", STEPS)
async def test_an_api_killed_at_any_step_costs_no_call_when_the_client_repeats(
    deployment: Deployment, fake_model: FakeModel, kafka_view: KafkaView, step: str
) -> None:
    first = await deployment.start_halting_api(step, **PUBLISH_TIMEOUT)
    second = await deployment.start_api(**PUBLISH_TIMEOUT)
    await deployment.start_worker(concurrency=4)
    posting = asyncio.create_task(first.try_submit_as(KEY, PROMPTS))
    process = await halted(deployment, 0)
    await process.kill()
    with pytest.raises(aiohttp.ClientError):
        await posting

    answer = await repeat_until_accepted(second)
    assert ids_of(await second.try_submit_as(KEY, PROMPTS)) == ids_of(answer)
    await each_called_once(deployment, second, answer, fake_model, kafka_view)
    by_id: dict[bytes, set[bytes]] = {}
    for record in await kafka_view.records(kafka_view.topics.interactive):
        by_id.setdefault(record.key, set()).add(record.value)
    assert {len(values) for values in by_id.values()} == {1}, "the same record, byte by byte"


async def test_the_key_is_recorded_before_anything_is_in_kafka(
    deployment: Deployment, redis: Redis, redis_settings: RedisSettings, kafka_view: KafkaView
) -> None:
    api = await deployment.start_halting_api("before publisher.publish")
    posting = asyncio.create_task(api.try_submit_as(KEY, PROMPTS))
    process = await halted(deployment)
    assert await redis.hget(Keys(redis_settings.key_prefix).idempotency("local", KEY), "state") == b"publishing"
    assert await kafka_view.records(kafka_view.topics.interactive) == []
    process.thaw()
    ids_of(await posting)


async def test_who_comes_while_the_request_is_written_gets_its_answer(
    deployment: Deployment, kafka_view: KafkaView
) -> None:
    writing = await deployment.start_halting_api("after publisher.publish")
    waiting = await deployment.start_api()
    first = asyncio.create_task(writing.try_submit_as(KEY, PROMPTS))
    process = await halted(deployment, 0)
    second = asyncio.create_task(waiting.try_submit_as(KEY, PROMPTS))
    other = await waiting.try_submit_as(KEY, ["something else"])
    assert (other.status, other.body["error"]["code"]) == (409, "idempotency_key_reused")
    process.thaw()
    assert ids_of(await first) == ids_of(await second)
    assert len(await kafka_view.records(kafka_view.topics.interactive)) == len(PROMPTS)


async def test_who_waits_too_long_is_told_to_come_again(deployment: Deployment) -> None:
    writing = await deployment.start_halting_api("after idempotency.begin")
    waiting = await deployment.start_api()
    first = asyncio.create_task(writing.try_submit_as(KEY, PROMPTS))
    process = await halted(deployment, 0)
    answer = await waiting.try_submit_as(KEY, PROMPTS)
    assert (answer.status, answer.body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("2", "true")
    process.thaw()
    ids_of(await first)


async def test_requests_at_once_on_two_apis_are_one(
    deployment: Deployment, fake_model: FakeModel, kafka_view: KafkaView
) -> None:
    apis = [await deployment.start_api(), await deployment.start_api()]
    await deployment.start_worker(concurrency=4)
    answers = await asyncio.gather(*(apis[number % 2].try_submit_as(KEY, PROMPTS) for number in range(10)))
    assert len({tuple(ids_of(answer)) for answer in answers}) == 1
    assert len(await kafka_view.records(kafka_view.topics.interactive)) == len(PROMPTS)
    await each_called_once(deployment, apis[0], answers[0], fake_model, kafka_view)


async def test_an_api_that_was_halted_past_its_lease_says_what_its_successor_said(
    deployment: Deployment, fake_model: FakeModel, kafka_view: KafkaView
) -> None:
    late = await deployment.start_halting_api("after publisher.publish", **PUBLISH_TIMEOUT)
    successor = await deployment.start_api(**PUBLISH_TIMEOUT)
    await deployment.start_worker(concurrency=4)
    posting = asyncio.create_task(late.try_submit_as(KEY, PROMPTS))
    process = await halted(deployment, 0)
    answer = await repeat_until_accepted(successor)
    process.thaw()
    assert ids_of(await posting) == ids_of(answer)
    await each_called_once(deployment, successor, answer, fake_model, kafka_view)


# With a Kafka and a Valkey to be halted.


@pytest.fixture(scope="module")
async def kept_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, OwnServer]]:
    folder = tmp_path_factory.mktemp("repeats")
    async with free_ports() as ports, running_processes() as processes:
        yield {
            "kafka": await own_kafka(processes, ports, folder),
            "valkey": await own_valkey(processes, ports, folder),
        }


@pytest.fixture
async def servers(kept_servers: dict[str, OwnServer]) -> AsyncIterator[dict[str, OwnServer]]:
    yield kept_servers
    for server in kept_servers.values():
        server.process.thaw()


@pytest.fixture
def own_settings(servers: dict[str, OwnServer]) -> tuple[KafkaSettings, RedisSettings]:
    kafka = kafka_settings_for(servers["kafka"].address, unique_prefix())
    return kafka, redis_settings_for(servers["valkey"].address, unique_prefix())


@pytest.fixture
def on_own_servers(
    deploy: Deploy, own_settings: tuple[KafkaSettings, RedisSettings], fake_model: FakeModel
) -> Deployment:
    return deploy(*own_settings, fake_model)


@pytest.fixture
async def own_view(own_settings: tuple[KafkaSettings, RedisSettings]) -> AsyncIterator[KafkaView]:
    async with looking_into_kafka(own_settings[0]) as view:
        yield view


@pytest.fixture
async def own_redis(own_settings: tuple[KafkaSettings, RedisSettings]) -> AsyncIterator[Redis]:
    redis = create_redis(own_settings[1], "test")
    yield redis
    await redis.aclose()


async def marks(redis: Redis, deployment: Deployment) -> set[str]:
    """Ids that are marked as refused."""
    keys = [key async for key in redis.scan_iter(f"{deployment.redis.key_prefix}task:*}}")]
    refused = [key.decode() for key in keys if await redis.hget(key, "status") == b"refused"]
    return {key.partition("{")[2].partition("}")[0] for key in refused}


async def refused_by_kafka(api: Api, servers: dict[str, OwnServer], redis: Redis, deployment: Deployment) -> set[str]:
    """POST while Kafka is halted, until it is refused after it was sent; the ids that were marked."""
    servers["kafka"].process.freeze()
    answer = await api.try_submit_as(KEY, PROMPTS)
    servers["kafka"].process.thaw()
    assert (answer.status, answer.body["error"]["code"]) == (503, "queue_unavailable"), answer
    found = await marks(redis, deployment)
    assert len(found) == len(PROMPTS)
    return found


async def test_a_repeat_after_503_writes_the_same_ids_and_they_run(
    on_own_servers: Deployment,
    servers: dict[str, OwnServer],
    own_redis: Redis,
    own_view: KafkaView,
    fake_model: FakeModel,
) -> None:
    api = await on_own_servers.start_api(**PUBLISH_TIMEOUT)
    await on_own_servers.start_worker(concurrency=4)
    refused = await refused_by_kafka(api, servers, own_redis, on_own_servers)
    answer = await repeat_until_accepted(api)
    assert set(ids_of(answer)) == refused
    await each_called_once(on_own_servers, api, answer, fake_model, own_view)
    assert await marks(own_redis, on_own_servers) == set()


async def test_the_marks_of_a_refusal_are_gone_before_the_records_are_written_again(
    on_own_servers: Deployment, servers: dict[str, OwnServer], own_redis: Redis
) -> None:
    api = await on_own_servers.start_api(**PUBLISH_TIMEOUT)
    other = await on_own_servers.start_halting_api("before publisher.publish")
    await refused_by_kafka(api, servers, own_redis, on_own_servers)
    posting = asyncio.create_task(repeat_until_accepted(other))
    process = await halted(on_own_servers)
    assert await marks(own_redis, on_own_servers) == set()
    process.thaw()
    await posting


async def test_after_503_the_key_is_free_for_another_request_and_the_first_never_runs(
    on_own_servers: Deployment,
    servers: dict[str, OwnServer],
    own_redis: Redis,
    own_view: KafkaView,
    fake_model: FakeModel,
) -> None:
    api = await on_own_servers.start_api(**PUBLISH_TIMEOUT)
    await on_own_servers.start_worker(concurrency=4)
    refused = await refused_by_kafka(api, servers, own_redis, on_own_servers)
    answer = await repeat_until_accepted(api, prompts=["something else"])
    assert refused.isdisjoint(ids_of(answer))
    await api.wait_until_completed(ids_of(answer))
    await own_view.wait_until_committed()
    assert await fake_model.calls_by_prompt() == {"something else": 1}
    assert await marks(own_redis, on_own_servers) == refused


async def test_marks_of_a_halted_api_that_come_while_its_successor_writes_lose_no_task(
    on_own_servers: Deployment,
    servers: dict[str, OwnServer],
    own_redis: Redis,
    own_view: KafkaView,
    fake_model: FakeModel,
) -> None:
    late = await on_own_servers.start_halting_api("before submissions.refuse", **PUBLISH_TIMEOUT)
    successor = await on_own_servers.start_halting_api("before submissions.accept_alike", **PUBLISH_TIMEOUT)
    servers["kafka"].process.freeze()
    first = asyncio.create_task(late.try_submit_as(KEY, PROMPTS))
    late_process = await halted(on_own_servers, 0)
    servers["kafka"].process.thaw()
    second = asyncio.create_task(repeat_until_accepted(successor))
    successor_process = await halted(on_own_servers, 1)
    # The records are written; now the first says that they must not count, and a worker believes it.
    late_process.thaw()

    async def all_marked() -> bool:
        return len(await marks(own_redis, on_own_servers)) == len(PROMPTS)

    await until(all_marked, what="the late marks")
    await on_own_servers.start_worker(concurrency=4)
    await own_view.wait_until_committed()
    assert await fake_model.calls_by_prompt() == {}
    successor_process.thaw()
    answer = await second
    await each_called_once(on_own_servers, successor, answer, fake_model, own_view)
    said = await first
    assert said.status in {202, 409}, said
    assert said.status == 409 or ids_of(said) == ids_of(answer)


async def test_a_repeat_that_cannot_learn_whether_it_was_refused_meanwhile_has_to_come_again(
    on_own_servers: Deployment, servers: dict[str, OwnServer], own_view: KafkaView, fake_model: FakeModel
) -> None:
    killed = await on_own_servers.start_halting_api("after publisher.publish", **PUBLISH_TIMEOUT)
    successor = await on_own_servers.start_halting_api("before submissions.accept_alike", **PUBLISH_TIMEOUT)
    first = asyncio.create_task(killed.try_submit_as(KEY, PROMPTS))
    process = await halted(on_own_servers, 0)
    await process.kill()
    with pytest.raises(aiohttp.ClientError):
        await first

    async def refused_for_the_store() -> Answer | None:
        answer = await successor.try_submit_as(KEY, PROMPTS)
        return None if answer.status == 409 else answer

    second = asyncio.create_task(until(refused_for_the_store, what="the lease of the killed one to lapse"))
    process = await halted(on_own_servers, 1)
    servers["valkey"].process.freeze()
    process.thaw()
    answer = await second
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body["error"]["code"]) == (503, "store_unavailable"), answer
    servers["valkey"].process.thaw()
    await on_own_servers.start_worker(concurrency=4)
    await each_called_once(on_own_servers, successor, await repeat_until_accepted(successor), fake_model, own_view)


async def test_without_redis_nothing_is_written(
    on_own_servers: Deployment, servers: dict[str, OwnServer], own_view: KafkaView
) -> None:
    api = await on_own_servers.start_api()
    servers["valkey"].process.freeze()
    answer = await api.try_submit_as(KEY, PROMPTS)
    assert (answer.status, answer.body["error"]["code"]) == (503, "store_unavailable")
    servers["valkey"].process.thaw()
    assert await own_view.records(own_view.topics.interactive) == []
    ids_of(await repeat_until_accepted(api))


async def test_redis_lost_after_kafka_has_the_records_is_a_202_and_its_repeat_too(
    on_own_servers: Deployment, servers: dict[str, OwnServer], own_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await on_own_servers.start_halting_api("after publisher.publish", **PUBLISH_TIMEOUT)
    posting = asyncio.create_task(api.try_submit_as(KEY, PROMPTS))
    process = await halted(on_own_servers)
    servers["valkey"].process.freeze()
    process.thaw()
    answer = await posting
    servers["valkey"].process.thaw()
    await on_own_servers.start_worker(concurrency=4)
    assert ids_of(await repeat_until_accepted(api)) == ids_of(answer)
    await each_called_once(on_own_servers, api, answer, fake_model, own_view)
