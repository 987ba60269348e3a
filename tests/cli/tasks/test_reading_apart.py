import asyncio
import threading
from collections.abc import Iterator

import pytest

from cli.tasks.reading_apart import read_apart
from tests.support.waiting import until


async def test_items_come_in_order_and_then_the_end() -> None:
    assert [item async for item in read_apart(iter(range(100)))] == list(range(100))


async def test_what_reading_raises_comes_behind_what_was_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("line 3")

    reading = read_apart(items())
    assert (await anext(reading), await anext(reading)) == (1, 2)
    with pytest.raises(ValueError, match="line 3"):
        await anext(reading)


async def test_no_more_is_read_ahead_than_little() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    reading = read_apart(items())
    assert await anext(reading) == 0
    await until(lambda: len(taken) >= 3, what="reading ahead")
    assert len(taken) <= 5
    await reading.aclose()


async def test_who_leaves_while_nothing_comes_is_not_kept() -> None:
    coming = threading.Event()

    def items() -> Iterator[int]:
        coming.wait()
        yield 1

    reading = read_apart(items())
    waiting = asyncio.ensure_future(anext(reading))
    await until(lambda: any(thread.name == "read prompts" for thread in threading.enumerate()))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    coming.set()
