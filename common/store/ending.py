"""A tenant's own ends of a task: cancel it, or have nothing of it kept."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.scripts import Script, ScriptCall, load_script, reply_word, run_scripts
from common.task import to_millis
from common.topics import DEAD_LETTERS_KEPT_MS


class Ending(StrEnum):
    """What became of the wish."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DELETED = "deleted"
    DELETED_BEFORE = "again"
    FINAL = "final"
    ABSENT = "absent"


class Endings:
    """Cancelling and deleting, each for many tasks in one round trip. Raises `StoreUnavailable`; repeating is safe.

    The same moves wake the workers that have such a task in hand; see `cancellations`.
    """

    def __init__(self, link: RedisLink, keys: Keys, *, result_ttl_seconds: float) -> None:
        self._link = link
        self._keys = keys
        self._result_ttl = to_millis(result_ttl_seconds)
        self._cancel = load_script("cancel")
        self._delete = load_script("delete", keys=3)

    async def cancel(self, task_ids: Sequence[str], *, tenant: str) -> list[Ending]:
        """CANCELLED where this call ended the task, FINAL where it had ended before, ABSENT where there is none.

        EXPIRED where its time had passed and nobody had noticed until this call, which ended it so.
        """
        return await self._end(self._cancel, self._keys.of, task_ids, {"tenant": tenant})

    async def delete(self, task_ids: Sequence[str], *, tenant: str, token: str) -> list[Ending]:
        """DELETED where this request removed the task, DELETED_BEFORE where an earlier one did, ABSENT elsewhere.

        `token` is a random text of this request: a repeat of it is answered as the first time.
        """
        wish: dict[str, str | float] = {"tenant": tenant, "token": token, "letters_kept": DEAD_LETTERS_KEPT_MS}
        return await self._end(self._delete, self._keys.with_text, task_ids, wish)

    async def _end(
        self,
        script: Script,
        keys_of: Callable[[str], tuple[str, ...]],
        task_ids: Sequence[str],
        wish: Mapping[str, str | float],
    ) -> list[Ending]:
        same: dict[str, str | float] = {**wish, "result_ttl": self._result_ttl, "wakes": self._keys.cancellations}
        calls = [ScriptCall(script, keys_of(task_id), {**same, "task_id": task_id}) for task_id in task_ids]
        return [Ending(reply_word(reply)) for reply in await run_scripts(self._link, calls)]
