"""`/v1/tasks`: submit, read, cancel and delete."""

from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Path, Request, Response

from common.store.state import TaskState
from common.task import Lane
from producer_api.attendance import while_present
from producer_api.batch import Batch, Terms
from producer_api.checked_route import CheckedRoute
from producer_api.direct_route import DirectRoute, described
from producer_api.documentation import body_of
from producer_api.idempotency_key import IDEMPOTENCY_KEY, idempotency_key, repeatable_request
from producer_api.request_body import parse_json, read_body
from producer_api.security import Tenant, tenant_of
from producer_api.state import Parts, ReadyParts, parts_of
from producer_api.tasks.describing import (
    BAD_REQUEST,
    LIST_FILTERS,
    NO_SUCH_TASK,
    OPTIONAL_TASK_IDS,
    OUT_OF_REACH,
    TASK_ID,
)
from producer_api.tasks.event_routes import add_event_routes
from producer_api.tasks.lookup import AnswerTooLarge
from producer_api.tasks.prompts import read_prompts, read_request
from producer_api.tasks.queries import list_query, task_ids_in, task_ids_of, wait_seconds
from producer_api.tasks.refusals import answer_too_large, no_such_task
from producer_api.tasks.schemas import (
    CancelledTasks,
    CancelTasks,
    DeletedTask,
    ErrorAnswer,
    SubmitTasks,
    SubmittedTasks,
    TaskView,
    TaskViews,
    WholeTaskView,
)
from producer_api.tasks.views import brief_view, listed_view, submitted_view, task_view, whole_task_view
from producer_api.tracing import given_traceparent, trace_of

_SUBMIT_EXAMPLES = {
    "Texts": {"prompts": ["Name three rivers.", "Name three lakes."]},
    "A chat, with parameters and metadata of your own": {
        "prompts": [
            {
                "messages": [
                    {"role": "system", "content": "Answer in one word."},
                    {"role": "user", "content": "What is the capital of Peru?"},
                ],
                "max_tokens": 20,
                "metadata": {"customer": "42"},
            }
        ],
        "lane": "batch",
        "deadline_seconds": 3600,
    },
}

_BODY_ERRORS: dict[int | str, dict[str, Any]] = {
    408: {"model": ErrorAnswer, "description": "The body took too long to arrive."},
    413: {"model": ErrorAnswer, "description": "The body is too large."},
    415: {"model": ErrorAnswer, "description": "The body is not announced as application/json."},
}
_SUBMIT_ERRORS: dict[int | str, dict[str, Any]] = {
    **_BODY_ERRORS,
    409: {
        "model": ErrorAnswer,
        "description": "The Idempotency-Key is another request's, or its request is still being written.",
    },
}
_WAIT: dict[str, Any] = {
    "name": "wait",
    "in": "query",
    "required": False,
    "description": "Seconds to wait for the end of all tasks; the answer comes as soon as none can move any more.",
    "schema": {"type": "number", "minimum": 0, "title": "Wait"},
}
TaskId = Annotated[str, Path(description="A task id, or a `resp_…` id.")]


def add_task_routes(app: FastAPI) -> None:
    """Serve the native face. On the application itself: a router of their own is one more step for each request."""
    add = partial(app.router.add_api_route, tags=["tasks"], route_class_override=CheckedRoute)
    # Before those of a task: its path begins as theirs do.
    add_event_routes(app)
    add(
        "/v1/tasks",
        submit_tasks,
        methods=["POST"],
        status_code=202,
        response_model=SubmittedTasks,
        responses={**BAD_REQUEST, **_SUBMIT_ERRORS, **OUT_OF_REACH},
        openapi_extra={**body_of(SubmitTasks, _SUBMIT_EXAMPLES), **described(IDEMPOTENCY_KEY)},
        route_class_override=DirectRoute,
    )
    add(
        "/v1/tasks",
        read_tasks,
        methods=["GET"],
        response_model=TaskViews,
        responses={**BAD_REQUEST, **OUT_OF_REACH},
        openapi_extra=described(OPTIONAL_TASK_IDS, _WAIT, *LIST_FILTERS),
        route_class_override=DirectRoute,
    )
    add(
        "/v1/tasks/{task_id}",
        read_task,
        methods=["GET"],
        response_model=WholeTaskView,
        responses={**BAD_REQUEST, **NO_SUCH_TASK, **OUT_OF_REACH},
        openapi_extra=described(TASK_ID, _WAIT),
        route_class_override=DirectRoute,
    )
    add(
        "/v1/tasks/{task_id}",
        delete_task,
        methods=["DELETE"],
        response_model=DeletedTask,
        responses={**NO_SUCH_TASK, **OUT_OF_REACH},
    )
    add(
        "/v1/tasks/cancel",
        cancel_tasks,
        methods=["POST"],
        response_model=CancelledTasks,
        responses={**BAD_REQUEST, **_BODY_ERRORS, **OUT_OF_REACH},
        openapi_extra={**body_of(CancelTasks, {"Two tasks": {"task_ids": ["ID", "ID"]}}), **described()},
        route_class_override=DirectRoute,
    )
    add(
        "/v1/tasks/{task_id}/cancel",
        cancel_task,
        methods=["POST"],
        response_model=TaskView,
        responses={**NO_SUCH_TASK, **OUT_OF_REACH},
    )


async def submit_tasks(request: Request) -> Response:
    """Queue prompts: one task id each, in the order given. A 202 says that they will survive any crash."""
    tenant, parts, key = tenant_of(request), parts_of(request), idempotency_key(request)
    body = await read_body(request, parts.settings, parts.budget)
    batch = _prepared(request, body, parts, tenant)
    if key is None:
        # From here on the prompts are held once, as records.
        del body
        entries = await parts.submission.submit(batch)
    else:
        repeatable = repeatable_request(tenant, key, method="POST", path="/v1/tasks", body=body)
        del body
        entries = await parts.idempotent_submission.submit(repeatable, batch)
    return _json(202, {"tasks": [submitted_view(entry, index) for index, entry in enumerate(entries)]})


async def read_tasks(request: Request) -> Response:
    """Read tasks, in the order asked; an id named twice is answered twice, an unknown one with `not_found`.

    Without `task_ids` the newest tasks are listed.
    """
    parts = parts_of(request)
    listed = list_query(request, max_limit=parts.settings.max_ids_per_query)
    if listed is not None:
        page = await parts.listing.page(
            listed.wanted, tenant=tenant_of(request), limit=listed.limit, after=listed.after
        )
        return _json(200, {"tasks": [listed_view(state) for state in page.states], "next": page.rest})
    asked = task_ids_of(request, limit=parts.settings.max_ids_per_query)
    states = await _found(request, parts, asked)
    return _json(200, {"tasks": [task_view(text, state) for text, state in zip(asked, states, strict=True)]})


async def read_task(request: Request) -> Response:
    """Read one task."""
    task_id = request.path_params["task_id"]
    [state] = await _found(request, parts_of(request), [task_id])
    if state is None:
        raise no_such_task()
    return _json(200, whole_task_view(task_id, state))


async def _found(request: Request, parts: Parts, asked: list[str]) -> list[TaskState | None]:
    """The tasks asked for, when they have ended if the request asks to wait for that."""
    tenant, seconds = tenant_of(request), wait_seconds(request, limit=parts.settings.max_wait_seconds)
    try:
        if not seconds:
            return await parts.lookup.find(asked, tenant=tenant)
        return await while_present(request.receive, parts.waiting.find(asked, tenant=tenant, seconds=seconds))
    except AnswerTooLarge:
        raise answer_too_large(parts.settings.max_answer_bytes) from None


async def cancel_task(tenant: Tenant, parts: ReadyParts, task_id: TaskId) -> Response:
    """End a task without its answer: one that is queued never starts, a call under way is closed.

    The answer is the task as it stands then: a task that has ended before stays as it ended. A body is not read.
    """
    state = await parts.endings.cancel(task_id, tenant=tenant)
    if state is None:
        raise no_such_task()
    return _json(200, task_view(task_id, state))


async def cancel_tasks(request: Request) -> Response:
    """End many tasks without their answers; the answer says of each where it stands then, in the order asked."""
    parts = parts_of(request)
    body = await read_body(request, parts.settings, parts.budget)
    asked = task_ids_in(parse_json(body), limit=parts.settings.max_ids_per_query)
    states = await parts.endings.cancel_many(asked, tenant=tenant_of(request))
    return _json(200, {"tasks": [brief_view(text, state) for text, state in zip(asked, states, strict=True)]})


async def delete_task(tenant: Tenant, parts: ReadyParts, task_id: TaskId) -> Response:
    """Forget a task with its result; one that has not ended is cancelled. Its id names nothing after that."""
    deleted = await parts.endings.delete(task_id, tenant=tenant)
    if deleted is None:
        raise no_such_task()
    return _json(200, {"task_id": deleted, "deleted": True})


def _prepared(http: Request, body: bytes, parts: Parts, tenant: str) -> Batch:
    limit = parts.settings.max_prompts_per_request
    longest = parts.tasks.deadline_seconds
    request = read_request(parse_json(body), max_prompts=limit, max_deadline_seconds=longest)
    terms = Terms(
        tenant=tenant,
        lane=Lane.INTERACTIVE if request.lane is None else Lane(request.lane),
        expires_in_seconds=longest if request.deadline_seconds is None else request.deadline_seconds,
        stream=request.stream is True,
        traceparent=given_traceparent(http),
        trace=trace_of(http),
    )
    return parts.submission.prepare(read_prompts(request.prompts, model=request.model), terms)


def _json(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
