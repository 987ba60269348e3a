"""What a process's life is made of: its signal to stop, work beside other work, clients closed in time."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

_CLOSE_SECONDS = 3.0


def stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; further ones change nothing, the drain is bounded."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def stopped_before(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether the signal came before the end of `work`, which is then given up."""
    async with running(work, "start") as working, running(stop.wait(), "wait for a signal") as stopping:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return stopping.done()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, Any], name: str) -> AsyncIterator[asyncio.Task[Any]]:
    """Run a coroutine beside the body; what has not ended with it is cancelled."""
    running = asyncio.create_task(work, name=name)
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def closed(part: str, close: Any) -> None:
    """Close a client, but not for longer than the process's end can wait for what is out of reach."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await close()
    except Exception as error:  # noqa: BLE001 - the others are to be closed all the same
        structlog.get_logger(__name__).warning("not closed", part=part, error=type(error).__name__)
