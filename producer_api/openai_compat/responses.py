"""`/v1/responses`: one task that is waited for, or with `background` left to itself and asked for later."""

import asyncio
from functools import partial

from fastapi import FastAPI, Request, Response

from common.openai.ids import response_id
from common.openai.input_items import chat_input_items, input_items
from common.store.state import TaskState
from common.task import RESPONSES, Status
from producer_api.direct_route import DirectRoute, described
from producer_api.documentation import body_of
from producer_api.errors import RefusedRequest
from producer_api.idempotency_key import IDEMPOTENCY_KEY
from producer_api.kafka_link import KafkaUnavailable
from producer_api.openai_compat.creation import Created
from producer_api.openai_compat.describing import ANSWERS
from producer_api.openai_compat.outcomes import NO_RETRY
from producer_api.openai_compat.response_creation import create_response, json_answer
from producer_api.openai_compat.response_describing import EXAMPLES, ID, INPUT_QUERY, NOT_FOUND, RETRIEVE_QUERY
from producer_api.openai_compat.response_events import ResponseEvents
from producer_api.openai_compat.response_input import page_of
from producer_api.openai_compat.response_query import starting_after, wants_stream
from producer_api.openai_compat.response_stream import ResponseStreamAnswer
from producer_api.openai_compat.response_view import response_view, stored_response
from producer_api.openai_compat.schemas import DeletedResponse, InputItems, ResponseAnswer, ResponseRequest
from producer_api.request_cache import TaskRequest
from producer_api.security import tenant_of
from producer_api.state import Parts, parts_of
from producer_api.tasks.describing import BAD_REQUEST, OUT_OF_REACH
from producer_api.tasks.lookup import AnswerTooLarge
from producer_api.tasks.refusals import answer_too_large

_ONE = f"{RESPONSES}/{{response_id}}"
_SOON_SECONDS = 1.0


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


async def retrieve_response(request: Request) -> Response:
    """Read a Response, or with `stream` its events: from the beginning, or after one that was seen."""
    parts, after = parts_of(request), starting_after(request)
    state = await _found(request)
    asked = await _asked(parts, state)
    view = response_view(state, asked)
    if view is None:
        raise _no_such_response()
    if not wants_stream(request):
        return json_answer(view)
    beginning = {**view, "status": "queued", "output": [], "usage": None, "error": None, "incomplete_details": None}
    events = ResponseEvents(state.task_id, {**beginning, "completed_at": None}, after=after)
    created = Created(state.task_id, state.tenant, is_own=False, expires_at=0.0)
    return ResponseStreamAnswer(parts, created, events, partial(response_view, request=asked), waits=False)


async def cancel_response(request: Request) -> Response:
    """End a Response in the background without its answer; one that was cancelled before stays so.

    A body is not read.
    """
    parts = parts_of(request)
    state = await _found(request)
    asked = await _asked_soon(parts, state)
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
    return json_answer(view)


async def delete_response(request: Request) -> Response:
    """Forget a Response with its request; one that has not ended is cancelled. Its id names nothing after that."""
    deleted = await parts_of(request).endings.delete(request.path_params["response_id"], tenant=tenant_of(request))
    if deleted is None:
        raise _no_such_response()
    return json_answer({"id": response_id(deleted), "object": "response", "deleted": True})


async def list_input_items(request: Request) -> Response:
    """List what was sent as the input of a Response, the last first unless asked otherwise."""
    parts = parts_of(request)
    state = await _found(request)
    asked = await parts.request_log.find(state)
    if asked is None:
        raise _no_such_response()
    items = input_items if asked.endpoint == RESPONSES else chat_input_items
    return json_answer(page_of(items(asked.body, state.task_id), request.query_params))


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


async def _asked_soon(parts: Parts, state: TaskState) -> TaskRequest | None:
    """The same for who cannot wait: a call under way is paid for, so whether somebody waits for it must not keep it."""
    try:
        async with asyncio.timeout(_SOON_SECONDS):
            return await _asked(parts, state)
    except (KafkaUnavailable, TimeoutError):
        return None


def _no_such_response() -> RefusedRequest:
    message = (
        "There is no such Response: the id is wrong or of something else, it was deleted, or its result has passed its "
        "time."
    )
    return RefusedRequest(404, message, code="response_not_found", param="response_id")


def _cannot_cancel(kind: str) -> RefusedRequest:
    return RefusedRequest(400, f"Cannot cancel a {kind} response.", code=f"{kind}_response", headers=NO_RETRY)
