"""From prompts to tasks and their records; nothing is written here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson

from common.record import TASK_ID, TaskEncoder, decode_task, encode_task, shared_headers, task_headers
from common.store.idempotency import Stamp
from common.task import CHAT_COMPLETIONS, Lane, Task, named_model
from common.telemetry.tracing import TRACEPARENT, traceparent_in
from producer_api.outgoing import OutgoingRecord
from producer_api.tracing import RequestTrace, Sending

# Objects and lists in one another, the prompt's own among them: orjson writes 254, and the record is one.
MAX_PROMPT_LEVELS = 253


class Prompt(NamedTuple):
    """A prompt that was read and found well-formed: the request body for the model, and the client's metadata."""

    body: dict[str, object]
    metadata: dict[str, str]


class PromptTooLarge(ValueError):  # noqa: N818 - a fact about a prompt
    """The prompt at `index` is larger than a record may be; sizes in bytes."""

    def __init__(self, index: int, size: int, limit: int) -> None:
        super().__init__(f"prompt {index} has {size} bytes, {limit} are allowed")
        self.index, self.size, self.limit = index, size, limit


class PromptTooDeep(ValueError):  # noqa: N818 - a fact about a prompt
    """The prompt at `index` is nested more deeply than JSON is written."""

    def __init__(self, index: int) -> None:
        super().__init__(f"prompt {index} is nested too deeply")
        self.index = index


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the tasks of one request have in common. `expires_in_seconds` from now.

    `trace` is the request's, where this process exports traces; `traceparent` is what its client sent, and goes on with
    the tasks where it does not.
    """

    tenant: str
    lane: Lane
    expires_in_seconds: float
    endpoint: str = CHAT_COMPLETIONS
    stream: bool = False
    traceparent: str | None = None
    trace: RequestTrace | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks with their records, ready to be written.

    The tasks are all as `pattern` is, but for their ids and the `models` that they name. They have no body any more:
    their records hold it.
    `sending` are their spans, where there are any.
    """

    pattern: Task
    task_ids: Sequence[str]
    records: Sequence[OutgoingRecord]
    size_bytes: int
    sending: Sending | None
    models: Sequence[str | None]

    @property
    def lane(self) -> Lane:
        """Where its records go."""
        return self.pattern.lane

    @property
    def stamp(self) -> Stamp:
        """The ids and times of its tasks."""
        return Stamp(self.task_ids, self.pattern.created_at, self.pattern.expires_at)

    def tasks(self, task_ids: Iterable[str]) -> list[Task]:
        """The tasks with these ids, one by one."""
        return [replace(self.pattern, task_id=task_id) for task_id in task_ids]

    def only(self, task_ids: set[str]) -> "Batch":
        """The part of it with these ids."""
        every = zip(self.task_ids, self.records, self.models, strict=True)
        some = [(task_id, record, model) for task_id, record, model in every if task_id in task_ids]
        return replace(
            self,
            task_ids=[task_id for task_id, _, _ in some],
            records=[record for _, record, _ in some],
            models=[model for _, _, model in some],
            size_bytes=sum(len(record.value) for _, record, _ in some),
        )


def prepare_batch(prompts: Sequence[Prompt], terms: Terms, stamp: Stamp, *, max_prompt_bytes: int) -> Batch:
    """Make the records of tasks.

    Raises:
        PromptTooLarge: one is larger than `max_prompt_bytes`, as JSON with its metadata.
        PromptTooDeep: one cannot be written as JSON.
    """
    pattern = Task(
        task_id=stamp.task_ids[0],
        tenant=terms.tenant,
        lane=terms.lane,
        endpoint=terms.endpoint,
        stream=terms.stream,
        body={},
        metadata={},
        created_at=stamp.created_at,
        expires_at=stamp.expires_at,
    )
    encoder = TaskEncoder(pattern)
    sending = None if terms.trace is None else terms.trace.sending(len(prompts), terms.lane)
    shared = shared_headers(pattern, terms.traceparent if sending is None else None)
    traceparents = None if sending is None else sending.traceparents
    envelope_bytes = len(encode_task(pattern))
    records, total = [], 0
    for index, (task_id, (body, metadata)) in enumerate(zip(stamp.task_ids, prompts, strict=True)):
        try:
            value = encoder.encode(task_id, body, metadata)
        except (orjson.JSONEncodeError, RecursionError):
            raise PromptTooDeep(index) from None
        size = len(value)
        if size - envelope_bytes > max_prompt_bytes:
            raise PromptTooLarge(index, size - envelope_bytes, max_prompt_bytes)
        key = task_id.encode()
        headers = [(TASK_ID, key), *shared]
        if traceparents is not None:
            headers.append((TRACEPARENT, traceparents[index].encode()))
        records.append(OutgoingRecord(key, value, headers))
        total += size
    models = [named_model(body) for body, _ in prompts]
    return Batch(pattern, stamp.task_ids, records, total, sending, models)


def restamped(batch: Batch, stamp: Stamp) -> Batch:
    """The same prompts under other ids and times: byte by byte what `prepare_batch` makes of them with `stamp`."""
    records, total = [], 0
    for record, task_id in zip(batch.records, stamp.task_ids, strict=True):
        task = replace(
            decode_task(record.value), task_id=task_id, created_at=stamp.created_at, expires_at=stamp.expires_at
        )
        value = encode_task(task)
        records.append(OutgoingRecord(task_id.encode(), value, task_headers(task, traceparent_in(record.headers))))
        total += len(value)
    pattern = replace(
        batch.pattern, task_id=stamp.task_ids[0], created_at=stamp.created_at, expires_at=stamp.expires_at
    )
    return replace(batch, pattern=pattern, task_ids=stamp.task_ids, records=records, size_bytes=total)
