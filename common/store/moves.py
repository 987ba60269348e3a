"""Moves of tasks as they are told, and hearing of those of some tasks."""

from collections.abc import Callable, Collection
from typing import NamedTuple

import structlog

from common.store.keys import Keys
from common.store.subscription import Subscription
from common.store.texts import Part
from common.task import Status

_DELETED = b"deleted"


class Move(NamedTuple):
    """Where a task stands since `moved_at` (whole milliseconds, each move's later than the one before).

    `status` is None when the task was deleted. `part` is more of the text of the attempt it is in.
    """

    task_id: str
    moved_at: int
    run: int
    status: Status | None
    progress: int
    attempts: int
    part: Part | None = None

    @property
    def is_end(self) -> bool:
        """Whether nothing follows in this run."""
        return self.status is None or self.status.is_final


class MoveChannel:
    """The channels of tasks, by their ids; see `Subscription`."""

    def __init__(self, subscription: Subscription, keys: Keys) -> None:
        self._subscription = subscription
        self._keys = keys
        self._prefix, _, self._suffix = keys.task("|").encode().partition(b"|")
        self._log = structlog.get_logger(__name__)

    @property
    def is_up(self) -> bool:
        """Whether moves are heard now."""
        return self._subscription.is_up

    async def run(self, heard: Callable[[Move], None], missed: Callable[[], None]) -> None:
        """Hear until cancelled; `missed` is called when moves may have been lost, and at the beginning."""
        await self._subscription.run(_Reading(self._read, heard, missed))

    async def add(self, task_ids: Collection[str]) -> None:
        """Hear of these tasks too; of every move that is made after the return.

        Raises:
            StoreUnavailable: Redis is out of reach. They are to be removed all the same.
        """
        await self._subscription.add([self._keys.task(task_id) for task_id in task_ids])

    def remove(self, task_ids: Collection[str]) -> None:
        """Hear of these no more."""
        self._subscription.remove([self._keys.task(task_id) for task_id in task_ids])

    def _read(self, channel: bytes, content: bytes) -> Move | None:
        """The move; None where another version of ours told something that this one cannot read."""
        task_id = channel[len(self._prefix) : len(channel) - len(self._suffix)].decode()
        try:
            head, has_text, text = content.partition(b"\n")
            moved_at, run, status, progress, attempts, *start = head.split(b" ")
            return Move(
                task_id,
                int(moved_at),
                int(run),
                None if status == _DELETED else Status(status.decode()),
                int(progress),
                int(attempts),
                Part(int(start[0]), text) if has_text else None,
            )
        except (ValueError, IndexError):
            self._log.warning("a move that cannot be read", task_id=task_id)
            return None


class _Reading:
    """Between the subscription and who wants moves."""

    def __init__(
        self,
        read: Callable[[bytes, bytes], Move | None],
        heard: Callable[[Move], None],
        missed: Callable[[], None],
    ) -> None:
        self._read = read
        self._heard = heard
        self.missed = missed

    def heard(self, channel: bytes, content: bytes) -> None:
        move = self._read(channel, content)
        if move is not None:
            self._heard(move)
