"""Tasks that are followed while they are measured, by clients in a process of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.deployment import ApiHandle, Deployment
from benchmarks.programs import ProgramFailed, last_report
from cli.stack.child import ending, running


@dataclass(frozen=True, slots=True)
class Seen:
    """What all followers saw together: events, pieces that said when they were written, and how long after it."""

    events: int
    pieces: int
    p50_ms: float
    p99_ms: float


@asynccontextmanager
async def followed(
    deployment: Deployment, api: ApiHandle, task_ids: Sequence[str], *, followers: int
) -> AsyncIterator[Callable[[], Awaitable[Seen]]]:
    """Have so many clients follow a task each, from before the body on; what it gets waits until all streams end.

    Raises:
        ProgramFailed: A stream was refused or cut off.
    """

    async def all_follow() -> bool:
        return await api.followers() == followers

    given = {"port": api.port, "task_ids": list(task_ids), "followers": followers}
    child = deployment.contender("followers", given, ready=all_follow)
    child.log.unlink(missing_ok=True)
    async with running([child]) as [process]:

        async def seen() -> Seen:
            status = await process.wait()
            if status != 0:
                raise ProgramFailed(f"{child.name} {ending(status)}; see {child.log}")
            return Seen(**last_report(child))

        yield seen
