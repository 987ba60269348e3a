"""`/v1/responses`: one task that is waited for, or with `background` left to itself and asked for later."""

from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from common.openai.ids import response_id
from common.openai.input_items import chat_input_items, input_items
from common.store.scripts import StoreUnavailable
from common.store.state import TaskState
from common.task import RESPONSES, Status
from producer_api.direct_route import DirectRoute, described
from producer_api.documentation import body_of
from producer_api.errors import RefusedRequest
from producer_api.idempotency_key import IDEMPOTENCY_KEY
from producer_api.kafka_link import KafkaUnavailable
from producer_api.openai_compat.attending import attended, end_of, give_up
from producer_api.openai_compat.creation import Created, create_task
from producer_api.openai_compat.describing import ANSWERS
from producer_api.openai_compat.happenings import Stopping
from producer_api.openai_compat.outcomes import NO_RETRY, TOO_LARGE, failure_answer, failure_of, stopped
from producer_api.openai_compat.response_describing import EXAMPLES, ID, INPUT_QUERY, NOT_FOUND, RETRIEVE_QUERY
from producer_api.openai_compat.response_events import ResponseEvents
from producer_api.openai_compat.response_input import page_of
from producer_api.openai_compat.response_query import starting_after, wants_stream
from producer_api.openai_compat.response_request import wanted_response
from producer_api.openai_compat.response_stream import ResponseStreamAnswer
from producer_api.openai_compat.response_view import queued_response, response_view, stored_response
from producer_api.openai_compat.schemas import DeletedResponse, InputItems, ResponseAnswer, ResponseRequest
from producer_api.request_body import parse_json, read_body
from producer_api.request_cache import TaskRequest
from producer_api.security import tenant_of
from producer_api.state import Parts, parts_of
from producer_api.tasks.describing import BAD_REQUEST, OUT_OF_REACH
from producer_api.tasks.lookup import AnswerTooLarge, StoreRebuilding
from producer_api.tasks.refusals import answer_too_large

_ONE = f"{RESPONSES}/{{response_id}}"


def add_response_routes(app: FastAPI) -> None:
    """Serve it."""
    add = partial(app.router.add_api_route, tags=["openai"], route_class_override=DirectRoute)
    found = {**NOT_FOUND, **OUT_OF_REACH}
    add(
        RESPONSES,
        create_response,
        methods=["POST"],
        response_model=ResponseAnswer,
        responses={status: answer for status, answer in ANSWERS.items() if status != 202},  # noqa: PLR2004 - HTTP's own
        openapi_extra={**body_of(ResponseRequest, EXAMPLES), **described(IDEMPOTENCY_KEY)},
    )
    add(
        _ONE,
        retrieve_response,
        methods=["GET"],
        response_model=ResponseAnswer,
        responses={**BAD_REQUEST, **found},
        openapi_extra=described(ID, *RETRIEVE_QUERY),
    )
    add(
        f"{_ONE}/cancel",
        cancel_response,
        methods=["POST"],
        response_model=ResponseAnswer,
        responses={**BAD_REQUEST, **found},
        openapi_extra=described(ID),
    )
    add(
        _ONE,
        delete_response,
        methods=["DELETE"],
        response_model=DeletedResponse,
        responses=found,
        openapi_extra=described(ID),
    )
    add(
        f"{_ONE}/input_items",
        list_input_items,
        methods=["GET"],
        response_model=InputItems,
        responses={**BAD_REQUEST, **found},
        openapi_extra=described(ID, *INPUT_QUERY),
    )


async def create_response(request: Request) -> Response:
    """Have the model answer: at the end of the wait, as events with `stream`, or later with `background`.

    Without `background` the task is cancelled when the client leaves before its answer, unless it was sent with an
    Idempotency-Key.
    """
    parts = parts_of(request)
    raw = await read_body(request, parts.settings, parts.budget)
    wanted = wanted_response(parse_json(raw), parts.native_models)
    in_background = wanted.body.get("background") is True
    created = await create_task(request, raw, wanted, waits=wanted.stream or not in_background)
    asked = TaskRequest(RESPONSES, wanted.body, wanted.metadata)
    parts.request_log.keep(created.task_id, asked)
    if wanted.stream:
        queued = queued_response(created.task_id, asked, created_at=_created_at(parts, created))
        events = ResponseEvents(created.task_id, queued, after=None)
        return ResponseStreamAnswer(
            parts, created, events, partial(response_view, request=asked), waits=not in_background
        )
    if in_background:
        return await _accepted(parts, created, asked)
    return await attended(request.receive, _answered(parts, created, asked), created, parts.endings)


async def _accepted(parts: Parts, created: Created, asked: TaskRequest) -> Response:
    """The Response as it was accepted; one that was made before, under the same key, as it stands."""
    state = None
    if not created.is_own:
        with suppress(StoreRebuilding, StoreUnavailable):
            [state] = await parts.lookup.find([created.task_id], tenant=created.tenant)
    view = None if state is None else response_view(state, asked)
    return _json(
        view or queued_response(created.task_id, asked, created_at=_created_at(parts, created)), created.headers
    )


async def _answered(parts: Parts, created: Created, asked: TaskRequest) -> Response:
    try:
        end = await end_of(parts.stories, created, drain_seconds=parts.settings.drain_timeout_seconds)
    except AnswerTooLarge:
        return failure_answer(TOO_LARGE, created.headers)
    if isinstance(end, Stopping):
        await give_up(created, parts.endings)
        return failure_answer(stopped(is_own=created.is_own), created.headers)
    failure = failure_of(end.state)
    if failure is not None:
        return failure_answer(failure, created.headers)
    view = None if end.state is None else response_view(end.state, asked)
    if view is None:
        raise AssertionError("a task that was answered is a Response")
    return _json(view, created.headers)


async def retrieve_response(request: Request) -> Response:
    """Read a Response, or with `stream` its events: from the beginning, or after one that was seen."""
    parts, after = parts_of(request), starting_after(request)
    state = await _found(request)
    asked = await _asked(parts, state)
    view = response_view(state, asked)
    if view is None:
        raise _no_such_response()
    if not wants_stream(request):
        return _json(view)
    beginning = {**view, "status": "queued", "output": [], "usage": None, "error": None, "incomplete_details": None}
    events = ResponseEvents(state.task_id, {**beginning, "completed_at": None}, after=after)
    created = Created(state.task_id, state.tenant, is_own=False, expires_at=state.expires_at)
    return ResponseStreamAnswer(parts, created, events, partial(response_view, request=asked), waits=False)


async def cancel_response(request: Request) -> Response:
    """End a Response in the background without its answer; one that was cancelled before stays so.

    A body is not read.
    """
    parts = parts_of(request)
    state = await _found(request)
    asked = await _asked(parts, state)
    view = response_view(state, asked)
    if view is None:
        raise _no_such_response()
    if view["background"] is not True:
        raise _cannot_cancel("synchronous")
    if not state.status.is_final:
        ended = await parts.endings.cancel(state.task_id, tenant=state.tenant)
        if ended is None:
            raise _no_such_response()
        state, view = ended, response_view(ended, asked)
    if state.status is not Status.CANCELLED or view is None:
        raise _cannot_cancel("completed")
    return _json(view)


async def delete_response(request: Request) -> Response:
    """Forget a Response with its request; one that has not ended is cancelled. Its id names nothing after that."""
    deleted = await parts_of(request).endings.delete(request.path_params["response_id"], tenant=tenant_of(request))
    if deleted is None:
        raise _no_such_response()
    return _json({"id": response_id(deleted), "object": "response", "deleted": True})


async def list_input_items(request: Request) -> Response:
    """List what was sent as the input of a Response, the last first unless asked otherwise."""
    parts = parts_of(request)
    state = await _found(request)
    asked = await parts.request_log.find(state)
    if asked is None:
        raise _no_such_response()
    items = input_items if asked.endpoint == RESPONSES else chat_input_items
    return _json(page_of(items(asked.body, state.task_id), request.query_params))


def _created_at(parts: Parts, created: Created) -> float:
    return round(created.expires_at - parts.tasks.deadline_seconds, 3)


async def _found(request: Request) -> TaskState:
    parts = parts_of(request)
    try:
        [state] = await parts.lookup.find([request.path_params["response_id"]], tenant=tenant_of(request))
    except AnswerTooLarge:
        raise answer_too_large(parts.settings.max_answer_bytes) from None
    if state is None:
        raise _no_such_response()
    return state


async def _asked(parts: Parts, state: TaskState) -> TaskRequest | None:
    """What the task asks, where that is needed to show it."""
    if stored_response(state) is not None:
        return None
    try:
        return await parts.request_log.find(state)
    except KafkaUnavailable:
        if state.status.is_final:
            # How it ended is worth more than what it repeats of its request.
            return None
        raise


def _no_such_response() -> RefusedRequest:
    message = (
        "There is no such Response: the id is wrong or of something else, it was deleted, or its result has passed its "
        "time."
    )
    return RefusedRequest(404, message, code="response_not_found", param="response_id")


def _cannot_cancel(kind: str) -> RefusedRequest:
    return RefusedRequest(400, f"Cannot cancel a {kind} response.", code=f"{kind}_response", headers=NO_RETRY)


def _json(content: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), 200, headers, media_type="application/json")
