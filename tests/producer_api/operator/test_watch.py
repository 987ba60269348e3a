import asyncio

import pytest

from producer_api.operator.watch import Look, TooManyViewers, Watch
from tests.support.waiting import until


class Readings:
    """A view that is read when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self._given: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def give(self, *views: bytes | Exception) -> None:
        for view in views:
            self._given.put_nowait(view)

    async def read(self) -> bytes:
        self.begun += 1
        view = await self._given.get()
        if isinstance(view, Exception):
            raise view
        return view


def a_watch(readings: Readings, *, most_viewers: int = 5) -> Watch:
    return Watch(readings.read, every_seconds=0, most_viewers=most_viewers)


async def seen_by(look: Look) -> bytes | None:
    async with asyncio.timeout(30):
        return await look.next()


async def test_however_many_look_the_view_is_read_once() -> None:
    readings = Readings()
    watch = a_watch(readings)
    async with watch.looking() as one, watch.looking() as two, watch.looking() as three:
        readings.give(b"1")
        assert [await seen_by(look) for look in (one, two, three)] == [b"1"] * 3
        readings.give(b"2")
        assert [await seen_by(look) for look in (one, two, three)] == [b"2"] * 3
        await until(lambda: readings.begun == 3)
        assert watch.viewers == 3


async def test_nothing_is_read_while_nobody_looks() -> None:
    readings = Readings()
    watch = a_watch(readings)
    assert not watch.is_reading
    async with watch.looking() as look:
        readings.give(b"1")
        assert await seen_by(look) == b"1"
        await until(lambda: readings.begun == 2)
    assert not watch.is_reading
    readings.give(b"2")
    async with watch.looking() as look:
        # Not what was seen long ago.
        assert await seen_by(look) == b"2"


async def test_who_comes_later_has_the_latest_view_at_once() -> None:
    readings = Readings()
    watch = a_watch(readings)
    async with watch.looking() as first:
        readings.give(b"1")
        await seen_by(first)
        async with watch.looking() as second:
            assert await seen_by(second) == b"1"
            waiting = asyncio.ensure_future(seen_by(second))
            await until(lambda: readings.begun == 2)
            assert not waiting.done()
            readings.give(b"2")
            assert await waiting == b"2"


async def test_who_comes_before_the_first_reading_of_a_new_look_gets_nothing_old() -> None:
    readings = Readings()
    watch = a_watch(readings)
    async with watch.looking() as look:
        readings.give(b"old")
        await seen_by(look)
    async with watch.looking() as one, watch.looking() as two:
        readings.give(b"new")
        assert (await seen_by(one), await seen_by(two)) == (b"new", b"new")


async def test_a_viewer_that_is_slow_misses_views_and_nothing_is_kept_for_it() -> None:
    readings = Readings()
    watch = a_watch(readings)
    async with watch.looking() as look:
        readings.give(b"1", b"2", b"3")
        await until(lambda: readings.begun == 4)
        assert await seen_by(look) == b"3"


async def test_one_more_than_may_look_is_refused_and_let_in_when_another_has_left() -> None:
    watch = a_watch(Readings(), most_viewers=1)
    async with watch.looking():
        with pytest.raises(TooManyViewers):
            async with watch.looking():
                pass
    async with watch.looking():
        assert watch.viewers == 1


async def test_who_looks_ends_when_the_process_does_and_so_does_who_comes_then() -> None:
    watch = a_watch(Readings())
    async with watch.looking() as look:
        waiting = asyncio.ensure_future(seen_by(look))
        await until(lambda: watch.is_reading)
        watch.stop()
        assert await waiting is None
    async with watch.looking() as late:
        assert await seen_by(late) is None


async def test_what_is_being_sent_when_the_process_ends_ends_soon() -> None:
    watch = a_watch(Readings())

    async def send(look: Look) -> None:
        async with look.sending():
            watch.stop()
            await asyncio.get_running_loop().create_future()

    async with watch.looking() as look, asyncio.timeout(20):
        with pytest.raises(TimeoutError):
            await send(look)


async def test_a_reading_that_breaks_ends_all_who_look() -> None:
    readings = Readings()
    watch = a_watch(readings)
    async with watch.looking() as one, watch.looking() as two:
        waiting = [asyncio.ensure_future(seen_by(look)) for look in (one, two)]
        readings.give(ArithmeticError("a bug"))
        for each in waiting:
            with pytest.raises(ArithmeticError):
                await each
