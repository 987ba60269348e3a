"""What the description says of several routes of OpenAI's alike."""

from typing import Any

from producer_api.tasks.schemas import ErrorAnswer, TaskView

PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async`: answer 202 with the task's address at once, instead of waiting for the model.",
    "schema": {"type": "string", "title": "Prefer"},
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": TaskView, "description": "With `Prefer: respond-async`: the task, whose address is in `Location`."},
    400: {"model": ErrorAnswer, "description": "The request, or the model's refusal of it; `message` says what to do."},
    403: {"model": ErrorAnswer, "description": "The model that the request names is not allowed."},
    404: {"model": ErrorAnswer, "description": "The model server knows no such model."},
    408: {"model": ErrorAnswer, "description": "The body took too long to arrive."},
    409: {
        "model": ErrorAnswer,
        "description": "The task was cancelled or deleted meanwhile; or the Idempotency-Key is another request's, or "
        "its request is still being written.",
    },
    413: {"model": ErrorAnswer, "description": "The body is too large."},
    415: {"model": ErrorAnswer, "description": "The body is not announced as application/json."},
    500: {"model": ErrorAnswer, "description": "This service failed on the task."},
    502: {"model": ErrorAnswer, "description": "The model server has no answer that can be used."},
    503: {"model": ErrorAnswer, "description": "Nothing was done; come again after `Retry-After` seconds."},
    504: {"model": ErrorAnswer, "description": "The model's answer did not come in time."},
}
