"""Refusals that several routes of tasks have."""

from common.setting_names import variable_name
from producer_api.errors import RefusedRequest, invalid


def no_such_task() -> RefusedRequest:
    """A 404."""
    message = "There is no such task: the id is wrong, the task was deleted, or its result has passed its time."
    return RefusedRequest(404, message, code="task_not_found", param="task_id")


def answer_too_large(limit: int) -> RefusedRequest:
    """A 400: the results are more than `limit` bytes."""
    message = (
        f"The results are more than {limit} bytes: ask for fewer tasks at once. "
        f"The limit is {variable_name('api', 'max_answer_bytes')}."
    )
    return invalid(message, param="task_ids", code="limit_exceeded")
