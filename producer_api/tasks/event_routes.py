"""`/v1/tasks/events` and `/v1/tasks/{task_id}/events`: tasks as they move."""

import time
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response

from producer_api.direct_route import DirectRoute, described
from producer_api.errors import RefusedRequest, invalid
from producer_api.security import tenant_of
from producer_api.state import parts_of
from producer_api.tasks.describing import BAD_REQUEST, NO_SUCH_TASK, OUT_OF_REACH, TASK_ID, TASK_IDS
from producer_api.tasks.event_response import EventResponse
from producer_api.tasks.event_stream import EventStream, Pace
from producer_api.tasks.queries import task_ids_of

_LAST_EVENT_ID = "Last-Event-ID"
_PARAMETER: dict[str, Any] = {
    "name": _LAST_EVENT_ID,
    "in": "header",
    "required": False,
    "description": "The id of the last event that was seen of these tasks: the stream goes on after it.",
    "schema": {"type": "string", "title": "Last-Event-ID"},
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `status`, `delta`, `reset`, each with an id and JSON data, until all tasks have ended.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The events up to this Last-Event-ID were all there are."},
}


def add_event_routes(app: FastAPI) -> None:
    """Serve the streams."""
    add = partial(
        app.router.add_api_route,
        methods=["GET"],
        tags=["tasks"],
        response_class=Response,
        route_class_override=DirectRoute,
    )
    add(
        "/v1/tasks/events",
        follow_tasks,
        responses={**_EVENTS, **BAD_REQUEST, **OUT_OF_REACH},
        openapi_extra=described(TASK_IDS, _PARAMETER),
    )
    add(
        "/v1/tasks/{task_id}/events",
        follow_task,
        responses={**_EVENTS, **BAD_REQUEST, **NO_SUCH_TASK, **OUT_OF_REACH},
        openapi_extra=described(TASK_ID, _PARAMETER),
    )


async def follow_tasks(request: Request) -> Response:
    """Follow tasks: how each stands, then every move of any of them, as server-sent events."""
    limit = parts_of(request).settings.max_ids_per_stream
    asked = task_ids_of(request, limit=limit, setting="max_ids_per_stream")
    return _events(request, asked, must_exist=False)


async def follow_task(request: Request) -> Response:
    """Follow one task: how it stands, then every move, as server-sent events."""
    return _events(request, [request.path_params["task_id"]], must_exist=True)


def _events(request: Request, asked: list[str], *, must_exist: bool) -> Response:
    parts = parts_of(request)
    try:
        stream = EventStream(
            asked,
            tenant=tenant_of(request),
            last_event_id=request.headers.get(_LAST_EVENT_ID) or None,
            lookup=parts.lookup,
            texts=parts.texts,
            following=parts.following,
            clock=time.monotonic,
            now=time.time,
            pace=Pace(),
        )
    except ValueError:
        raise _other_stream() from None
    return EventResponse(
        stream, parts.following, parts.following_metrics, must_exist=must_exist, settings=parts.settings
    )


def _other_stream() -> RefusedRequest:
    message = "This is no event id of a stream of these tasks: name the same ones in the same order, or leave it out."
    return invalid(message, param=_LAST_EVENT_ID)
