"""The pages of a Response's input items."""

from collections.abc import Mapping, Sequence
from typing import Any

from producer_api.errors import RefusedRequest, invalid

_LEAST, _USUAL, _MOST = 1, 20, 100


def page_of(items: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """The page of `items`, which are in the request's order, that `query` asks for: `limit`, `order`, `after`.

    Raises:
        RefusedRequest: 400.
    """
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise invalid("`order` must be asc or desc.", param="order")
    listed = list(items) if order == "asc" else list(reversed(items))
    after = query.get("after")
    if after is not None:
        places = [place for place, item in enumerate(listed) if item["id"] == after]
        if not places:
            raise invalid("`after` must be the id of an item of this Response.", param="after")
        listed = listed[places[0] + 1 :]
    limit = _limit(query.get("limit"))
    page = listed[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(listed) > limit,
    }


def _limit(text: str | None) -> int:
    if text is None:
        return _USUAL
    if not text.isdecimal() or not _LEAST <= int(text[:9]) <= _MOST:
        raise _bad_limit()
    return int(text)


def _bad_limit() -> RefusedRequest:
    return invalid(f"`limit` must be a whole number from {_LEAST} to {_MOST}.", param="limit")
