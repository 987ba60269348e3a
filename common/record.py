"""The task record, version 1: JSON values and text headers, so that any Kafka tool shows them as they are."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.task import Lane, Task, parse_task_id

VERSION = 1
CONTENT_TYPE = b"application/json"
# The header that names the task.
TASK_ID = "task-id"

# orjson writes 254 levels.
_SURELY_WRITABLE_BRACKETS = 250

Headers = list[tuple[str, bytes]]


class UnreadableRecord(ValueError):  # noqa: N818 - a fact about a record, decided on by its reader
    """A value that is no task record. `reason` names the field at fault and never quotes its content.

    `task_id` and `tenant` are given when they could be read all the same.
    """

    def __init__(self, reason: str, task_id: str | None = None, tenant: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.task_id = task_id
        self.tenant = tenant


class UnknownVersion(ValueError):  # noqa: N818 - a fact about a record, decided on by its reader
    """A record of a version this process does not know: another worker of a rolling deploy may."""

    def __init__(self, version: int) -> None:
        super().__init__(f"record version {version} is not {VERSION}")
        self.version = version


Seconds = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
Tenant = Annotated[str, Field(min_length=1, max_length=64)]


class _TaskRecord(BaseModel):
    """Unknown fields are tolerated: a newer writer may add some."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    task_id: str
    run: Annotated[int, Field(ge=1, lt=2**31)] = 1
    tenant: Tenant
    lane: Literal["interactive", "batch"] = "interactive"
    endpoint: Annotated[str, Field(pattern=r"^/v1/[a-z_/]{1,60}$")]
    body: dict[str, Any]
    metadata: dict[str, Any] | None = None
    created_at: Seconds
    expires_at: Seconds
    stream: bool = False
    batch: dict[str, Any] | None = None


def encode_task(task: Task) -> bytes:
    """The record's value: one JSON object in UTF-8."""
    return orjson.dumps(_content(task))


class TaskEncoder:
    """Encodes many tasks that have all in common with `pattern` but their id, body and metadata.

    What they share is laid out once: a third of the cost of making and encoding each by itself.
    """

    def __init__(self, pattern: Task) -> None:
        self._content = _content(pattern)

    def encode(self, task_id: str, body: Mapping[str, Any], metadata: Mapping[str, Any]) -> bytes:
        """The value of one task's record, the same as `encode_task` makes."""
        content = self._content
        content["task_id"], content["body"], content["metadata"] = task_id, body, metadata
        return orjson.dumps(content)


def _content(task: Task) -> dict[str, Any]:
    return {
        "version": VERSION,
        "task_id": task.task_id,
        "run": task.run,
        "tenant": task.tenant,
        "lane": task.lane.value,
        "endpoint": task.endpoint,
        "body": task.body,
        "metadata": task.metadata,
        "created_at": round(task.created_at, 3),
        "expires_at": round(task.expires_at, 3),
        "stream": task.stream,
        "batch": task.batch,
    }


def task_headers(task: Task, traceparent: str | None = None) -> Headers:
    """The record's headers; `traceparent` as in W3C Trace Context, where there is a trace."""
    return [(TASK_ID, task.task_id.encode()), *shared_headers(task, traceparent)]


def shared_headers(task: Task, traceparent: str | None = None) -> Headers:
    """Those of the record's headers that it has in common with others of the same request."""
    headers = [("tenant", task.tenant.encode()), ("content-type", CONTENT_TYPE)]
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers


def decode_task(value: bytes | None) -> Task:
    """The task that a record's value holds.

    Raises:
        UnreadableRecord: the value is no task record; the reason quotes nothing of it.
        UnknownVersion: the record is of a version that this process does not know.
    """
    if value is None:
        raise UnreadableRecord("the value is null")
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise UnreadableRecord("the value is not JSON") from None
    if not isinstance(content, dict):
        raise UnreadableRecord("the value is not a JSON object")
    task_id = _readable_id(content.get("task_id"))
    tenant = content.get("tenant") if isinstance(content.get("tenant"), str) else None
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise UnreadableRecord("version: not an integer", task_id, tenant)
    if version < VERSION:
        raise UnreadableRecord("version: there was never such a one", task_id, tenant)
    if version > VERSION:
        raise UnknownVersion(version)
    try:
        record = _TaskRecord.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"][:1])
        raise UnreadableRecord(f"{field}: {first['type']}", task_id, tenant) from None
    if task_id is None:
        raise UnreadableRecord("task_id: not a UUID", None, tenant)
    if not _writable(value, record):
        raise UnreadableRecord("body, metadata or batch: nested too deeply", task_id, tenant)
    return Task(
        task_id=task_id,
        run=record.run,
        tenant=record.tenant,
        lane=Lane(record.lane),
        endpoint=record.endpoint,
        body=record.body,
        metadata=record.metadata or {},
        created_at=record.created_at,
        expires_at=record.expires_at,
        stream=record.stream,
        batch=record.batch,
    )


def _writable(value: bytes, record: _TaskRecord) -> bool:
    """Whether what the record holds can be written as JSON again: the parser goes deeper than the writer does."""
    if value.count(b"[") + value.count(b"{") < _SURELY_WRITABLE_BRACKETS:
        return True
    try:
        # The two lists stand for what such an object is put into.
        orjson.dumps([[record.body, record.metadata, record.batch]])
    except (orjson.JSONEncodeError, RecursionError):
        return False
    return True


def _readable_id(value: object) -> str | None:
    return parse_task_id(value) if isinstance(value, str) else None
