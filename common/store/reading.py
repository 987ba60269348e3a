"""Reading tasks: what clients poll."""

import time
from collections.abc import Awaitable, Callable, Sequence

from common.store.compression import Unpacker
from common.store.forms import ANY_ID, around_id, id_bytes
from common.store.keys import Keys
from common.store.link import RedisLink, StoreUnavailable, granted
from common.store.resp import CommandTemplate, ReplyError
from common.store.scripts import ScriptCall, load_script, reply_word, run_scripts
from common.store.state import FIELDS, TaskState, state_from_values
from common.task import to_millis
from common.topics import MAX_RESULT_RECORD_BYTES

Fetch = Callable[[Sequence[str]], Awaitable[list[TaskState | None]]]


class TaskReader:
    """Reads many tasks in one round trip, and ends those whose time has passed unseen.

    `now` is in Unix seconds; `on_expired` is told how many it has ended.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        *,
        result_ttl_seconds: float,
        now: Callable[[], float] = time.time,
        on_expired: Callable[[int], None] | None = None,
    ) -> None:
        self._link = link
        self._keys = keys
        self._result_ttl = to_millis(result_ttl_seconds)
        self._now = now
        self._on_expired = on_expired
        self._expire = load_script("expire")
        task_key, result_key = (around_id(key) for key in keys.of(ANY_ID))
        fields = [[name.encode()] for name in FIELDS]
        self._fields_of = CommandTemplate("HMGET", more=1 + len(fields)).with_gaps([task_key, *fields])
        self._result_of = CommandTemplate("GET", more=1).with_gaps([result_key])
        self._unpacker = Unpacker(max_bytes=MAX_RESULT_RECORD_BYTES)

    async def read(self, task_ids: Sequence[str]) -> list[TaskState | None]:
        """The state of each task, in the order asked; None where the store knows none.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        return await self._read(self._fetch, task_ids)

    async def read_briefly(self, task_ids: Sequence[str]) -> list[TaskState | None]:
        """The same without results: each state is as of a task that has none."""
        return await self._read(self._fetch_briefly, task_ids)

    async def _read(self, fetch: Fetch, task_ids: Sequence[str]) -> list[TaskState | None]:
        if not task_ids:
            return []
        states = await fetch(task_ids)
        now = self._now()
        overdue = [
            state.task_id
            for state in states
            if state is not None and not state.status.is_final and state.expires_at <= now
        ]
        if overdue:
            # Redis's clock decides; ours only spares the question for all the others.
            arguments = {"result_ttl": self._result_ttl}
            calls = [ScriptCall(self._expire, self._keys.of(task_id), arguments) for task_id in overdue]
            replies = await run_scripts(self._link, calls)
            if self._on_expired is not None:
                self._on_expired(sum(reply_word(reply) == "expired" for reply in replies))
            states = await fetch(task_ids)
        return states

    async def _fetch_briefly(self, task_ids: Sequence[str]) -> list[TaskState | None]:
        replies = granted(await self._link.ask([self._fields_of % id_bytes(task_id) for task_id in task_ids]))
        return [state_from_values(task_id, values, None) for task_id, values in zip(task_ids, replies, strict=True)]

    async def _fetch(self, task_ids: Sequence[str]) -> list[TaskState | None]:
        questions: list[bytes] = []
        for task_id in map(id_bytes, task_ids):
            questions += (self._fields_of % task_id, self._result_of % task_id)
        replies = granted(await self._link.ask(questions))
        return [
            state_from_values(task_id, values, self._opened(result))
            for task_id, values, result in zip(task_ids, replies[::2], replies[1::2], strict=True)
        ]

    def _opened(self, stored: bytes | None) -> bytes | None:
        return None if stored is None else self._unpacker.unpack(stored)


async def ping(link: RedisLink) -> bool:
    """Whether Redis answers."""
    try:
        return bool(await link.execute("PING"))
    except (StoreUnavailable, ReplyError):
        return False
