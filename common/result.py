"""The result record, version 1: how one run of a task ended, with the answer's bytes as they came."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from common.task import CHAT_COMPLETIONS, Lane, Progress, Status

VERSION = 1

# The header that says where the task's own record stands.
_TASK_RECORD = "task-record"
_PLACE = re.compile(rb"(0|[1-9]\d{0,8})-(0|[1-9]\d{0,17})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiError:
    """An error in OpenAI's shape; the message says what to do and never repeats a prompt."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The object that stands under `error`."""
        return {"message": self.message, "type": self.type, "param": self.param, "code": self.code}


# The same whether a worker ended the task or the store did when it was read.
EXPIRED = ApiError(
    message="The task was not finished before its expires_at. Submit it again, perhaps with a longer deadline_seconds.",
    type="timeout_error",
    code="expired",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of run `run`. Times are Unix seconds UTC, to the millisecond.

    `body` is the model's JSON answer in its own bytes, None where there is none; `attempt` is the attempt that
    ended the run (0 when no call was made), `attempts` how many calls were begun, `token` the fencing token of
    the claim that ended it. `progress` and `expires_at` are what clients are shown of the task.
    """

    task_id: str
    tenant: str
    status: Status
    created_at: float
    expires_at: float
    finished_at: float
    progress: int = Progress.ACCEPTED
    run: int = 1
    lane: Lane = Lane.INTERACTIVE
    endpoint: str = CHAT_COMPLETIONS
    attempt: int = 0
    attempts: int = 0
    token: str | None = None
    model: str | None = None
    status_code: int | None = None
    body: bytes | None = None
    error: ApiError | None = None
    usage: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    batch: dict[str, Any] | None = None
    started_at: float | None = None


def encode_result(result: Result) -> bytes:
    """The record's value, one line of JSON; the answer's bytes are spliced in, not written anew."""
    response = None
    if result.status_code is not None:
        body = None if result.body is None else orjson.Fragment(on_one_line(result.body))
        response = {"status_code": result.status_code, "body": body}
    return orjson.dumps(
        {
            "version": VERSION,
            "task_id": result.task_id,
            "tenant": result.tenant,
            "lane": result.lane,
            "run": result.run,
            "attempt": result.attempt,
            "token": result.token,
            "status": result.status,
            "endpoint": result.endpoint,
            "model": result.model,
            "response": response,
            "error": None if result.error is None else result.error.as_json(),
            "usage": result.usage,
            "metadata": result.metadata,
            "batch": result.batch,
            "attempts": result.attempts,
            "progress": result.progress,
            "created_at": round(result.created_at, 3),
            "expires_at": round(result.expires_at, 3),
            "started_at": None if result.started_at is None else round(result.started_at, 3),
            "finished_at": round(result.finished_at, 3),
        }
    )


def on_one_line(body: bytes) -> bytes:
    """The same JSON without line breaks, which stand between its tokens only: no text of it has a raw one."""
    return body.translate(None, b"\r\n") if b"\n" in body or b"\r" in body else body


class TaskRecordPlace(NamedTuple):
    """Where a task's record stands in the topic of its lane; written `partition-offset`."""

    partition: int
    offset: int

    def as_header(self) -> tuple[str, bytes]:
        """The header of the task's result record that says so."""
        return _TASK_RECORD, b"%d-%d" % self


def task_record_place(headers: Iterable[tuple[str, bytes | None]]) -> TaskRecordPlace | None:
    """What the headers of a result record say of it; None where they do not, or nothing that can be read."""
    for name, content in headers:
        if name == _TASK_RECORD and (found := _PLACE.fullmatch(content or b"")):
            return TaskRecordPlace(int(found[1]), int(found[2]))
    return None


def decode_result(value: bytes) -> dict[str, Any]:
    """The record's JSON object as it stands; unknown fields are kept.

    Raises:
        ValueError: the value is not a result record of a version this process knows.
    """
    content = orjson.loads(value)
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError("not a result record of version 1")
    return content
