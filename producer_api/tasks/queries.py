"""What a query of tasks asks for, read by hand."""

import math
from typing import Any, NamedTuple

from fastapi import Request

from common.task import Lane, Status, parse_task_id
from producer_api.errors import invalid, over_limit
from producer_api.tasks.listing import TaskFilter

_MISSING = "missing_required_parameter"
_LONGEST_NUMBER = 10


def task_ids_of(request: Request, *, limit: int, setting: str = "max_ids_per_query") -> list[str]:
    """The ids as they are written in `task_ids`, 1 to `limit` of them, as `setting` has it.

    Raises:
        RefusedRequest: 400.
    """
    asked = [text.strip() for text in ",".join(request.query_params.getlist("task_ids")).split(",")]
    if asked == [""]:
        raise invalid("Name the tasks: ?task_ids=ID,ID.", param="task_ids", code=_MISSING)
    if "" in asked:
        raise invalid("`task_ids` has an empty id: check its commas.", param="task_ids")
    if len(asked) > limit:
        raise over_limit("Too many ids in one query", limit, setting, param="task_ids")
    return asked


_LIST_LIMIT = 50
_OF_LISTS = ("status", "lane", "model", "limit", "after")


class ListQuery(NamedTuple):
    """What a list is asked for."""

    wanted: TaskFilter
    limit: int
    after: str | None


def list_query(request: Request, *, max_limit: int) -> ListQuery | None:
    """What a request without `task_ids` asks for; None where it has them.

    Raises:
        RefusedRequest: 400.
    """
    params = request.query_params
    if "task_ids" in params:
        if mixed := next((name for name in _OF_LISTS if name in params), None):
            raise invalid("Name tasks by `task_ids`, or list them by this: not both.", param=mixed)
        return None
    if "wait" in params:
        raise invalid("Name the tasks to wait for: ?task_ids=ID,ID.", param="task_ids", code=_MISSING)
    lane, after = params.get("lane"), params.get("after")
    if lane is not None and lane not in set(Lane):
        raise invalid(f"`lane` must be {_words(Lane)}.", param="lane")
    before = None if after is None else parse_task_id(after)
    if after is not None and before is None:
        raise invalid("`after` must be `next` of the answer before, or a task's id.", param="after")
    wanted = TaskFilter(
        statuses=_statuses(params.get("status")),
        lane=None if lane is None else Lane(lane),
        model=params.get("model"),
    )
    return ListQuery(wanted, _list_limit(params.get("limit"), max_limit), before)


def _statuses(text: str | None) -> frozenset[Status] | None:
    if text is None:
        return None
    named = [word.strip() for word in text.split(",")]
    if not set(named) <= set(Status):
        raise invalid(f"`status` must be of {_words(Status)}, separated by commas.", param="status")
    return frozenset(map(Status, named))


def _list_limit(text: str | None, most: int) -> int:
    if text is None:
        return min(_LIST_LIMIT, most)
    if not (text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER) or int(text) < 1:
        raise invalid("`limit` must be a whole number, 1 or more.", param="limit")
    if int(text) > most:
        raise over_limit("Too many tasks on one page", most, "max_ids_per_query", param="limit")
    return int(text)


def _words(words: type[Status] | type[Lane]) -> str:
    return ", ".join(f"`{word.value}`" for word in words)


def task_ids_in(content: Any, *, limit: int) -> list[str]:
    """The ids of a body `{"task_ids": ["…"]}`, 1 to `limit` of them.

    Raises:
        RefusedRequest: 400.
    """
    if not isinstance(content, dict) or content.keys() != {"task_ids"}:
        code = _MISSING if content == {} else "invalid_value"
        raise invalid('Send a JSON object with `task_ids` alone: {"task_ids": ["ID"]}.', param="task_ids", code=code)
    asked = content["task_ids"]
    if not isinstance(asked, list) or not all(isinstance(text, str) for text in asked):
        raise invalid("`task_ids` must be a list of texts.", param="task_ids", code="invalid_type")
    if not asked:
        raise invalid("`task_ids` must hold at least one id.", param="task_ids")
    if len(asked) > limit:
        raise over_limit("Too many ids in one request", limit, "max_ids_per_query", param="task_ids")
    return asked


def wait_seconds(request: Request, *, limit: float) -> float:
    """The seconds in `wait`; 0 without it.

    Raises:
        RefusedRequest: 400.
    """
    texts = request.query_params.getlist("wait")
    if not texts:
        return 0.0
    try:
        [text] = texts
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise invalid("`wait` must be a number of seconds, 0 or more: &wait=30.", param="wait")
    if seconds > limit:
        raise over_limit("`wait` is too long, in seconds", f"{limit:g}", "max_wait_seconds", param="wait")
    return seconds
