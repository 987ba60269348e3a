"""What the description says of several routes of tasks alike."""

from typing import Any

from producer_api.tasks.schemas import ErrorAnswer

BAD_REQUEST: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "The request cannot be taken as it is; `message` says what to do."}
}
OUT_OF_REACH: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorAnswer, "description": "Nothing was done; come again after `Retry-After` seconds."}
}
NO_SUCH_TASK: dict[int | str, dict[str, Any]] = {404: {"model": ErrorAnswer, "description": "There is no such task."}}

TASK_IDS: dict[str, Any] = {
    "name": "task_ids",
    "in": "query",
    "required": True,
    "description": "Task ids, separated by commas; `resp_…` ids are read too.",
    "schema": {"type": "array", "items": {"type": "string"}, "title": "Task Ids"},
    "style": "form",
    "explode": False,
}
TASK_ID: dict[str, Any] = {
    "name": "task_id",
    "in": "path",
    "required": True,
    "description": "A task id, or a `resp_…` id.",
    "schema": {"type": "string", "title": "Task Id"},
}
