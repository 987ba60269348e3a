"""Waiting records come back when they are due, or when something is said of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from consumer.engine.backlog import Backlog
from consumer.engine.partition import Partition, Work
from consumer.engine.retry_clock import RetryClock
from tests.consumer.engine.records import delivery
from tests.support.waiting import until

PARTITION = Partition("interactive", 0)
FAR = 1e6


class Rig:
    """The clock at work, by the loop's own time."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.backlog = Backlog({"interactive": 1})
        self.now = asyncio.get_running_loop().time
        self.clock = RetryClock(self.backlog, self.ready, self.now)
        self._offset = 0

    def started(self, key: bytes | None) -> Work:
        """A record that is in a slot."""
        work = Work(delivery(self._offset, key=key), PARTITION)
        self._offset += 1
        self.backlog.add(work)
        assert self.backlog.start() is work
        return work

    def wait(self, key: bytes | None, seconds: float) -> Work:
        """A record that waits for so long."""
        work = self.started(key)
        work.due = self.now() + seconds
        self.clock.wait(work)
        return work

    async def brought_back(self, count: int) -> list[Work]:
        """The next so many records that are brought back."""
        works: list[Work] = []

        def collected() -> bool:
            while (work := self.backlog.start()) is not None:
                works.append(work)
            return len(works) >= count

        await until(collected, what=f"{count} records to be brought back")
        return works


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    running = asyncio.create_task(rig.clock.run())
    yield rig
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_due_comes_back_and_what_is_not_stays(rig: Rig) -> None:
    rig.wait(b"later", FAR)
    soon = rig.wait(b"soon", 0.05)
    assert await rig.brought_back(1) == [soon]
    assert rig.now() >= soon.due
    assert rig.backlog.waiting == 1


async def test_hurried_records_come_back_at_once_all_of_a_key_and_no_others(rig: Rig) -> None:
    kept = [rig.wait(b"other", FAR), rig.wait(None, FAR)]
    hurried = [rig.wait(key, FAR) for key in (b"a", b"a", b"b")]
    rig.clock.hurry([b"a", b"b", b"of another worker"])
    assert set(await rig.brought_back(3)) == set(hurried)
    assert rig.backlog.waiting == len(kept)


async def test_a_record_that_is_just_about_to_wait_is_hurried_too_and_only_once(rig: Rig) -> None:
    work = rig.started(b"a")
    rig.clock.hurry([b"a"])
    await asyncio.wait_for(_passes(rig, 0.5), 30)
    work.due = rig.now() + FAR
    rig.clock.wait(work)
    assert await rig.brought_back(1) == [work]
    # What its handler says then stands.
    work.due = rig.now() + FAR
    rig.clock.wait(work)
    sooner = rig.wait(b"sooner", 1.0)
    assert await rig.brought_back(1) == [sooner]
    assert rig.backlog.waiting == 1


async def test_what_is_hurried_is_forgotten_after_a_while(rig: Rig) -> None:
    work = rig.started(b"a")
    rig.clock.hurry([b"a"])
    await asyncio.wait_for(_passes(rig, 3.0), 30)
    work.due = rig.now() + FAR
    rig.clock.wait(work)
    sooner = rig.wait(b"sooner", 0.5)
    assert await rig.brought_back(1) == [sooner]
    assert rig.backlog.waiting == 1


async def _passes(rig: Rig, seconds: float) -> None:
    since = rig.now()
    await until(lambda: rig.now() >= since + seconds)
