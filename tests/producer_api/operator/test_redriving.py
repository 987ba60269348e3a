"""Redriving through the API, on a real topic and a real store."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from common.record import decode_task, encode_task, task_headers
from common.store.ending import Endings
from common.store.keys import Keys
from common.store.marker import Marker
from common.task import Lane, Status, Task, new_task_id
from tests.producer_api.conftest import DEADLINE_SECONDS, RESULT_TTL_SECONDS
from tests.producer_api.operator.conftest import ROOT, Graveyard, a_task
from tests.support.api import Api
from tests.support.kafka_view import KafkaView
from tests.support.redis_client import Redis


async def records_of(view: KafkaView, task: Task) -> Sequence[Any]:
    found = await view.records(view.topics.tasks(task.lane))
    return [record for record in found if record.key == task.task_id.encode()]


async def test_a_redrive_writes_the_next_run_with_the_whole_of_its_time(
    graveyard: Graveyard, kafka_view: KafkaView
) -> None:
    task = a_task(lane=Lane.BATCH, metadata={"row": "7"}, window=600)
    await graveyard.end(task)
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    position = await graveyard.bury(task, headers=(trace, ("attempts", b"4"), ("not-before", b"1.0")))
    before = time.time()
    assert await graveyard.fates(positions=[position]) == [("started", 2)]
    [record] = await records_of(kafka_view, task)
    redriven = decode_task(record.value)
    assert before + 600 <= redriven.expires_at <= time.time() + 601
    assert redriven == replace(task, run=2, expires_at=redriven.expires_at)
    headers = dict(record.headers)
    assert set(headers) == {"task-id", "tenant", "content-type", "traceparent", "redriven-at"}
    assert headers["traceparent"] == trace[1]
    state = await graveyard.state(task)
    assert state is not None
    assert (state.status, state.run, state.attempts) == (Status.QUEUED, 2, 0)
    assert (state.partition, state.offset) == (record.partition, record.offset)
    assert state.expires_at == pytest.approx(redriven.expires_at, abs=0.002)


async def test_a_run_that_was_redriven_has_the_same_time_when_it_is_redriven_again(
    graveyard: Graveyard, kafka_view: KafkaView
) -> None:
    now = time.time()
    second = replace(a_task(), run=2, expires_at=now + 200)
    await graveyard.end(second)
    position = await graveyard.bury(second, headers=(("redriven-at", f"{now - 100:.3f}".encode()),))
    assert await graveyard.fates(positions=[position]) == [("started", 3)]
    [record] = await records_of(kafka_view, second)
    assert decode_task(record.value).expires_at == pytest.approx(time.time() + 300, abs=20)
    assert [name for name, _ in record.headers].count("redriven-at") == 1


async def test_no_run_has_more_time_than_the_settings_give(graveyard: Graveyard, kafka_view: KafkaView) -> None:
    task = a_task(window=1e9)
    await graveyard.fates(positions=[await graveyard.bury(task)])
    [record] = await records_of(kafka_view, task)
    assert decode_task(record.value).expires_at == pytest.approx(time.time() + DEADLINE_SECONDS, abs=20)


async def test_redriving_twice_starts_once_and_repairs_what_was_cut_short(
    graveyard: Graveyard, kafka_view: KafkaView
) -> None:
    task = a_task()
    await graveyard.end(task)
    position = await graveyard.bury(task)
    assert await graveyard.fates(positions=[position]) == [("started", 2)]
    # Killed between the store and Kafka it would have left a queued run without a record: it is written again.
    assert await graveyard.fates(positions=[position]) == [("again", 2)]
    records = await records_of(kafka_view, task)
    assert [decode_task(record.value).run for record in records] == [2, 2]
    await graveyard.end(replace(task, run=2), Status.COMPLETED)
    assert await graveyard.fates(positions=[position]) == [("moved", 2)]
    assert len(await records_of(kafka_view, task)) == 2


async def test_the_store_s_forgetting_starts_nothing_twice(
    graveyard: Graveyard, kafka_view: KafkaView, redis: Redis, keys: Keys
) -> None:
    task = a_task()
    position = await graveyard.bury(task)
    assert await graveyard.fates(positions=[position]) == [("started", 2)]
    await redis.delete(*keys.of(task.task_id))
    assert await graveyard.fates(positions=[position]) == [("moved", 2)]
    assert len(await records_of(kafka_view, task)) == 1


async def test_a_dry_run_says_the_same_and_does_nothing(graveyard: Graveyard, kafka_view: KafkaView) -> None:
    failed, completed, forgotten = a_task(), a_task(), a_task()
    await graveyard.end(failed)
    await graveyard.end(completed, Status.COMPLETED)
    positions = [await graveyard.bury(task) for task in (failed, completed, forgotten)]
    expected = [("started", 2), ("completed", 1), ("started", 2)]
    before = [await graveyard.state(task) for task in (failed, completed, forgotten)]
    assert await graveyard.fates(positions=positions, dry_run=True) == expected
    assert [await graveyard.state(task) for task in (failed, completed, forgotten)] == before
    assert await records_of(kafka_view, failed) == []
    assert await graveyard.fates(positions=positions) == expected


async def test_each_letter_has_an_answer_of_its_own(graveyard: Graveyard, redis: Redis, keys: Keys) -> None:
    live, deleted, garbled = a_task(), a_task(), a_task()
    await graveyard.end(deleted)
    endings = Endings(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    await endings.delete([deleted.task_id], tenant="local", token="d")
    future = orjson.dumps({**orjson.loads(encode_task(live)), "version": 2})
    positions = [
        await graveyard.bury(garbled, value=b"garbage"),
        await graveyard.bury(deleted),
        "0-999999999",
        await graveyard.bury(live, value=future),
        await graveyard.bury(live, value=None),
        await graveyard.bury(a_task("x" * 2**20)),
    ]
    answer = await graveyard.redrive(positions=positions)
    assert [item["id"] for item in answer.body["items"]] == positions
    statuses = [item["status"] for item in answer.body["items"]]
    assert statuses == ["unreadable", "deleted", "missing", "unreadable", "started", "too_large"]
    assert answer.body["items"][0]["task_id"] == garbled.task_id


async def test_a_reference_is_followed_to_the_record_that_it_means_and_no_other(
    graveyard: Graveyard, kafka_view: KafkaView
) -> None:
    task, other = a_task(), a_task()
    value, topic = encode_task(task), graveyard.names.interactive
    place = await graveyard.producer.send_and_wait(
        topic, value, key=b"elsewhere", partition=2, headers=task_headers(task)
    )
    source = (topic, place.partition, place.offset)
    right = hashlib.sha256(value).hexdigest()
    positions = [
        await graveyard.bury_by_reference(task, source, sha256=hashlib.sha256(b"other").hexdigest()),
        await graveyard.bury_by_reference(other, (topic, 2, 10**9)),
        await graveyard.bury_by_reference(other, (topic, 999, 0)),
        await graveyard.bury_by_reference(other, (graveyard.names.results, 0, 0)),
        await graveyard.bury_by_reference(other, ("nowhere", 0, 0)),
        await graveyard.bury_by_reference(task, source, sha256=right),
    ]
    fates = await graveyard.fates(positions=positions)
    assert fates == [("missing", None)] * 5 + [("started", 2)]
    [record] = await records_of(kafka_view, task)
    assert decode_task(record.value).body == task.body


async def test_filters_redrive_page_by_page_what_there_was_when_the_first_was_asked_for(
    graveyard: Graveyard, kafka_view: KafkaView
) -> None:
    tenant = new_task_id()
    tasks = [a_task(tenant=tenant) for _ in range(5)]
    for number, task in enumerate(tasks):
        await graveyard.bury(task, partition=number % 3)
    later = None
    seen: list[str] = []
    asked: dict[str, Any] = {"tenant": tenant, "limit": 2}
    while True:
        answer = (await graveyard.redrive(**asked)).body
        seen += [item["task_id"] for item in answer["items"]]
        assert len(answer["items"]) <= 2
        # As a task does that fails again at once: a redrive of all must come to an end all the same.
        later = later or await graveyard.bury(a_task(tenant=tenant))
        if answer["next"] is None:
            break
        asked["after"] = answer["next"]
    assert sorted(seen) == sorted(task.task_id for task in tasks)
    for task in tasks:
        assert len(await records_of(kafka_view, task)) == 1


async def test_a_group_is_what_died_of_exactly_that_as_far_as_a_look_had_come(
    graveyard: Graveyard, listed: Callable[..., Any], api: Api
) -> None:
    reason, long = f"Refused by {new_task_id()}.", "x" * 5_000
    first, second = a_task(), a_task()
    await graveyard.bury(first, reason=reason, error_code="refused")
    await graveyard.bury(a_task(), reason=reason + " Why not.", error_code="refused")
    await graveyard.bury(a_task(), reason=reason, error_code="other")
    await graveyard.bury(second, reason=reason, error_code="refused", partition=5)
    await graveyard.bury(a_task(), reason=reason + long, error_code="refused")
    [*_, looked] = await listed(reason=reason)
    arrived = a_task()
    await graveyard.bury(arrived, reason=reason, error_code="refused", partition=3)

    async def meant(**asked: Any) -> set[str]:
        found: set[str] = set()
        after: dict[str, str] = {}
        while True:
            answer = await graveyard.redrive(**asked, **after, dry_run=True)
            assert answer.status == 200, answer
            found |= {item["task_id"] for item in answer.body["items"]}
            if answer.body["next"] is None:
                return found
            after = {"after": answer.body["next"]}

    group = {"error_code": "refused", "reason": reason}
    assert await meant(group=group, before=looked["later"]) == {first.task_id, second.task_id}
    # As long as one of many partitions.
    long_cursor = looked["later"] + "".join(f"_{number}.0.{10**17}" for number in range(100, 130))
    assert await meant(group=group, before=long_cursor) == {first.task_id, second.task_id}
    assert await meant(group=group) == {first.task_id, second.task_id, arrived.task_id}
    assert len(await meant(group={"error_code": "refused", "reason": reason + long})) == 1
    # What the look left is there from `later` on.
    answer = await api.ask("GET", ROOT, params={"after": looked["later"], "reason": reason})
    assert [letter["task_id"] for letter in answer.body["dead_letters"]] == [arrived.task_id]
    # A look that is not over had come as far as where it goes on.
    [one, *_] = await listed(reason=reason, limit=1)
    assert await meant(group=group, before=one["next"]) == {first.task_id}


async def test_letters_without_code_and_reason_are_a_group(graveyard: Graveyard, listed: Callable[..., Any]) -> None:
    [*_, before] = await listed()
    task = a_task()
    position = await graveyard.write(encode_task(task), task_headers(task))
    answer = await graveyard.redrive(group={"error_code": None, "reason": None}, after=before["later"], dry_run=True)
    assert [item["id"] for item in answer.body["items"]] == [position]


async def test_by_task_id_all_letters_of_a_task_are_meant_and_its_last_run_counts(graveyard: Graveyard) -> None:
    task = a_task()
    second = replace(task, run=2)
    await graveyard.end(second)
    await graveyard.bury(task)
    await graveyard.bury(second)
    assert await graveyard.fates(task_ids=[task.task_id]) == [("moved", 2), ("started", 3)]


async def test_while_the_store_is_not_whole_nothing_is_started(graveyard: Graveyard, redis: Redis, keys: Keys) -> None:
    task = a_task()
    position = await graveyard.bury(task)
    await redis.delete(keys.marker)
    answer = await graveyard.redrive(positions=[position])
    assert (answer.status, answer.body["error"]["code"]) == (503, "store_rebuilding")
    assert await graveyard.state(task) is None
    marker = Marker(redis.link, keys)
    await marker.set((await marker.identity()).run_id)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({}, None),
        ({"dry_run": True}, None),
        ({"all": True, "tenant": "x"}, None),
        ({"positions": ["0-0"], "tenant": "x"}, None),
        ({"positions": []}, "positions"),
        ({"positions": ["x"]}, "positions[0]"),
        ({"positions": ["0-0"] * 101}, "positions"),
        ({"task_ids": ["x"]}, "task_ids"),
        ({"since": "yesterday"}, "since"),
        ({"all": True, "limit": 0}, "limit"),
        ({"all": True, "after": "x"}, "after"),
        ({"all": True, "before": "x"}, "before"),
        ({"all": True, "before": ""}, "before"),
        ({"before": "0.0.1"}, None),
        ({"all": True, "group": {"error_code": None, "reason": None}}, None),
        ({"group": {"reason": "x"}}, "group.error_code"),
        ({"everything": True}, None),
        ([], None),
    ],
)
async def test_a_request_that_does_not_say_clearly_which_is_400(
    graveyard: Graveyard, asked: Any, param: str | None
) -> None:
    answer = await graveyard._api.ask("POST", "/v1/operator/dead-letters/redrive", json=asked)
    assert (answer.status, answer.body["error"]["param"]) == (400, param), answer
