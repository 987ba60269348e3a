"""Failures between Kafka and Redis, and of single prompts, decided as the design has them."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import CollectorRegistry

from cli.stack.ports import Ports
from common.connections import create_admin, create_redis_subscription
from common.record import decode_task
from common.settings import KafkaSettings, RedisSettings
from common.store.idempotency import RepeatableRequest
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.reading import ping
from common.store.scripts import StoreUnavailable
from common.task import Lane
from common.topics import TopicNames
from producer_api import submission
from producer_api.__main__ import kafka_link, ready_parts
from producer_api.batch import Batch, Prompt, PromptTooLarge, Terms
from producer_api.kafka_link import KafkaLink, KafkaUnavailable
from producer_api.outgoing import Place, Unwritten
from producer_api.settings import Settings
from producer_api.state import Parts
from producer_api.store_health import StoreHealth
from producer_api.submission import Accepted, Entry
from producer_api.tasks.views import submitted_view
from tests.support.backend import redis_settings_for, unique_prefix
from tests.support.kafka_view import KafkaView, looking_into_kafka
from tests.support.processes import Processes
from tests.support.redis_client import create_redis
from tests.support.servers import OwnServer, own_valkey
from tests.support.waiting import until

TERMS = Terms(tenant="local", lane=Lane.INTERACTIVE, expires_in_seconds=60)


@dataclass(frozen=True, slots=True)
class Front:
    """The parts behind the routes, on real servers."""

    parts: Parts
    link: KafkaLink
    registry: CollectorRegistry

    def batch(self, *texts: str) -> Batch:
        prompts = [Prompt({"messages": [{"role": "user", "content": text}]}, {}) for text in texts]
        return self.parts.submission.prepare(prompts, TERMS)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"promptmill_api_{name}", labels) or 0.0


async def front_on(kafka: KafkaSettings, redis: RedisSettings) -> AsyncIterator[Front]:
    settings = Settings(kafka=kafka, redis=redis)
    client, link, registry = create_redis(redis, "test"), kafka_link(settings), CollectorRegistry()
    keeping = asyncio.create_task(link.keep())
    try:
        await until(lambda: link.hindrance is None)
        subscription = create_redis_subscription(redis, "test-moves")
        yield Front(ready_parts(settings, client.link, subscription, link, registry), link, registry)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await client.aclose()


@pytest.fixture
async def front(kafka_settings: KafkaSettings, redis_settings: RedisSettings) -> AsyncIterator[Front]:
    async for front in front_on(kafka_settings, redis_settings):
        yield front


@pytest.fixture
async def view(kafka_settings: KafkaSettings) -> AsyncIterator[KafkaView]:
    async with looking_into_kafka(kafka_settings) as view:
        yield view


@pytest.fixture
async def valkey(processes: Processes, ports: Ports, tmp_path: Path) -> OwnServer:
    return await own_valkey(processes, ports, tmp_path)


@pytest.fixture
async def front_on_own_valkey(kafka_settings: KafkaSettings, valkey: OwnServer) -> AsyncIterator[Front]:
    async for front in front_on(kafka_settings, redis_settings_for(valkey.address, unique_prefix())):
        yield front


async def test_prompts_that_kafka_has_are_accepted_though_redis_is_lost_before_they_are_shown(
    front_on_own_valkey: Front, valkey: OwnServer, redis_settings: RedisSettings, view: KafkaView
) -> None:
    front = front_on_own_valkey
    # The question before Kafka is answered by a Redis that lives, so that the loss falls between the two.
    living = create_redis(redis_settings, "test")
    front.parts.submission._store_health = StoreHealth(partial(ping, living.link), timeout_seconds=2)
    valkey.process.freeze()
    entries = await front.parts.submission.submit(front.batch("one", "two"))
    assert [type(entry) for entry in entries] == [Accepted, Accepted]
    keys = {record.key.decode() for record in await view.records(view.topics.interactive)}
    assert keys == {entry.task_id for entry in entries if isinstance(entry, Accepted)}
    assert front.count("accepts_delayed_total") == 2
    assert front.count("prompts_accepted_total", lane="interactive") == 2
    valkey.process.thaw()
    await living.aclose()


async def test_nothing_is_written_while_redis_is_out_of_reach(
    front_on_own_valkey: Front, valkey: OwnServer, view: KafkaView
) -> None:
    front = front_on_own_valkey
    await valkey.process.kill()
    with pytest.raises(StoreUnavailable):
        await front.parts.submission.submit(front.batch("x"))
    assert await view.records(view.topics.interactive) == []
    assert (front.parts.budget.bytes_held, front.parts.budget.records_held) == (0, 0)
    assert await front.parts.readiness() == ["Redis is out of reach"]


async def test_nothing_is_written_while_the_link_is_down(front: Front, view: KafkaView) -> None:
    front.link.suspect(silent=True)
    with pytest.raises(KafkaUnavailable):
        await front.parts.submission.submit(front.batch("x"))
    assert await view.records(view.topics.interactive) == []
    assert (front.parts.budget.bytes_held, front.parts.budget.records_held) == (0, 0)


async def test_a_prompt_that_kafka_refuses_fails_alone_and_is_marked(
    front: Front, kafka_settings: KafkaSettings, redis_settings: RedisSettings
) -> None:
    admin = create_admin(kafka_settings, "test-admin")
    await admin.start()
    topic = TopicNames(kafka_settings.topic_prefix).interactive
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "20000"})])
    await admin.close()
    incompressible = os.urandom(30_000).hex()

    async def submitted() -> tuple[Batch, Sequence[Entry]] | None:
        batch = front.batch("short", incompressible, "also short")
        entries = await front.parts.submission.submit(batch)
        return None if isinstance(entries[1], Accepted) else (batch, entries)

    # The broker says yes before it has told its partitions.
    seen = await until(submitted, what="the topic's new limit")
    assert seen is not None
    batch, entries = seen
    assert isinstance(entries[0], Accepted)
    assert entries[1] == Unwritten(too_large=True)
    assert isinstance(entries[2], Accepted)
    shown = submitted_view(entries[1], 1)
    assert (shown["task_id"], shown["status"]) == (None, "failed")
    assert (shown["error"]["param"], shown["error"]["code"]) == ("prompts[1]", "limit_exceeded")
    redis = create_redis(redis_settings, "test")
    refused_id = batch.task_ids[1]
    assert await redis.hget(Keys(redis_settings.key_prefix).task(refused_id), "status") == b"refused"
    await redis.aclose()
    assert front.parts.budget.bytes_held == 0
    assert front.count("prompts_unwritten_total", lane="interactive") == 1

    # Under a key, a repeat is told the same.
    request = RepeatableRequest("local", "key", b"fingerprint")
    idempotent = front.parts.idempotent_submission
    kept = await idempotent.submit(request, front.batch("short", incompressible))
    again = await idempotent.submit(request, front.batch("short", incompressible))
    assert isinstance(kept[0], Accepted)
    assert kept == again == [kept[0], Unwritten(too_large=True)]
    assert front.parts.budget.bytes_held == 0


async def test_a_prompt_without_acknowledgement_that_a_worker_found_first_is_a_task(
    front: Front, redis_settings: RedisSettings
) -> None:
    batch = front.batch("found", "lost")
    redis = create_redis(redis_settings, "test")
    keys = Keys(redis_settings.key_prefix)
    leases = Leases(redis.link, keys, worker="w", lease_seconds=30, result_ttl_seconds=60, max_crashes=3)
    await leases.claim(batch.pattern, token="a", partition=0, offset=0)
    settled = await front.parts.submission.settle(batch, [Unwritten(), Unwritten()])
    assert settled.entries == [Accepted(batch.task_ids[0]), Unwritten()]
    assert await redis.hget(keys.task(batch.task_ids[0]), "status") == b"processing"
    assert await redis.hget(keys.task(batch.task_ids[1]), "status") == b"refused"
    await redis.aclose()


async def test_a_process_that_was_held_up_past_the_store_s_time_asks_it_once_more(
    front: Front, redis_settings: RedisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is asked, and nothing heard, in no time: as after a halt.
    monkeypatch.setattr(submission, "_ACCEPT_SECONDS", 0)
    monkeypatch.setattr(submission, "_REFUSE_SECONDS", 0)
    batch = front.batch("written", "not written", "refused by an earlier writer")
    redis = create_redis(redis_settings, "test")
    keys = Keys(redis_settings.key_prefix)
    await front.parts.submission._submissions.refuse(batch.tasks(batch.task_ids[2:]))
    settled = await front.parts.submission.settle(batch, [Place(0, 1), Unwritten(), Place(0, 2)])
    assert (settled.is_shown, settled.is_marked) == (True, True)
    assert settled.to_write_again == batch.task_ids[2:]
    states = [await redis.hget(keys.task(task_id), "status") for task_id in batch.task_ids]
    assert states == [b"queued", b"refused", b"queued"]
    assert front.count("accepts_delayed_total") == 0
    await redis.aclose()


async def test_the_largest_prompt_allowed_fits_a_record_whatever_it_holds(front: Front, view: KafkaView) -> None:
    limit = front.parts.settings.max_prompt_bytes
    frame = len(b'{"messages":[{"role":"user","content":""}]}') - len(b"{}")
    largest = os.urandom(limit // 2).hex()[: limit - frame]
    largest += "x" * (limit - frame - len(largest))
    [entry] = await front.parts.submission.submit(front.batch(largest))
    assert isinstance(entry, Accepted)
    [record] = await view.records(view.topics.interactive)
    assert decode_task(record.value).body["messages"] == [{"role": "user", "content": largest}]
    with pytest.raises(PromptTooLarge) as refused:
        front.batch("x", largest + "x")
    assert (refused.value.index, refused.value.size) == (1, limit + 1)


async def test_a_prepared_batch_holds_its_prompts_as_records_only(front: Front) -> None:
    batch = front.batch("x", "y")
    assert batch.pattern.body == {}
    assert [decode_task(record.value).task_id for record in batch.records] == batch.task_ids
    assert batch.size_bytes == sum(len(record.value) for record in batch.records)


def test_a_prompt_that_was_not_written_says_to_send_it_again() -> None:
    shown = submitted_view(Unwritten(), 7)
    assert (shown["task_id"], shown["status"]) == (None, "failed")
    assert (shown["error"]["type"], shown["error"]["param"], shown["error"]["code"]) == (
        "server_error",
        "prompts[7]",
        "not_written",
    )
