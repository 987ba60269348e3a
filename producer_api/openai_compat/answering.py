"""The answer to a request whose task has ended, or is not waited for."""

from typing import Any

import orjson
from fastapi import Request, Response

from common.result import decode_result
from common.store.scripts import StoreUnavailable
from common.store.state import TaskState
from producer_api.openai_compat.attending import attended, end_of
from producer_api.openai_compat.creation import Created
from producer_api.openai_compat.outcomes import NO_COMPLETION, Failure, failure_answer, failure_of
from producer_api.state import parts_of
from producer_api.submission import Accepted
from producer_api.tasks.lookup import StoreRebuilding
from producer_api.tasks.views import submitted_view, task_view

_RESPOND_ASYNC = "respond-async"


async def answer(request: Request, created: Created) -> Response:
    """Answer with what the model did for the request's task; at once where the client prefers that.

    Raises:
        As `Stories.of` does.
    """
    if prefers_async(request):
        return await accepted(request, created)
    return await attended(request.receive, _ended(request, created), created, parts_of(request).endings)


async def _ended(request: Request, created: Created) -> Response:
    end = await end_of(parts_of(request), created)
    if isinstance(end, Failure):
        return failure_answer(end, created.headers)
    match outcome_of(end.state):
        case Failure() as failure:
            return failure_answer(failure, created.headers)
        case record:
            body = orjson.dumps(record["response"]["body"])
            return Response(body, 200, created.headers, media_type="application/json")


def outcome_of(state: TaskState | None) -> dict[str, Any] | Failure:
    """The result record of a task that has an answer, or why it has none."""
    failure = failure_of(state)
    if failure is not None:
        return failure
    if state is None or state.result is None:
        raise AssertionError("a task that did not fail has an answer")
    record = decode_result(state.result)
    return record if isinstance(record.get("response"), dict) else NO_COMPLETION


def prefers_async(request: Request) -> bool:
    """Whether the client would rather have the task's address now than its answer later (RFC 7240)."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(one.partition(";")[0].strip().lower() == _RESPOND_ASYNC for one in preferences)


async def accepted(request: Request, created: Created) -> Response:
    """Where the task is, and how it stands."""
    try:
        [state] = await parts_of(request).lookup.find([created.task_id], tenant=created.tenant)
    except (StoreRebuilding, StoreUnavailable):
        state = None
    # What was accepted and is not shown yet is queued.
    view = submitted_view(Accepted(created.task_id), 0) if state is None else task_view(created.task_id, state)
    headers = {
        **created.headers,
        "location": f"/v1/tasks/{created.task_id}",
        "preference-applied": _RESPOND_ASYNC,
    }
    return Response(orjson.dumps(view), 202, headers, media_type="application/json")
