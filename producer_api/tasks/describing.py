"""What the description says of several routes of tasks alike."""

from typing import Any

from common.task import Lane, Status
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
# Without it a request lists the newest tasks.
OPTIONAL_TASK_IDS: dict[str, Any] = {**TASK_IDS, "required": False}
LIST_FILTERS: tuple[dict[str, Any], ...] = (
    {
        "name": "status",
        "in": "query",
        "required": False,
        "description": "Of a list: one status, or several separated by commas.",
        "schema": {"type": "array", "items": {"type": "string", "enum": [status.value for status in Status]}},
        "style": "form",
        "explode": False,
    },
    {
        "name": "lane",
        "in": "query",
        "required": False,
        "description": "Of a list: the lane.",
        "schema": {"type": "string", "enum": [lane.value for lane in Lane]},
    },
    {
        "name": "model",
        "in": "query",
        "required": False,
        "description": "Of a list: the model that has answered; before, the one that is to.",
        "schema": {"type": "string"},
    },
    {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "Of a list: tasks on a page, at most.",
        "schema": {"type": "integer", "minimum": 1, "default": 50},
    },
    {
        "name": "after",
        "in": "query",
        "required": False,
        "description": "Of a list: `next` of the page before; any task id will do.",
        "schema": {"type": "string"},
    },
)
TASK_ID: dict[str, Any] = {
    "name": "task_id",
    "in": "path",
    "required": True,
    "description": "A task id, or a `resp_…` id.",
    "schema": {"type": "string", "title": "Task Id"},
}
