"""Takes the results of deleted tasks back from the results topic, those that no record will come for any more."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from common.store.forgetting import Forgotten
from common.store.scripts import StoreUnavailable
from common.topics import TopicNames
from consumer.engine.ports import OutgoingRecord
from consumer.llm.records import forgotten_record

_AT_ONCE = 100
_INTERVAL_SECONDS = 2.0


class Forgetter:
    """One for a worker; several do no harm, a null more changes nothing.

    `publish` says whether a record was acknowledged; `again_after_seconds` is how long a worker that read a result
    before its deletion may still take to publish it. `now` is in Unix seconds, `jitter` even in [0, 1).
    """

    def __init__(
        self,
        forgotten: Forgotten,
        publish: Callable[[OutgoingRecord], Awaitable[bool]],
        *,
        names: TopicNames,
        again_after_seconds: float,
        now: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._forgotten = forgotten
        self._publish = publish
        self._names = names
        self._again_after_seconds = again_after_seconds
        self._now = now
        self._jitter = jitter
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Look for work every few seconds until cancelled; workers look at different times."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS * (0.5 + self._jitter()))
            try:
                while await self.forget_due():
                    pass
            except StoreUnavailable as error:
                self._log.debug("deleted results wait", reason=str(error))
            except Exception:  # noqa: BLE001 - what is due stays due, and the worker has other things to do
                self._log.exception("deleted results wait")

    async def forget_due(self) -> bool:
        """Publish some of what is due; whether there may be more that can be published now.

        Raises:
            StoreUnavailable: Redis is out of reach; what was published stays due.
        """
        due = await self._forgotten.due(now=self._now(), limit=_AT_ONCE)
        if not due:
            return False
        acknowledged = await asyncio.gather(
            *(self._publish(forgotten_record(task.task_id, self._names)) for task in due)
        )
        done = [task for task, is_written in zip(due, acknowledged, strict=True) if is_written]
        if done:
            # From now, not from when it was due: only what is published after this instant may be later than the null.
            await self._forgotten.nulled(done, again_at=self._now() + self._again_after_seconds)
            self._log.info("forgot results", tasks=len(done))
        return len(done) == _AT_ONCE
