"""A task as the API shows it to clients."""

from dataclasses import dataclass, field
from typing import Any

from common.task import Status

NOT_FOUND = "not_found"

_UNFINISHED = frozenset({Status.QUEUED.value, Status.PROCESSING.value})


class UnreadableAnswer(ValueError):  # noqa: N818 - a fact about an answer, decided on by its reader
    """An answer that is not what this API sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One entry of the API's `tasks`. Times are Unix seconds UTC; `progress` is percent.

    `task_id` is None for a prompt that was refused: there is no such task. `answer` is the entry as it came.
    """

    task_id: str | None
    status: str
    progress: float = 0
    attempts: int = 0
    result: str | None = None
    error: str | None = None
    created_at: float | None = None
    finished_at: float | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen; `not_found` is decided on by the reader."""
        return self.status not in _UNFINISHED

    @property
    def is_completed(self) -> bool:
        """Whether there is a result."""
        return self.status == Status.COMPLETED


def unknown_task(task_id: str) -> TaskView:
    """The entry of an id that names no task."""
    return _parse({"task_id": task_id, "status": NOT_FOUND})


def parse_tasks(answer: Any, expected: int) -> list[TaskView]:
    """The `expected` entries of `{"tasks": [...]}`; fields that are not known are kept in `answer`.

    Raises:
        UnreadableAnswer: There is no such list, or an entry has no status.
    """
    entries = answer.get("tasks") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise UnreadableAnswer("it has no list of tasks")
    if len(entries) != expected:
        raise UnreadableAnswer(f"it has {len(entries)} tasks and should have {expected}")
    return [_parse(entry) for entry in entries]


def _parse(entry: Any) -> TaskView:
    if not isinstance(entry, dict) or not isinstance(entry.get("status"), str):
        raise UnreadableAnswer("an entry of its tasks has no status")
    task_id, result = entry.get("task_id"), entry.get("result")
    return TaskView(
        task_id=task_id if isinstance(task_id, str) else None,
        status=entry["status"],
        progress=_number(entry.get("progress")) or 0,
        attempts=int(_number(entry.get("attempts")) or 0),
        result=result if isinstance(result, str) else None,
        error=error_line(entry.get("error")),
        created_at=_number(entry.get("created_at")),
        finished_at=_number(entry.get("finished_at")),
        answer=entry,
    )


def error_line(error: Any) -> str | None:
    """An error in OpenAI's shape as one line: the message, then its code in brackets."""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    message = " ".join(error["message"].split())
    details = [detail for detail in (error.get("code"), error.get("param")) if isinstance(detail, str) and detail]
    return f"{message} ({', '.join(details)})" if details else message


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
