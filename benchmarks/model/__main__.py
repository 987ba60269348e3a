"""`python -m benchmarks.model PORT`: serve on loopback until SIGTERM."""

import asyncio
import signal
import sys
import time
from random import Random

import uvloop

from benchmarks.model.control import ModelControl
from benchmarks.model.protocol import Model, Plan
from benchmarks.model.tally import Tally

_BACKLOG = 4096


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    plan, tally = Plan(latency=0.0, jitter=0.0), Tally(time.monotonic)
    model = Model(plan, tally, Random(1), ModelControl(plan, tally))  # noqa: S311 - jitter is no secret
    server = await loop.create_server(model.connect, "127.0.0.1", port, backlog=_BACKLOG)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
