import asyncio

import pytest
from hypothesis import given, strategies as st

from common.store.scripts import StoreUnavailable
from consumer.llm.store_pace import StorePace, to_its_end


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_grows_to_its_cap_and_is_never_nothing(failures: int, jitter: float) -> None:
    pace = StorePace(base_seconds=0.2, cap_seconds=3, jitter=lambda: jitter)
    assert 0.1 <= pace.delay_seconds(failures) <= 3
    assert pace.delay_seconds(failures) <= pace.delay_seconds(failures + 1)


async def test_a_move_is_repeated_until_it_is_answered() -> None:
    pace = StorePace(base_seconds=0.001, cap_seconds=0.002, jitter=lambda: 0.5)
    replies = [StoreUnavailable("away"), StoreUnavailable("away"), None]
    failures = []

    async def move() -> str:
        reply = replies.pop(0)
        if reply is not None:
            raise reply
        return "done"

    assert await pace.until_answered(move, lambda: failures.append(1)) == "done"
    assert len(failures) == 2


async def test_an_error_that_is_no_absence_is_not_repeated() -> None:
    pace = StorePace(base_seconds=0.001, cap_seconds=0.002, jitter=lambda: 0.5)

    async def move() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await pace.until_answered(move, lambda: None)


async def test_a_cancelled_move_is_made_once_more_before_the_cancellation_passes() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def move() -> None:
        begun.set()
        await may_end.wait()
        ended.append(1)

    waiting = asyncio.create_task(to_its_end(move, grace_seconds=30))
    await begun.wait()
    waiting.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [1]


async def test_a_move_that_does_not_end_is_given_up_after_the_grace() -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def move() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    waiting = asyncio.create_task(to_its_end(move, grace_seconds=0.01))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert given_up.is_set()


async def test_an_error_of_the_move_made_once_more_is_not_what_comes_of_it() -> None:
    begun, made = asyncio.Event(), []

    async def move() -> None:
        made.append(1)
        if len(made) > 1:
            raise ZeroDivisionError
        begun.set()
        await asyncio.Event().wait()

    waiting = asyncio.create_task(to_its_end(move, grace_seconds=30))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(made) == 2
