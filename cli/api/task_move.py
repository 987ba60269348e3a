"""A move of a task, as the API's events tell it; pure."""

import json
from dataclasses import dataclass, replace

from cli.api.task_view import NOT_FOUND, TaskView, UnreadableAnswer, parse_tasks

# An event that has more than these has all that a task is shown with.
_BRIEF = frozenset({"task_id", "status", "progress", "attempts", "delta", "reset"})


@dataclass(frozen=True, slots=True)
class TaskMove:
    """How a task stands now: whole, or only its status, progress and attempts.

    `delta` is more of the text that the model writes; `is_reset` says that what came of it before counts no more.
    """

    view: TaskView
    is_whole: bool
    delta: str
    is_reset: bool

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to the task, and all of its end is known."""
        return self.is_whole and self.view.is_final

    @property
    def task_id(self) -> str:
        """Which task."""
        return self.view.task_id or ""

    def onto(self, view: TaskView) -> TaskView:
        """The task as it was seen before, moved."""
        if self.is_whole:
            return self.view
        if self.view.is_final:
            # The last of its text, told before the end itself.
            return view
        return replace(view, status=self.view.status, progress=self.view.progress, attempts=self.view.attempts)


def parse_move(data: str) -> TaskMove | None:
    """The move that an event's data tell; None for one that this client does not know."""
    try:
        entry = json.loads(data)
        [view] = parse_tasks({"tasks": [entry]}, 1)
    except (ValueError, RecursionError, UnreadableAnswer):
        return None
    delta = entry.get("delta")
    return TaskMove(
        view,
        is_whole=view.status == NOT_FOUND or not entry.keys() <= _BRIEF,
        delta=delta if isinstance(delta, str) else "",
        is_reset=entry.get("reset") is True,
    )
