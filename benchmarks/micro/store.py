"""What one move of the store costs: the client's processor time, Valkey's, and how long a lone caller waits."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import typer
import uvloop
from redis.asyncio import Redis

from benchmarks.cpu_clock import cpu_seconds
from cli.stack.valkey import running_valkey
from common.connections import create_redis_link
from common.settings import RedisSettings
from common.store.claims import Claim, Claimed
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.link import RedisLink
from common.store.reading import TaskReader
from common.store.submissions import Submissions, Written
from common.task import Status, Task, new_task_id

_DAY = 24 * 3600.0
_AT_ONCE = 200
_ALONE = 200
_RESULT = b'{"answer":"' + b"x" * 700 + b'"}'


class Cost(NamedTuple):
    """Of one task, in microseconds."""

    client_us: float
    server_us: float
    seconds_us: float


class Moves:
    """Every move of `tasks` tasks, from their acceptance to their reading; what each cost, round by round."""

    def __init__(self, link: RedisLink, redis: Redis, keys: Keys, *, server: int, tasks: int) -> None:
        self.costs: dict[str, list[Cost]] = {}
        self._link, self._redis, self._server, self._count = link, redis, server, tasks
        self._submissions = Submissions(link, keys, result_ttl_seconds=_DAY)
        self._reader = TaskReader(link, keys, result_ttl_seconds=_DAY)
        self._leases = Leases(
            link, keys, worker="benchmark-1", lease_seconds=30, result_ttl_seconds=_DAY, max_crashes=10
        )
        self._claims: dict[int, Claim] = {}
        self._tasks: list[Task] = []

    async def round(self) -> None:
        """Lead new tasks through all moves."""
        self._tasks, count = [_a_task() for _ in range(self._count)], self._count
        self._claims.clear()
        lone = [Written(_a_task(), 3, number) for number in range(_ALONE)]
        await self._measure("accept, 1,000 a call", count, self._accept)
        await self._measure(f"claim, {_AT_ONCE} at once", count, lambda: self._at_once(self._claim))
        await self._measure(f"renew, {_AT_ONCE} a call", count, self._renew)
        await self._measure(f"progress, {_AT_ONCE} at once", count, lambda: self._at_once(self._progress))
        await self._measure(f"finish, {_AT_ONCE} at once", count, lambda: self._at_once(self._finish))
        await self._measure("read, 100 a call", count, self._read)
        await self._measure("accept, alone", _ALONE, lambda: self._accept_each(lone))
        await self._measure("ECHO, alone", _ALONE, self._echo)
        await self._measure("ECHO, alone, redis-py", _ALONE, self._echo_by_redis_py)

    async def _measure(self, name: str, count: int, work: Callable[[], Awaitable[None]]) -> None:
        client, server, began = time.process_time(), cpu_seconds(self._server), time.perf_counter()
        await work()
        took = (time.process_time() - client, cpu_seconds(self._server) - server, time.perf_counter() - began)
        self.costs.setdefault(name, []).append(Cost(*(seconds / count * 1e6 for seconds in took)))

    async def _at_once(self, move: Callable[[int], Awaitable[None]]) -> None:
        numbers = iter(range(self._count))

        async def one_after_the_other() -> None:
            for number in numbers:
                await move(number)

        await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))

    async def _accept(self) -> None:
        written = [Written(task, 3, number) for number, task in enumerate(self._tasks)]
        for first in range(0, len(written), 1000):
            await self._submissions.accept(written[first : first + 1000])

    async def _claim(self, number: int) -> None:
        task, token = self._tasks[number], f"token of claim {number:08}"
        reply = await self._leases.claim(task, token=token, partition=3, offset=number)
        if not isinstance(reply, Claimed):
            raise TypeError("nobody else claims here")
        self._claims[number] = reply.claim

    async def _renew(self) -> None:
        claims = [(claim, True) for claim in self._claims.values()]
        for first in range(0, len(claims), _AT_ONCE):
            await self._leases.renew(claims[first : first + _AT_ONCE])

    async def _progress(self, number: int) -> None:
        await self._leases.progress(self._claims[number], 50, tokens=17, may_restore=True)

    async def _finish(self, number: int) -> None:
        await self._leases.finish(
            self._claims[number], Status.COMPLETED, _RESULT, finished_at=time.time(), failures=0, may_restore=True
        )

    async def _read(self) -> None:
        task_ids = [task.task_id for task in self._tasks]
        for first in range(0, len(task_ids), 100):
            await self._reader.read(task_ids[first : first + 100])

    async def _accept_each(self, written: list[Written]) -> None:
        for entry in written:
            await self._submissions.accept([entry])

    async def _echo(self) -> None:
        for _ in range(_ALONE):
            await self._link.execute("ECHO", "a")

    async def _echo_by_redis_py(self) -> None:
        for _ in range(_ALONE):
            await self._redis.echo("a")


def _a_task() -> Task:
    now = time.time()
    return Task(task_id=new_task_id(), tenant="local", body={}, created_at=now, expires_at=now + _DAY)


async def _measured(tasks: int, rounds: int) -> dict[str, list[Cost]]:
    with tempfile.TemporaryDirectory() as folder:
        async with running_valkey(Path(folder)) as url:
            settings = RedisSettings.model_validate({"url": url})
            link, redis = create_redis_link(settings, "benchmark"), Redis.from_url(url, protocol=2)
            info = (await link.execute("INFO", "server")).decode()
            server = next(int(line.partition(":")[2]) for line in info.splitlines() if line.startswith("process_id:"))
            moves = Moves(link, redis, Keys(settings.key_prefix), server=server, tasks=tasks)
            for _ in range(rounds + 1):
                await moves.round()
                await link.execute("FLUSHALL")
            await redis.aclose()
            await link.aclose()
    # The first round loads the scripts.
    return {name: costs[1:] for name, costs in moves.costs.items()}


def main(
    *,
    tasks: Annotated[int, typer.Option(min=1, help="Tasks of one round.")] = 2000,
    rounds: Annotated[int, typer.Option(min=1)] = 9,
) -> None:
    """Show medians, and the least that was seen: on a busy machine that is the nearer to the truth."""
    typer.echo(f"{'microseconds a task: median (least)':36}{'client CPU':>18}{'Valkey CPU':>18}{'time':>20}")
    for name, costs in uvloop.run(_measured(tasks, rounds)).items():
        columns = [f"{median(column):8.1f} ({min(column):6.1f})" for column in zip(*costs, strict=True)]
        typer.echo(f"{name:36}" + "".join(f"{column:>18}" for column in columns))


if __name__ == "__main__":
    typer.run(main)
