"""`/v1/operator/dead-letters`: list, look at one, redrive."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError

from common.store.scripts import StoreUnavailable
from common.task import parse_task_id
from producer_api.checked_route import CheckedRoute
from producer_api.documentation import body_of
from producer_api.errors import RefusedRequest, invalid
from producer_api.operator.cursor import Cursor, parse_cursor
from producer_api.operator.describing import BAD_REQUEST, BODY_ERRORS, OPERATORS_ONLY, json_answer
from producer_api.operator.guard import Operator
from producer_api.operator.letter_log import Page
from producer_api.operator.letters import (
    Letter,
    LetterFilter,
    Position,
    letter_view,
    parse_position,
    whole_letter_view,
)
from producer_api.operator.opening import opened
from producer_api.operator.schemas import (
    MAX_LETTERS,
    LetterViews,
    RedriveLetters,
    RedrivenLetters,
    Seconds,
    WholeLetterView,
)
from producer_api.request_body import parse_json, read_body
from producer_api.state import Parts, ReadyParts
from producer_api.tasks.lookup import StoreRebuilding
from producer_api.tasks.schemas import ErrorAnswer
from producer_api.unknown_field import unknown_field

_ROOT = "/v1/operator/dead-letters"
_EXAMPLES = {
    "One letter": {"positions": ["3-17"]},
    "What a model's outage left, looking first": {"error_code": "model_error", "since": 1_790_000_000, "dry_run": True},
    "What died of exactly this": {"group": {"error_code": "model_error", "reason": "The model server answered 500."}},
    "Everything": {"all": True},
}
_NO_SUCH_LETTER: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "There is no such dead letter."}
}

PositionPath = Annotated[str, Path(description="partition-offset, as the list has it.", examples=["3-17"])]


def operator_routes() -> APIRouter:
    """The routes that operators use."""
    router = APIRouter(tags=["operator"], dependencies=[Operator], responses=OPERATORS_ONLY, route_class=CheckedRoute)
    router.add_api_route(_ROOT, list_letters, methods=["GET"], response_model=LetterViews, responses=BAD_REQUEST)
    router.add_api_route(
        f"{_ROOT}/{{position}}",
        read_letter,
        methods=["GET"],
        response_model=WholeLetterView,
        responses={**BAD_REQUEST, **_NO_SUCH_LETTER},
    )
    router.add_api_route(
        f"{_ROOT}/redrive",
        redrive_letters,
        methods=["POST"],
        response_model=RedrivenLetters,
        responses={**BAD_REQUEST, **BODY_ERRORS},
        openapi_extra=body_of(RedriveLetters, _EXAMPLES),
    )
    return router


async def list_letters(
    parts: ReadyParts,
    *,
    reason: Annotated[str | None, Query(description="A part of the reason, in any case of letters.")] = None,
    error_code: str | None = None,
    task_id: str | None = None,
    tenant: str | None = None,
    since: Annotated[Seconds | None, Query(description="Failed then or later, in Unix seconds.")] = None,
    until: Annotated[Seconds | None, Query(description="Failed then or earlier, in Unix seconds.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LETTERS)] = 50,
    after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> Response:
    """List dead letters, oldest first, without their content."""
    wanted = LetterFilter(
        reason=reason,
        error_code=error_code,
        task_ids=None if task_id is None else _task_ids([task_id], "task_id"),
        tenant=tenant,
        since=since,
        until=until,
    )
    cursor = _cursor(after)
    async with opened(parts.letter_log) as log:
        page = await log.scan(cursor or await log.begin(since), wanted, limit=limit)
    now = await _tasks_now(parts, [letter.task_id for letter in page.letters if letter.task_id is not None])
    letters = [{**letter_view(letter), "now": now.get(letter.task_id)} for letter in page.letters]
    return json_answer({"dead_letters": letters, **_rest(page), "later": str(page.later)})


async def read_letter(parts: ReadyParts, position: PositionPath) -> Response:
    """Show one dead letter with its content, which is somebody's prompt."""
    wanted = _position(position, "position")
    async with opened(parts.letter_log) as log:
        letter = await log.letter_at(wanted)
    if letter is None:
        message = "There is no such dead letter: the position is wrong, or its time has passed."
        raise RefusedRequest(404, message, code="dead_letter_not_found", param="position")
    return json_answer(whole_letter_view(letter))


async def redrive_letters(request: Request, parts: ReadyParts) -> Response:
    """Run the tasks of dead letters again, with their whole time before them. Asking twice starts nothing twice."""
    asked = _asked(parse_json(await read_body(request, parts.settings, parts.budget)))
    positions = [_position(text, f"positions[{index}]") for index, text in enumerate(asked.positions or [])]
    wanted = LetterFilter(
        reason=asked.reason,
        error_code=asked.error_code,
        task_ids=None if asked.task_ids is None else _task_ids(asked.task_ids, "task_ids"),
        tenant=asked.tenant,
        since=asked.since,
        until=asked.until,
        group=None if asked.group is None else (asked.group.error_code, asked.group.reason),
    )
    cursor, before = _cursor(asked.after), _cursor(asked.before, "before")
    async with opened(parts.letter_log) as log:
        if positions:
            named = {position: await log.letter_at(position) for position in positions}
            page = Page([letter for letter in named.values() if letter is not None], len(named), None)
            letters: list[tuple[Position, Letter | None]] = list(named.items())
        else:
            left = cursor or await log.begin(asked.since)
            page = await log.scan(left if before is None else left.before(before), wanted, limit=asked.limit)
            letters = [(letter.position, letter) for letter in page.letters]
        items = await parts.redrive.redrive(letters, log, dry_run=asked.dry_run)
    return json_answer({"items": [item.view() for item in items], "dry_run": asked.dry_run, **_rest(page)})


async def _tasks_now(parts: Parts, task_ids: Sequence[str]) -> Mapping[str | None, dict[str, Any]]:
    """How these tasks stand; nothing while the store cannot say: letters are Kafka's, and are listed all the same."""
    with suppress(StoreRebuilding, StoreUnavailable):
        states = await parts.lookup.find_briefly(task_ids)
        return {state.task_id: {"run": state.run, "status": state.status} for state in states if state is not None}
    return {}


def _asked(content: Any) -> RedriveLetters:
    try:
        asked = RedriveLetters.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "extra_forbidden":
            raise unknown_field(str(first["loc"][-1]), RedriveLetters) from None
        param = ".".join(str(part) for part in first["loc"]) or None
        raise invalid(f"{first['msg']}.", param=param) from None
    by_what = asked.model_dump(include={"task_ids", "reason", "error_code", "tenant", "since", "until", "group"})
    named = [name for name, value in by_what.items() if value is not None]
    ways = [asked.positions is not None, bool(named), asked.all]
    if sum(ways) == 0:
        raise invalid('Say which: positions, a filter, or "all": true.', param=None, code="missing_required_parameter")
    if sum(ways) > 1:
        raise invalid("Say which in one way only: positions, a filter, or all.", param=None)
    return asked


def _task_ids(texts: Collection[str], param: str) -> frozenset[str]:
    found = {parse_task_id(text) for text in texts}
    if None in found:
        raise invalid("This is no task id.", param=param)
    return frozenset(task_id for task_id in found if task_id is not None)


def _position(text: str, param: str) -> Position:
    position = parse_position(text)
    if position is None:
        raise invalid("A position is written partition-offset, such as 3-17.", param=param)
    return position


def _cursor(text: str | None, param: str = "after") -> Cursor | None:
    if text is None:
        return None
    cursor = parse_cursor(text)
    if cursor is None:
        raise invalid(f"`{param}` must be a cursor of an answer before, as it came.", param=param)
    return cursor


def _rest(page: Page) -> dict[str, Any]:
    rest = page.rest
    return {
        "scanned": page.scanned,
        "remaining": 0 if rest is None else rest.remaining,
        "next": None if rest is None else str(rest),
    }
