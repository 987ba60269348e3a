import asyncio
import itertools

import pytest

from tests.support.waiting import until


async def test_a_condition_that_is_true_ends_the_wait_with_what_it_returned() -> None:
    assert await until(lambda: "yes", deadline=0) == "yes"


async def test_a_condition_is_asked_until_it_is_true() -> None:
    numbers = itertools.count()
    assert await until(lambda: next(numbers) >= 3)
    assert next(numbers) == 4


async def test_an_async_condition_is_awaited() -> None:
    numbers = itertools.count()

    async def third() -> bool:
        return next(numbers) == 2

    assert await until(third)


async def test_a_passed_deadline_tells_what_was_waited_for_and_last_seen() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.05 s for the moon; last seen: \[\]"):
        await until(list, deadline=0.05, what="the moon")


async def test_a_check_that_hangs_is_ended_by_the_deadline() -> None:
    with pytest.raises(AssertionError, match="the first check did not end"):
        await until(asyncio.Event().wait, deadline=0.05)


async def test_an_ignored_exception_means_not_yet_and_is_told_at_the_deadline() -> None:
    def refuse() -> bool:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(AssertionError, match=r"last seen: ConnectionRefusedError\('nobody there'\)"):
        await until(refuse, deadline=0.05, ignoring=(OSError,))


@pytest.mark.parametrize("error", [KeyError("x"), TimeoutError("the condition's own")])
async def test_any_other_exception_ends_the_wait_at_once(error: Exception) -> None:
    def fail() -> bool:
        raise error

    with pytest.raises(type(error)) as caught:
        await until(fail)
    assert caught.value is error
