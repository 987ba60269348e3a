"""A dead letter as it stands in Kafka, which of them an operator means, and how one is shown. Pure."""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from common.task import parse_task_id
from common.topics import REFERENCE_CONTENT_TYPE

_POSITION = re.compile(r"(0|[1-9]\d{0,8})-(0|[1-9]\d{0,17})", re.ASCII)
_MAX_SECONDS = 1e11


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a letter stands in its topic; written `partition-offset`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"


def parse_position(text: str) -> Position | None:
    """The position that `text` writes; None where it writes none."""
    found = _POSITION.fullmatch(text)
    return None if found is None else Position(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record stood, or stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A record of the dead-letter topic; anybody may have written there, so nothing is taken for granted.

    `timestamp` is Kafka's, in Unix seconds.
    """

    position: Position
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @cached_property
    def _fields(self) -> dict[str, bytes]:
        # Of a name that stands twice, the last: ours are written behind the original's.
        return {name: content for name, content in self.headers if content is not None}

    def header(self, name: str) -> str | None:
        """The text of a header; None where there is none."""
        content = self._fields.get(name)
        return None if content is None else content.decode(errors="replace")

    @property
    def reason(self) -> str | None:
        """Why it died, in words."""
        return self.header("reason")

    @property
    def error_code(self) -> str | None:
        """Why it died, as a code."""
        return self.header("error-code")

    @property
    def tenant(self) -> str | None:
        """Whose it was; unknown of a reference."""
        return self.header("tenant")

    @property
    def task_id(self) -> str | None:
        """The task it was to be, as far as its header, or the key of a result, says so."""
        return parse_task_id(self.header("task-id") or (self.key or b"").decode(errors="replace"))

    @property
    def failed_at(self) -> float:
        """When, in Unix seconds; where that was not written, when the letter was."""
        return _number(self.header("failed-at"), _MAX_SECONDS) or self.timestamp

    @property
    def source(self) -> Source | None:
        """Where the original stood."""
        topic = self.header("source-topic")
        partition, offset = (_whole(self.header(name)) for name in ("source-partition", "source-offset"))
        if topic is None or partition is None or offset is None:
            return None
        return Source(topic, partition, offset)

    @property
    def is_reference(self) -> bool:
        """Whether its value only says where the original stands."""
        return self._fields.get("content-type") == REFERENCE_CONTENT_TYPE

    @property
    def size_bytes(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which letters are meant: those that fulfil all that is given. `reason` is a part of it, in any case of letters.

    `group` is code and reason of those that died of exactly that; None in it means that there is none. `since` and
    `until` are times of death in Unix seconds, both included.
    """

    reason: str | None = None
    error_code: str | None = None
    task_ids: Collection[str] | None = None
    tenant: str | None = None
    since: float | None = None
    until: float | None = None
    group: tuple[str | None, str | None] | None = None

    def means(self, letter: Letter) -> bool:
        """Whether the letter is one of them."""
        return (
            (self.reason is None or self.reason.casefold() in (letter.reason or "").casefold())
            and (self.error_code is None or self.error_code == letter.error_code)
            and (self.task_ids is None or letter.task_id in self.task_ids)
            and (self.tenant is None or self.tenant == letter.tenant)
            and (self.since is None or self.since <= letter.failed_at)
            and (self.until is None or letter.failed_at <= self.until)
            and (self.group is None or self.group == (letter.error_code, letter.reason))
        )


def letter_view(letter: Letter) -> dict[str, Any]:
    """The letter without its content."""
    source = letter.source
    return {
        "id": str(letter.position),
        "task_id": letter.task_id,
        "run": None if letter.is_reference else _run(letter.value),
        "tenant": letter.tenant,
        "reason": letter.reason,
        "error_code": letter.error_code,
        "failed_at": round(letter.failed_at, 3),
        "source": None
        if source is None
        else {"topic": source.topic, "partition": source.partition, "offset": source.offset},
        "size_bytes": letter.size_bytes,
        "by_reference": letter.is_reference,
    }


def whole_letter_view(letter: Letter) -> dict[str, Any]:
    """The letter with headers, key and value."""
    value, encoding = shown_value(letter.value)
    return {
        **letter_view(letter),
        "written_at": round(letter.timestamp, 3),
        "headers": {name: (content or b"").decode(errors="replace") for name, content in letter.headers},
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "value": value,
        "value_encoding": encoding,
    }


def shown_value(value: bytes | None) -> tuple[Any, str]:
    """A value as it can stand in an answer: JSON byte by byte, else its text, else base64."""
    if value is not None and _json(value) is not None:
        # Read and written again, numbers might be others, and names that stand twice would be one.
        return orjson.Fragment(value), "json"
    try:
        return None if value is None else value.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(value or b"").decode(), "base64"


def _json(value: bytes | None) -> Any:
    try:
        content = orjson.loads(value or b"")
        # What can be read may be nested too deeply to be written.
        orjson.dumps(content)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return content


def _run(value: bytes | None) -> int | None:
    content = _json(value)
    run = content.get("run") if isinstance(content, dict) else None
    return run if isinstance(run, int) and not isinstance(run, bool) else None


def _number(text: str | None, below: float) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < below else None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 18 else None  # noqa: PLR2004 - digits of 2^63
