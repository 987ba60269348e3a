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
from producer_api.openai_compat.task_story import Reading, Stories
from producer_api.tasks.endings import TaskEndings
from producer_api.tasks.lookup import StoreRebuilding

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


async def end_of(stories: Stories, created: Created, *, drain_seconds: float) -> Ended | Stopping:
    """The task's end, or that this process ends before it.

    Raises:
        TooManyFollowers, StoreUnavailable, TooSlow, AnswerTooLarge: as `Stories.of`.
    """
    reading = Reading(lingers_seconds=drain_seconds, appears_by=created.expires_at)
    async with stories.of(created.task_id, reading, tenant=created.tenant) as happenings:
        async for happening in happenings:
            if isinstance(happening, Ended | Stopping):
                return happening
    raise AssertionError("a story has an end")
