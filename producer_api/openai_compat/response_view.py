"""A task as a Response. Pure.

One of `/v1/responses` that was answered is stored as a Response; all others are made from the task and its request.
"""

from typing import Any

from common.openai.echo import Echo, echoed, echoed_chat
from common.openai.response import completed_response, response, response_error
from common.openai.usage import response_usage
from common.result import EXPIRED, decode_result
from common.store.state import TaskState
from common.task import CHAT_COMPLETIONS, RESPONSES, Status
from producer_api.request_cache import TaskRequest

_STATUSES = {
    Status.QUEUED: "queued",
    Status.PROCESSING: "in_progress",
    Status.FAILED: "failed",
    Status.EXPIRED: "failed",
    Status.CANCELLED: "cancelled",
}


def stored_response(state: TaskState) -> dict[str, Any] | None:
    """The Response that the task was answered with, where it is stored as one."""
    record = _record(state)
    if state.status is not Status.COMPLETED or record.get("endpoint") != RESPONSES:
        return None
    body = (record.get("response") or {}).get("body")
    return body if isinstance(body, dict) else None


def response_view(state: TaskState, request: TaskRequest | None) -> dict[str, Any] | None:
    """The task as a Response; None for one that is none, such as embeddings, or whose answer is gone.

    Without its `request`, which the log of tasks may have dropped, it repeats nothing of that.
    """
    stored = stored_response(state)
    if stored is not None:
        return stored
    record = _record(state)
    endpoint = request.endpoint if request is not None else record.get("endpoint", RESPONSES)
    if endpoint not in {RESPONSES, CHAT_COMPLETIONS}:
        return None
    echo = _echo(endpoint, request, record)
    if state.status is Status.COMPLETED:
        return _answered_chat(state, record, echo)
    error = None
    if state.status in {Status.FAILED, Status.EXPIRED}:
        error = response_error(record.get("error") or EXPIRED.as_json())
    return response(
        state.task_id,
        echo,
        status=_STATUSES[state.status],
        created_at=state.created_at,
        usage=response_usage(record.get("usage")),
        error=error,
    )


def queued_response(task_id: str, request: TaskRequest, *, created_at: float) -> dict[str, Any]:
    """The Response of a task that was just accepted."""
    return response(task_id, _echo(request.endpoint, request, {}), status="queued", created_at=created_at)


def _answered_chat(state: TaskState, record: dict[str, Any], echo: Echo) -> dict[str, Any] | None:
    completion = (record.get("response") or {}).get("body")
    if not isinstance(completion, dict) or record.get("endpoint") != CHAT_COMPLETIONS:
        return None
    try:
        return completed_response(
            state.task_id,
            echo,
            completion,
            run=state.run,
            attempt=state.attempts,
            created_at=state.created_at,
            completed_at=state.created_at if state.finished_at is None else state.finished_at,
        )
    except ValueError:
        # An answer without a message: it can be read at /v1/tasks.
        return None


def _echo(endpoint: str, request: TaskRequest | None, record: dict[str, Any]) -> Echo:
    if request is None:
        metadata = record.get("metadata") or {}
        return echoed({"background": True, "metadata": metadata, "model": record.get("model")})
    if endpoint == CHAT_COMPLETIONS:
        return echoed_chat(request.body, request.metadata)
    return echoed(request.body)


def _record(state: TaskState) -> dict[str, Any]:
    if state.result is None or not state.status.is_final:
        return {}
    return decode_result(state.result)
