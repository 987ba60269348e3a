"""Two ways to wait that asyncio lacks."""

import asyncio
from collections.abc import Coroutine


async def done_before(event: asyncio.Event, work: Coroutine[None, None, object]) -> bool:
    """Run `work` unless `event` comes first, which cancels it; tell which it was. Raises what `work` raises.

    Of the two at once, the event counts.
    """
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
        return not event.is_set()
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


async def all_done(*work: Coroutine[None, None, object]) -> None:
    """Run all at once. The first error cancels the others and is raised alone, as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
