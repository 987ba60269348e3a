"""A request for a Response: waited for, told as events, or left to itself."""

from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from fastapi import Request, Response

from common.store.scripts import StoreUnavailable
from common.task import RESPONSES
from producer_api.openai_compat.attending import attended, end_of
from producer_api.openai_compat.creation import Created, Wanted, create_task, read_wanted
from producer_api.openai_compat.outcomes import NO_RESPONSE, Failure, failure_answer, failure_of
from producer_api.openai_compat.response_events import ResponseEvents
from producer_api.openai_compat.response_request import wanted_response
from producer_api.openai_compat.response_stream import ResponseStreamAnswer
from producer_api.openai_compat.response_view import queued_response, response_view
from producer_api.request_cache import TaskRequest
from producer_api.state import Parts, parts_of
from producer_api.tasks.lookup import StoreRebuilding


async def create_response(request: Request) -> Response:
    """Have the model answer: at the end of the wait, as events with `stream`, or later with `background`.

    Without `background` the task is cancelled when the client leaves before its answer, unless it was sent with an
    Idempotency-Key.
    """
    parts = parts_of(request)
    wanted = await read_wanted(request, partial(wanted_response, native=parts.native_models))
    in_background = wanted.body.get("background") is True
    created = await create_task(request, wanted, waits=wanted.stream or not in_background)
    parts.request_log.keep(created.task_id, TaskRequest(RESPONSES, wanted.body, wanted.metadata))
    stream, asked = wanted.stream, _repeated(wanted)
    # The input is the queue's from here on.
    del wanted
    if stream:
        queued = queued_response(created.task_id, asked, created_at=_created_at(parts, created))
        events = ResponseEvents(created.task_id, queued, after=None)
        return ResponseStreamAnswer(
            parts, created, events, partial(response_view, request=asked), waits=not in_background
        )
    if in_background:
        return await _accepted(parts, created, asked)
    return await attended(request.receive, _answered(parts, created), created, parts.endings)


def _repeated(wanted: Wanted) -> TaskRequest:
    """What a Response may repeat of its request, which is anything but the input."""
    body = {name: value for name, value in wanted.body.items() if name != "input"}
    return TaskRequest(RESPONSES, body, wanted.metadata)


async def _accepted(parts: Parts, created: Created, asked: TaskRequest) -> Response:
    """The Response as it was accepted; one that was made before, under the same key, as it stands."""
    # What was accepted and is not shown yet is queued.
    state = None
    if not created.is_own:
        with suppress(StoreRebuilding, StoreUnavailable):
            [state] = await parts.lookup.find([created.task_id], tenant=created.tenant)
    view = None if state is None else response_view(state, asked)
    return json_answer(
        view or queued_response(created.task_id, asked, created_at=_created_at(parts, created)), created.headers
    )


async def _answered(parts: Parts, created: Created) -> Response:
    end = await end_of(parts, created)
    if isinstance(end, Failure):
        return failure_answer(end, created.headers)
    failure = failure_of(end.state)
    if failure is not None:
        return failure_answer(failure, created.headers)
    # That of a request for a Response is stored as one, and needs nothing of its request.
    view = None if end.state is None else response_view(end.state, None)
    if view is None:
        return failure_answer(NO_RESPONSE, created.headers)
    return json_answer(view, created.headers)


def _created_at(parts: Parts, created: Created) -> float:
    return round(created.expires_at - parts.tasks.deadline_seconds, 3)


def json_answer(content: Any, headers: dict[str, str] | None = None) -> Response:
    """A 200 with `content` as JSON."""
    return Response(orjson.dumps(content), 200, headers, media_type="application/json")
