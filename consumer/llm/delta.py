"""Deltas merged into a whole, in work and memory that grow with what they add. Pure."""

from typing import Any

import orjson

# Said once, or the same each time; all other texts come in parts.
_NAMES = frozenset({"id", "role", "type", "object", "name"})
# A field's quotes, colon and comma.
_FIELD_BYTES = 4
# So many are joined: a text of a few letters takes many times their room.
_MOST_PARTS = 256


class _Text:
    """A text in parts: each is copied once on the way, and once when the text is written."""

    def __init__(self, first: str) -> None:
        self._joined: list[str] = []
        self._parts = [first]

    def add(self, part: str) -> int:
        """Add it; gives its size in bytes."""
        self._parts.append(part)
        if len(self._parts) >= _MOST_PARTS:
            self._joined.append("".join(self._parts))
            self._parts.clear()
        return len(part.encode())

    def joined(self) -> str:
        """All of it."""
        return "".join([*self._joined, *self._parts])


class Items:
    """A list. Items with an `index`, such as calls of tools, come in parts; others are added behind."""

    def __init__(self, first: list[Any]) -> None:
        self.all: list[Any] = []
        self._by_index: dict[int, dict[str, Any]] = {}
        self.extend(first)

    def extend(self, items: list[Any]) -> int:
        """Add these; gives by how many bytes the list grew.

        Raises:
            orjson.JSONEncodeError: one is nested too deeply to be written.
        """
        return sum([self._add(item) for item in items])

    def _add(self, item: Any) -> int:
        index = item.get("index") if isinstance(item, dict) else None
        if isinstance(index, int):
            known = self._by_index.get(index)
            if known is not None:
                return merge(known, item)
            self._by_index[index] = item
        self.all.append(item)
        return len(written(item))


def merge(whole: dict[str, Any], delta: dict[str, Any]) -> int:
    """Merge `delta` into `whole`, which `written` can write then; gives by how many bytes that grew.

    Raises:
        orjson.JSONEncodeError: a value is nested too deeply to be written.
    """
    size = 0
    for name, value in delta.items():
        known = whole.get(name)
        if name not in whole:
            size += len(name) + _FIELD_BYTES
        if value is None:
            whole.setdefault(name, None)
        elif isinstance(known, str | _Text) and isinstance(value, str) and name not in _NAMES:
            if isinstance(known, str):
                known = whole[name] = _Text(known)
            size += known.add(value)
        elif isinstance(known, dict) and isinstance(value, dict):
            size += merge(known, value)
        elif isinstance(value, list):
            if not isinstance(known, Items):
                known = whole[name] = Items(known if isinstance(known, list) else [])
            size += known.extend(value)
        else:
            size += growth(known, value)
            whole[name] = value
    return size


def growth(known: Any, value: Any) -> int:
    """By how many bytes what is written grows when `value` takes the place of `known`.

    Raises:
        orjson.JSONEncodeError: it is nested too deeply to be written.
    """
    return 0 if known == value else max(0, len(written(value)) - len(written(known)))


def written(value: Any) -> bytes:
    """What was merged, as JSON.

    Raises:
        orjson.JSONEncodeError: it is nested too deeply.
    """
    return orjson.dumps(value, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, _Text):
        return value.joined()
    if isinstance(value, Items):
        return value.all
    raise TypeError(type(value).__name__)
