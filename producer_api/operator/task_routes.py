"""`/v1/operator/tasks`: the story of one task, its prompt as Kafka has it, and another run of those that failed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError

from common.store.state import TaskState
from producer_api.checked_route import CheckedRoute
from producer_api.documentation import body_of
from producer_api.errors import RefusedRequest, invalid
from producer_api.operator.describing import BAD_REQUEST, BODY_ERRORS, OPERATORS_ONLY, json_answer
from producer_api.operator.guard import Operator
from producer_api.operator.opening import refusing
from producer_api.operator.record_view import record_view
from producer_api.operator.task_schemas import OperatorTaskView, RetriedTasks, RetryTasks, TaskRecordView
from producer_api.operator.timeline import operator_task_view
from producer_api.request_body import parse_json, read_body
from producer_api.state import Parts, ReadyParts
from producer_api.tasks.describing import NO_SUCH_TASK
from producer_api.tasks.lookup import AnswerTooLarge
from producer_api.tasks.refusals import answer_too_large, no_such_task
from producer_api.tasks.schemas import ErrorAnswer
from producer_api.unknown_field import unknown_field

_NO_RECORD: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "There is no such task, or its record is not in Kafka any more."}
}
TaskId = Annotated[str, Path(description="A task id, or a `resp_…` id.")]


def operator_task_routes() -> APIRouter:
    """The routes of single tasks."""
    router = APIRouter(
        prefix="/v1/operator/tasks",
        tags=["operator"],
        dependencies=[Operator],
        responses={**OPERATORS_ONLY, **BAD_REQUEST},
        route_class=CheckedRoute,
    )
    router.add_api_route(
        "/{task_id}", read_task, methods=["GET"], response_model=OperatorTaskView, responses=NO_SUCH_TASK
    )
    router.add_api_route(
        "/{task_id}/record", read_record, methods=["GET"], response_model=TaskRecordView, responses=_NO_RECORD
    )
    router.add_api_route(
        "/retry",
        retry_tasks,
        methods=["POST"],
        response_model=RetriedTasks,
        responses=BODY_ERRORS,
        openapi_extra=body_of(RetryTasks, {"Two tasks": {"task_ids": ["ID", "ID"]}}),
    )
    return router


async def read_task(parts: ReadyParts, task_id: TaskId) -> Response:
    """Show what happened to a task, whoever's it is."""
    state = await _state(parts, task_id)
    past = await parts.past_attempts.read(state.task_id)
    # With its result, now that it is known whose it is.
    try:
        [whole] = await parts.lookup.find([state.task_id], tenant=state.tenant)
    except AnswerTooLarge:
        raise answer_too_large(parts.settings.max_answer_bytes) from None
    return json_answer(operator_task_view(whole or state, past, parts.names))


async def read_record(parts: ReadyParts, task_id: TaskId) -> Response:
    """Read a task's record back from where it stands in Kafka: the prompt, as its worker got it."""
    state = await _state(parts, task_id)
    async with refusing():
        record = await parts.request_log.record(state)
    if record is None:
        message = "The task's record is not known, or not in Kafka any more."
        raise RefusedRequest(404, message, code="record_not_found", param="task_id")
    return json_answer({"topic": record.topic, **record_view(record, with_value=True)})


async def retry_tasks(request: Request, parts: ReadyParts) -> Response:
    """Run tasks again that failed, expired or were cancelled. Asking twice starts nothing twice."""
    asked = _asked(parse_json(await read_body(request, parts.settings, parts.budget)))
    async with refusing():
        retried = await parts.retry.retry(asked.task_ids)
    return json_answer({"tasks": [one.view() for one in retried]})


async def _state(parts: Parts, task_id: str) -> TaskState:
    [state] = await parts.lookup.find_briefly([task_id])
    if state is None:
        raise no_such_task()
    return state


def _asked(content: Any) -> RetryTasks:
    try:
        return RetryTasks.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "extra_forbidden":
            raise unknown_field(str(first["loc"][-1]), RetryTasks) from None
        raise invalid(f"{first['msg']}.", param=".".join(str(part) for part in first["loc"]) or None) from None
