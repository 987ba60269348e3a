import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

POLL_INTERVAL_SECONDS = 0.02


@overload
async def until(
    condition: Callable[[], Awaitable[T]],
    *,
    deadline: float = ...,
    what: str = ...,
    ignoring: tuple[type[Exception], ...] = ...,
) -> T: ...


@overload
async def until(
    condition: Callable[[], T],
    *,
    deadline: float = ...,
    what: str = ...,
    ignoring: tuple[type[Exception], ...] = ...,
) -> T: ...


async def until(
    condition: Callable[[], object],
    *,
    deadline: float = 60.0,
    what: str = "the condition",
    ignoring: tuple[type[Exception], ...] = (),
) -> object:
    """Wait until ``condition`` is true and return what it returned.

    Args:
        condition: A function, plain or async; a true value ends the wait.
        deadline: Seconds after which the wait has failed. Generous: it is only paid by a failing test.
        what: What is waited for, for the error.
        ignoring: Exceptions of the condition that mean "not yet"; any other ends the wait at once.

    Raises:
        AssertionError: The deadline passed; it says what was last seen.
    """
    last_seen = "nothing, the first check did not end"
    limit = asyncio.timeout(deadline)
    try:
        async with limit:
            while True:
                try:
                    seen = condition()
                    if inspect.isawaitable(seen):
                        seen = await seen
                except ignoring as error:
                    last_seen = repr(error)
                else:
                    if seen:
                        return seen
                    last_seen = repr(seen)
                await asyncio.sleep(POLL_INTERVAL_SECONDS)  # noqa: TID251  the one place that lets time pass
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise AssertionError(f"waited {deadline:g} s for {what}; last seen: {last_seen}") from error
