import asyncio

import pytest

from common.store.forgetting import Due, Forgotten
from consumer.engine.ports import OutgoingRecord
from consumer.llm.forgetter import Forgetter
from tests.consumer.llm.harness import NAMES, Scene
from tests.support.waiting import until


class Publishing:
    """Keeps what is published; refuses the keys it is told to."""

    def __init__(self) -> None:
        self.records: list[OutgoingRecord] = []
        self.refused: set[bytes | None] = set()

    async def __call__(self, record: OutgoingRecord) -> bool:
        self.records.append(record)
        return record.key not in self.refused


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def publishing() -> Publishing:
    return Publishing()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def forgotten(scene: Scene) -> Forgotten:
    return Forgotten(scene.redis.link, scene.keys)


@pytest.fixture
def forgetter(forgotten: Forgotten, publishing: Publishing, clock: Clock) -> Forgetter:
    return Forgetter(forgotten, publishing, names=NAMES, again_after_seconds=54, now=clock, jitter=lambda: 0.0)


async def test_the_result_is_nulled_at_once_and_again_when_nobody_can_publish_it_any_more(
    forgetter: Forgetter, forgotten: Forgotten, publishing: Publishing, clock: Clock
) -> None:
    await forgotten.add("a", now=clock.now)
    await forgetter.forget_due()
    null = OutgoingRecord(topic=NAMES.results, key=b"a", value=None, headers=(("task-id", b"a"),))
    assert publishing.records == [null]
    clock.now += 53.9
    await forgetter.forget_due()
    assert publishing.records == [null]
    clock.now += 0.1
    await forgetter.forget_due()
    assert publishing.records == [null, null]
    clock.now += 1000
    await forgetter.forget_due()
    assert publishing.records == [null, null]


async def test_what_kafka_did_not_take_stays_due(
    forgetter: Forgetter, forgotten: Forgotten, publishing: Publishing, clock: Clock
) -> None:
    await forgotten.add("a", now=clock.now)
    await forgotten.add("b", now=clock.now)
    publishing.refused = {b"a"}
    assert not await forgetter.forget_due(), "not asked again at once"
    assert await forgotten.due(now=clock.now, limit=5) == [Due("a", last=False)]


async def test_many_are_forgotten_by_one_look(
    forgetter: Forgetter, forgotten: Forgotten, publishing: Publishing, clock: Clock
) -> None:
    for number in range(250):
        await forgotten.add(f"{number:03}", now=clock.now)
    running = asyncio.create_task(forgetter.run())
    await until(lambda: len(publishing.records) == 250)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert {record.key for record in publishing.records} == {f"{number:03}".encode() for number in range(250)}
