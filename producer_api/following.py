"""Who follows which tasks: every move that is told of a task goes to all who follow it here."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from common.store.moves import Move, MoveChannel


class TooManyFollowers(RuntimeError):  # noqa: N818 - a fact about the process
    """As many requests follow tasks here, or as many tasks are followed, as may be."""


class Follower(Protocol):
    """Who follows some tasks. No method may raise, or take long: others are told after it."""

    def hear(self, move: Move) -> None:
        """Take a move of one of the tasks."""

    def doubt(self) -> None:
        """Some moves may be missing: the tasks are to be read anew."""

    def stop(self) -> None:
        """This process is about to end: come to an end now."""


class Following:
    """All followers of this process, however many, on one connection; `run` keeps it.

    `max_followers` and `max_tasks` bound them, each task counted once for each that follows it.
    """

    def __init__(self, channel: MoveChannel, *, max_followers: int, max_tasks: int) -> None:
        self._channel = channel
        self._max_followers = max_followers
        self._max_tasks = max_tasks
        self._followers: set[Follower] = set()
        self._by_task: dict[str, set[Follower]] = {}
        self._stopping = False
        self.tasks_followed = 0

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    @property
    def is_up(self) -> bool:
        """Whether moves are heard now."""
        return self._channel.is_up

    def ensure_room(self, tasks: int) -> None:
        """Return when one more may follow so many tasks.

        Raises:
            TooManyFollowers: it may not.
        """
        if self.followers == self._max_followers or self.tasks_followed + tasks > self._max_tasks:
            raise TooManyFollowers

    async def run(self) -> None:
        """Hear of moves until cancelled."""
        await self._channel.run(self._heard, self._missed)

    def stop(self) -> None:
        """Have all who follow, and all who come later, end soon."""
        self._stopping = True
        for follower in self._followers:
            follower.stop()

    @asynccontextmanager
    async def follow(
        self, task_ids: Sequence[str], follower: Follower, *, lingers: bool = False
    ) -> AsyncIterator[None]:
        """Tell `follower` of these tasks, each named once, while the body runs: of every move made in it.

        One that lingers is told of them also when it comes while this process is about to end.

        Raises:
            TooManyFollowers: one more may not.
            StoreUnavailable: Redis is out of reach.
        """
        self.ensure_room(len(task_ids))
        self._followers.add(follower)
        self.tasks_followed += len(task_ids)
        for task_id in task_ids:
            self._by_task.setdefault(task_id, set()).add(follower)
        try:
            if self._stopping:
                follower.stop()
            if lingers or not self._stopping:
                await self._channel.add(task_ids)
            yield
        finally:
            self._forget(follower, task_ids)

    def _forget(self, follower: Follower, task_ids: Sequence[str]) -> None:
        self._followers.discard(follower)
        self.tasks_followed -= len(task_ids)
        deserted = []
        for task_id in task_ids:
            others = self._by_task[task_id]
            others.discard(follower)
            if not others:
                del self._by_task[task_id]
                deserted.append(task_id)
        if deserted:
            self._channel.remove(deserted)

    def _heard(self, move: Move) -> None:
        for follower in self._by_task.get(move.task_id, ()):
            follower.hear(move)

    def _missed(self) -> None:
        for follower in self._followers:
            follower.doubt()
