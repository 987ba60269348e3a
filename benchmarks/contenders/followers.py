"""`python -m benchmarks.contenders.followers {…}`: clients of event streams, each on a bare connection of its own.

They follow one task each, to its end, and look for what `answers.stamped_piece` writes. The last line says as JSON how
much came, and how long after it was written.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from functools import partial
from typing import Any, cast

import uvloop

from benchmarks.spread import percentile

_STAMP = re.compile(rb"<(\d+\.\d+)>")
_DELTA = b"event: delta"
_EVENT_END = b"\n\n"
_HEAD_END = b"\r\n\r\n"
_OK = b"HTTP/1.1 200 "
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class _Follower(asyncio.Protocol):
    def __init__(self, task_id: str, milliseconds: list[float]) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.events = 0
        self._task_id = task_id
        self._milliseconds = milliseconds
        self._rest = b""
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Cast, not asserted: uvloop's transports are no subclass of asyncio's.
        cast("asyncio.Transport", transport).write(
            f"GET /v1/tasks/{self._task_id}/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("a stream was cut off"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._rest += data
        if not self._begun:
            head, found, self._rest = self._rest.partition(_HEAD_END)
            if not found:
                self._rest = head
                return
            self._begun = True
            if not head.startswith(_OK):
                self.ended.set_exception(ConnectionError(head.partition(b"\r\n")[0].decode("latin-1")))
                return
        *events, rest = self._rest.split(_EVENT_END)
        for event in events:
            self.events += 1
            if _DELTA in event:
                self._milliseconds += [1000 * (now - float(written_at)) for written_at in _STAMP.findall(event)]
        self._rest = rest
        if rest.endswith(_LAST_CHUNK) and not self.ended.done():
            self.ended.set_result(None)


async def run(*, port: int, task_ids: list[str], followers: int) -> dict[str, float]:
    """Follow the tasks, in turn, until all streams have ended, and return what came."""
    loop = asyncio.get_running_loop()
    milliseconds: list[float] = []
    opened = [
        await loop.create_connection(partial(_Follower, task_id, milliseconds), "127.0.0.1", port)
        for task_id in itertools.islice(itertools.cycle(task_ids), followers)
    ]
    await asyncio.gather(*(follower.ended for _, follower in opened))
    for transport, _ in opened:
        transport.close()
    return {
        "events": sum(follower.events for _, follower in opened),
        "pieces": len(milliseconds),
        "p50_ms": percentile(milliseconds, 50) if milliseconds else 0.0,
        "p99_ms": percentile(milliseconds, 99) if milliseconds else 0.0,
    }


def main() -> None:
    """Run as the first argument says, in JSON."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(uvloop.run(run(**given))))


if __name__ == "__main__":
    main()
