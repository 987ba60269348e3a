"""A request that waits for its task: whoever leaves it behind ends the task too."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from starlette.types import Receive

from common.store.scripts import StoreUnavailable
from producer_api.attendance import while_present
from producer_api.openai_compat.creation import Created
from producer_api.openai_compat.happenings import Ended, Stopping
from producer_api.openai_compat.outcomes import TOO_LARGE, Failure, stopped
from producer_api.openai_compat.task_story import Reading
from producer_api.state import Parts
from producer_api.tasks.endings import TaskEndings
from producer_api.tasks.lookup import AnswerTooLarge, StoreRebuilding

T = TypeVar("T")


async def attended(receive: Receive, work: Coroutine[Any, Any, T], created: Created, endings: TaskEndings) -> T:
    """What `work` comes to while the client is there; should it come to nothing, the request's own task is cancelled.

    A task that was made with an `Idempotency-Key` goes on: the client has said that it may ask again.

    Raises:
        ClientDisconnect: the client has gone.
    """
    async with left_to_nobody(created, endings):
        return await while_present(receive, work)


@asynccontextmanager
async def left_to_nobody(created: Created, endings: TaskEndings) -> AsyncIterator[None]:
    """Cancel the request's own task if the body fails."""
    try:
        yield
    except BaseException:
        await give_up(created, endings)
        raise


async def give_up(created: Created, endings: TaskEndings) -> None:
    """Cancel the request's own task: nobody will ask for its answer."""
    if not created.is_own:
        return
    log = structlog.get_logger(__name__)
    try:
        await endings.cancel(created.task_id, tenant=created.tenant)
    except (StoreRebuilding, StoreUnavailable) as error:
        # It will run, and be paid for: nobody can be told otherwise.
        log.warning("task of nobody not cancelled", task_id=created.task_id, reason=str(error))
    else:
        log.info("task of nobody cancelled", task_id=created.task_id)


async def end_of(parts: Parts, created: Created) -> Ended | Failure:
    """The task's end, or why this process has none to tell: then the request's own task is cancelled.

    Raises:
        TooManyFollowers, StoreUnavailable, TooSlow: as `Stories.of`.
    """
    try:
        happening = await _last_of(parts, created)
    except AnswerTooLarge:
        return TOO_LARGE
    if isinstance(happening, Ended):
        return happening
    await give_up(created, parts.endings)
    return stopped(is_own=created.is_own)


async def _last_of(parts: Parts, created: Created) -> Ended | Stopping:
    reading = Reading(lingers_seconds=parts.settings.drain_timeout_seconds, appears_by=created.expires_at)
    async with parts.stories.of(created.task_id, reading, tenant=created.tenant) as happenings:
        async for happening in happenings:
            if isinstance(happening, Ended | Stopping):
                return happening
    raise AssertionError("a story has an end")
