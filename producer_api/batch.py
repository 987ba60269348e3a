"""From prompts to tasks and their records; nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson

from common.record import TASK_ID, TaskEncoder, decode_task, encode_task, shared_headers, task_headers
from common.store.idempotency import Stamp
from common.task import Lane, Task
from producer_api.outgoing import OutgoingRecord


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
    """What the tasks of one request have in common. `expires_in_seconds` from now; `traceparent` as in W3C's."""

    tenant: str
    lane: Lane
    expires_in_seconds: float
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks with their records, ready to be written. The tasks have no body any more: their records hold it."""

    lane: Lane
    tasks: Sequence[Task]
    records: Sequence[OutgoingRecord]
    size_bytes: int
    traceparent: str | None

    @property
    def stamp(self) -> Stamp:
        """The ids and times of its tasks."""
        return Stamp([task.task_id for task in self.tasks], self.tasks[0].created_at, self.tasks[0].expires_at)

    def only(self, task_ids: set[str]) -> "Batch":
        """The part of it with these ids."""
        pairs = [pair for pair in zip(self.tasks, self.records, strict=True) if pair[0].task_id in task_ids]
        size_bytes = sum(len(record.value) for _, record in pairs)
        return replace(
            self, tasks=[task for task, _ in pairs], records=[record for _, record in pairs], size_bytes=size_bytes
        )


def prepare_batch(prompts: Sequence[Prompt], terms: Terms, stamp: Stamp, *, max_prompt_bytes: int) -> Batch:
    """Make tasks and their records.

    Raises:
        PromptTooLarge: one is larger than `max_prompt_bytes`, as JSON with its metadata.
        PromptTooDeep: one cannot be written as JSON.
    """

    # Spelled out, it takes a third of the time of dataclasses.replace().
    def task_of(task_id: str) -> Task:
        return Task(
            task_id=task_id,
            tenant=terms.tenant,
            lane=terms.lane,
            body={},
            metadata={},
            created_at=stamp.created_at,
            expires_at=stamp.expires_at,
        )

    pattern = task_of(stamp.task_ids[0])
    encoder = TaskEncoder(pattern)
    shared = shared_headers(pattern, terms.traceparent)
    envelope_bytes = len(encode_task(pattern))
    tasks, records, total = [], [], 0
    for index, (task_id, (body, metadata)) in enumerate(zip(stamp.task_ids, prompts, strict=True)):
        try:
            value = encoder.encode(task_id, body, metadata)
        except (orjson.JSONEncodeError, RecursionError):
            raise PromptTooDeep(index) from None
        size = len(value)
        if size - envelope_bytes > max_prompt_bytes:
            raise PromptTooLarge(index, size - envelope_bytes, max_prompt_bytes)
        key = task_id.encode()
        records.append(OutgoingRecord(key, value, [(TASK_ID, key), *shared]))
        tasks.append(task_of(task_id))
        total += size
    return Batch(terms.lane, tasks, records, total, terms.traceparent)


def restamped(batch: Batch, stamp: Stamp) -> Batch:
    """The same prompts under other ids and times: byte by byte what `prepare_batch` makes of them with `stamp`."""
    tasks, records, total = [], [], 0
    for record, task_id in zip(batch.records, stamp.task_ids, strict=True):
        task = replace(
            decode_task(record.value), task_id=task_id, created_at=stamp.created_at, expires_at=stamp.expires_at
        )
        value = encode_task(task)
        records.append(OutgoingRecord(task_id.encode(), value, task_headers(task, batch.traceparent)))
        tasks.append(replace(task, body={}, metadata={}))
        total += len(value)
    return replace(batch, tasks=tasks, records=records, size_bytes=total)
