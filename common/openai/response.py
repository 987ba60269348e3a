"""The Response object: what stands around the output, whatever became of the task."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.openai.echo import Echo
from common.openai.ids import response_id
from common.openai.output import main_message, output_items
from common.openai.usage import response_usage

_INCOMPLETE_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
# Of the codes that a Response's error may have; all others of ours are the server's.
_ERROR_CODES = {
    "rate_limit_error": "rate_limit_exceeded",
    "insufficient_quota": "rate_limit_exceeded",
    "invalid_request_error": "invalid_prompt",
}


def response(
    task_id: str,
    echo: Echo,
    *,
    status: str,
    created_at: float,
    completed_at: float | None = None,
    output: Sequence[Mapping[str, Any]] = (),
    usage: Mapping[str, Any] | None = None,
    error: Mapping[str, Any] | None = None,
    incomplete_reason: str | None = None,
) -> dict[str, Any]:
    """One Response; times are Unix seconds, and `usage` and `error` as Responses have them."""
    return {
        "id": response_id(task_id),
        "object": "response",
        "created_at": int(created_at),
        "status": status,
        "completed_at": None if completed_at is None else int(completed_at),
        "error": error,
        "incomplete_details": None if incomplete_reason is None else {"reason": incomplete_reason},
        **echo,
        "output": list(output),
        "usage": usage,
    }


def completed_response(
    task_id: str,
    echo: Echo,
    completion: Mapping[str, Any],
    *,
    run: int,
    attempt: int,
    created_at: float,
    completed_at: float,
) -> dict[str, Any]:
    """The Response that a chat completion makes; incomplete where the model was cut short.

    Raises:
        ValueError: the completion has no message.
    """
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    reason = _INCOMPLETE_REASONS.get(str(first.get("finish_reason"))) if isinstance(first, Mapping) else None
    status = "completed" if reason is None else "incomplete"
    model = completion.get("model")
    return response(
        task_id,
        {**echo, "model": model if isinstance(model, str) and model else echo["model"]},
        status=status,
        created_at=created_at,
        completed_at=completed_at if reason is None else None,
        output=output_items(completion, task_id, run=run, attempt=attempt, status=status),
        usage=response_usage(completion.get("usage")),
        incomplete_reason=reason,
    )


def response_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """The error of a task that failed or expired, with one of the codes that a Response's error may have."""
    return {
        "code": _ERROR_CODES.get(str(error.get("type")), "server_error"),
        "message": str(error.get("message") or "The task failed."),
    }


def adopted(body: Mapping[str, Any], task_id: str, echo: Echo, *, created_at: float, message_id: str) -> dict[str, Any]:
    """The Response of a model server that has them natively, as ours: under the task's id, and as the client asked.

    The message is known by `message_id`, under which its text was told while it came; further ones keep theirs.
    """
    items = body.get("output")
    output = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    message = main_message(output)
    output = [{**item, "id": message_id} if item is message else item for item in output]
    kept = ("background", "instructions", "metadata", "store", "previous_response_id")
    usage = response_usage(body.get("usage"))
    return {
        **echo,
        **body,
        **{name: echo[name] for name in kept},
        "id": response_id(task_id),
        "object": "response",
        "created_at": int(created_at),
        "status": body.get("status") or "completed",
        "output": output,
        "usage": usage,
    }
