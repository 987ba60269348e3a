"""A task as clients see it."""

from typing import Any

from common.openai.output import response_text
from common.result import EXPIRED, ApiError, decode_result
from common.store.state import TaskState
from common.task import CHAT_COMPLETIONS, RESPONSES, Status
from producer_api.errors import SERVER_ERROR
from producer_api.outgoing import Unwritten
from producer_api.submission import Accepted, Entry


def submitted_view(entry: Entry, index: int) -> dict[str, Any]:
    """What the answer to a submission says of one prompt."""
    if isinstance(entry, Accepted):
        return {"task_id": entry.task_id, "status": "queued"}
    return {"task_id": None, "status": "failed", "error": _unwritten(entry, index).as_json()}


def _unwritten(entry: Unwritten, index: int) -> ApiError:
    if entry.too_large:
        message = "The queue refused the prompt as too large: make it shorter."
        return ApiError(message=message, type="invalid_request_error", param=f"prompts[{index}]", code="limit_exceeded")
    message = "The prompt could not be written in time and is not accepted: send it again."
    return ApiError(message=message, type=SERVER_ERROR, param=f"prompts[{index}]", code="not_written")


def task_view(asked: str, state: TaskState | None) -> dict[str, Any]:
    """What a query says of the id `asked`; a task is named by its own id, however it was asked for."""
    if state is None:
        return {"task_id": asked, "status": "not_found"}
    record = _record(state)
    response = record.get("response") or {}
    return {
        "task_id": state.task_id,
        "status": state.status,
        "progress": state.progress,
        "result": _text(record.get("endpoint"), response.get("body")),
        "error": _error(state, record),
        "attempts": state.attempts,
        "usage": record.get("usage"),
        "model": record.get("model") or state.model,
        "lane": state.lane,
        "metadata": record.get("metadata"),
        "tokens": state.tokens,
        "created_at": state.created_at,
        "started_at": state.started_at,
        "finished_at": state.finished_at,
        "expires_at": state.expires_at,
        "next_retry_at": state.retry_at,
    }


def answer_text(state: TaskState) -> str | None:
    """The text of a completed task's answer; None where it has none, such as a call of a tool."""
    record = _record(state)
    return _text(record.get("endpoint"), (record.get("response") or {}).get("body"))


def listed_view(state: TaskState) -> dict[str, Any]:
    """What a list says of a task: all but its result, and what else only the end brings."""
    return {
        "task_id": state.task_id,
        "status": state.status,
        "progress": state.progress,
        "attempts": state.attempts,
        "model": state.model,
        "lane": state.lane,
        "tokens": state.tokens,
        "created_at": state.created_at,
        "started_at": state.started_at,
        "finished_at": state.finished_at,
        "expires_at": state.expires_at,
        "next_retry_at": state.retry_at,
    }


def brief_view(asked: str, state: TaskState | None) -> dict[str, Any]:
    """Where a task stands, and no more."""
    if state is None:
        return {"task_id": asked, "status": "not_found"}
    return {
        "task_id": state.task_id,
        "status": state.status,
        "progress": state.progress,
        "attempts": state.attempts,
    }


def whole_task_view(asked: str, state: TaskState) -> dict[str, Any]:
    """The same, and the model's whole answer as it came: what is more than text in it, or its own words of refusal."""
    return {**task_view(asked, state), "response": _record(state).get("response")}


def _record(state: TaskState) -> dict[str, Any]:
    """The result record of a task that has ended; empty where there is none."""
    if state.result is None or not state.status.is_final:
        return {}
    return decode_result(state.result)


def _error(state: TaskState, record: dict[str, Any]) -> Any:
    if not record and state.status is Status.EXPIRED:
        # No worker was there to store why.
        return EXPIRED.as_json()
    return record.get("error")


def _text(endpoint: Any, response: Any) -> str | None:
    """The answer's text; None where the answer has none, such as a call of a tool."""
    if endpoint == RESPONSES:
        return response_text(response)
    if endpoint != CHAT_COMPLETIONS or not isinstance(response, dict):
        return None
    try:
        content = response["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    return content if isinstance(content, str) else None
