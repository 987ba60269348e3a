"""What a query of tasks asks for, read by hand."""

import math
from typing import Any

from fastapi import Request

from producer_api.errors import invalid, over_limit


def task_ids_of(request: Request, *, limit: int, setting: str = "max_ids_per_query") -> list[str]:
    """The ids as they are written in `task_ids`, 1 to `limit` of them, as `setting` has it.

    Raises:
        RefusedRequest: 400.
    """
    asked = [text.strip() for text in ",".join(request.query_params.getlist("task_ids")).split(",")]
    if asked == [""]:
        raise invalid("Name the tasks: ?task_ids=ID,ID.", param="task_ids", code="missing_required_parameter")
    if "" in asked:
        raise invalid("`task_ids` has an empty id: check its commas.", param="task_ids")
    if len(asked) > limit:
        raise over_limit("Too many ids in one query", limit, setting, param="task_ids")
    return asked


def task_ids_in(content: Any, *, limit: int) -> list[str]:
    """The ids of a body `{"task_ids": ["…"]}`, 1 to `limit` of them.

    Raises:
        RefusedRequest: 400.
    """
    if not isinstance(content, dict) or content.keys() != {"task_ids"}:
        code = "missing_required_parameter" if content == {} else "invalid_value"
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
