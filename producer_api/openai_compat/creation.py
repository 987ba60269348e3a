"""One request of OpenAI's, one task: its body as it came, written to the queue.

A request may wait for minutes; what it sent is held by then only as far as its answer needs it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import Request

from common.store.idempotency import RepeatableRequest
from common.task import Lane
from producer_api.batch import MAX_PROMPT_LEVELS, Prompt, PromptTooDeep, PromptTooLarge, Terms
from producer_api.errors import SERVER_ERROR, RefusedRequest, invalid, over_limit
from producer_api.idempotency_key import idempotency_key, repeatable_request
from producer_api.kafka_link import KafkaUnavailable
from producer_api.request_body import parse_json, read_body
from producer_api.security import tenant_of
from producer_api.state import Parts, parts_of
from producer_api.submission import Accepted, Entry
from producer_api.tracing import given_traceparent, trace_of

TASK_ID_HEADER = "x-promptmill-task-id"


class Created(NamedTuple):
    """The task of a request.

    `is_own` says that it is this request's alone: nobody else will ask for it under an `Idempotency-Key`, so it may be
    cancelled when the request ends. `expires_at`, in Unix seconds, is no earlier than the task's.
    """

    task_id: str
    tenant: str
    is_own: bool
    expires_at: float

    @property
    def headers(self) -> dict[str, str]:
        """What every answer about the task says."""
        return {TASK_ID_HEADER: self.task_id}


class Wanted(NamedTuple):
    """A task to be made: `body` goes to the model at `endpoint` as it is, `metadata` is shown with the task.

    `repeatable` is the request as its `Idempotency-Key` stands for it, None without a key.
    """

    endpoint: str
    body: dict[str, Any]
    metadata: dict[str, str]
    stream: bool = False
    lane: Lane = Lane.INTERACTIVE
    repeatable: RepeatableRequest | None = None


async def read_wanted(request: Request, wanted_by: Callable[[Any], Wanted]) -> Wanted:
    """Read the task that a request asks for, as `wanted_by` has it of the body's JSON.

    The body as it came, which is as long as its client pleases, is held by nobody after this.

    Raises:
        RefusedRequest, Overloaded, ClientDisconnect: as `read_body` and `wanted_by` do, or for the key.
    """
    parts = parts_of(request)
    raw = await read_body(request, parts.settings, parts.budget)
    wanted = wanted_by(parse_json(raw))
    key = idempotency_key(request)
    if key is None:
        return wanted
    tenant, path = tenant_of(request), request.url.path
    return wanted._replace(repeatable=repeatable_request(tenant, key, method=request.method, path=path, body=raw))


async def create_task(request: Request, wanted: Wanted, *, waits: bool) -> Created:
    """Write the task of a request; one that `waits` for its end must find room to.

    With an `Idempotency-Key` it may be the task that an earlier request of the same made.

    Raises:
        RefusedRequest: 400, or 503 while this process is about to end.
        TooManyFollowers, Overloaded, StoreUnavailable, KafkaUnavailable: no task was made.
        KeyReused, KeyInUse: the key stands for another request, or the same one is being written.
    """
    parts, tenant, repeatable = parts_of(request), tenant_of(request), wanted.repeatable
    if waits:
        _ensure_it_can_wait(parts)
    terms = Terms(
        tenant=tenant,
        lane=wanted.lane,
        expires_in_seconds=parts.tasks.deadline_seconds,
        endpoint=wanted.endpoint,
        stream=wanted.stream,
        traceparent=given_traceparent(request),
        trace=trace_of(request),
    )
    try:
        batch = parts.submission.prepare([Prompt(wanted.body, wanted.metadata)], terms)
    except PromptTooLarge as error:
        what = f"The request has {error.size} bytes as JSON"
        raise over_limit(what, error.limit, "max_prompt_bytes", param=None) from None
    except PromptTooDeep:
        message = f"The request is nested too deeply: flatten it to {MAX_PROMPT_LEVELS} levels at most."
        raise invalid(message, param=None) from None
    if repeatable is None:
        [entry] = await parts.submission.submit(batch)
    else:
        [entry] = await parts.idempotent_submission.submit(repeatable, batch)
    return Created(_accepted(entry), tenant, repeatable is None, batch.pattern.expires_at)


def _ensure_it_can_wait(parts: Parts) -> None:
    if parts.readiness.stopping:
        # Safe to repeat: nothing was written.
        message = "This server is about to end. Send the request again; another one takes it."
        raise RefusedRequest(503, message, code="stopping", headers={"retry-after": "1"}, kind=SERVER_ERROR)
    parts.following.ensure_room(1)


def _accepted(entry: Entry) -> str:
    if isinstance(entry, Accepted):
        return entry.task_id
    if entry.too_large:
        raise invalid("The queue refused the request as too large: make it shorter.", param=None, code="limit_exceeded")
    raise KafkaUnavailable("Kafka did not acknowledge in time")
