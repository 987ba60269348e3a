"""What the fake model does with a call: a script for all calls, and directives inside one prompt."""

import re
from collections.abc import Mapping
from enum import StrEnum
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_DIRECTIVE = re.compile(r"\[\[([^\[\]]+)\]\]")
_STATUS_OF_CODE = {
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "server_error": 500,
}
_TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
_FIELD_OF_DIRECTIVE = {
    "latency": "latency_seconds",
    "jitter": "jitter_seconds",
    "chunk-latency": "chunk_latency_seconds",
}


class Fault(StrEnum):
    """Ways in which an answer goes wrong below or beside its status."""

    HANG = "hang"
    """No byte comes until everything is released."""
    GARBAGE = "garbage"
    """200, said to be JSON, and is not."""
    UNREADABLE = "unreadable"
    """200 and a whole answer, with half of a surrogate pair in its text."""
    WRONG_SHAPE = "wrong-shape"
    """200 and JSON, but no answer."""
    CUT = "cut"
    """The connection closes in the middle of the body."""
    RESET = "reset"
    """The connection is reset without an answer."""


class Behaviour(BaseModel):
    """How calls are answered. The default is an echo, at once.

    A call waits for the gate if it is held, then for its latency; then it fails or is answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_seconds: float = Field(default=0.0, ge=0)
    jitter_seconds: float = Field(default=0.0, ge=0)
    """The latency varies evenly by this much up and down, never below 0."""
    chunk_latency_seconds: float = Field(default=0.0, ge=0)
    """Pause before each streamed piece of text."""
    hold: bool = False
    """Calls wait until they are released: by count, by prompt, or all."""
    hold_after: int | None = Field(default=None, ge=0)
    """A streamed answer waits so too, after so many of its events; the first of them is without text."""
    status: int = Field(default=200, ge=200, le=599)
    headers: Mapping[str, str] = Field(default_factory=dict)
    error_code: str | None = None
    error_message: str | None = None
    fault: Fault | None = None
    fail: int | None = Field(default=None, ge=0)
    """Only the first so many calls of each prompt fail; the later ones are answered."""
    error_rate: float = Field(default=0.0, ge=0, le=1)
    """Share of calls that fail with ``status`` (500 if that is 200); which ones follows from ``seed``."""
    seed: int = 0
    function: str | None = None
    """The answer calls this function too, with the prompt."""
    size: int | None = Field(default=None, ge=0)
    """The answer has this many characters, random-looking so that it does not compress away."""

    def for_prompt(self, prompt: str) -> "Behaviour":
        """Return this behaviour with the prompt's own directives applied.

        Raises:
            ValueError: A directive is unknown or out of range (a mistake in the test, better said aloud).
        """
        directives = directives_in(prompt)
        if not directives:
            return self
        headers = {**self.headers, **directives.pop("headers", {})}
        if "fail" in directives and not directives.keys() & {"status", "error_code", "fault"}:
            directives["status"] = 500
        return Behaviour.model_validate({**self.model_dump(), **directives, "headers": headers})

    def decide(self, *, earlier_calls: int, random: Random) -> "Behaviour":
        """Return what this one call gets: a behaviour without chance or counting left in it.

        Args:
            earlier_calls: Calls with the same prompt before this one.
            random: Source of jitter and of random errors.
        """
        if self.fail is None and not self.error_rate and not self.jitter_seconds:
            return self
        latency = self.latency_seconds
        if self.jitter_seconds:
            latency = max(0.0, latency + random.uniform(-self.jitter_seconds, self.jitter_seconds))
        spared = self.fail is not None and earlier_calls >= self.fail
        failing: dict[str, Any] = {}
        if self.error_rate:
            # Drawn for every call, so that which calls fail does not depend on how the others fared.
            spared = random.random() >= self.error_rate or spared
            failing = {"status": self.status if self.status != 200 else 500}
        if spared:
            failing = {"status": 200, "headers": {}, "error_code": None, "fault": None}
        return self.model_copy(
            update={"latency_seconds": latency, "jitter_seconds": 0.0, "fail": None, "error_rate": 0.0, **failing}
        )

    @property
    def error_status(self) -> int | None:
        """Status of the error to answer with; None if the call is to be answered well."""
        if self.status != 200:
            return self.status
        if self.error_code is not None:
            return _STATUS_OF_CODE.get(self.error_code, 400)
        return None

    @property
    def fails(self) -> bool:
        """Whether a call ends badly by the script; a hung one counts, though it is answered if it is released."""
        return self.fault is not None or self.error_status is not None

    @property
    def error_type(self) -> str:
        """OpenAI's error type for the status; quota has a type of its own."""
        if self.error_code == "insufficient_quota":
            return "insufficient_quota"
        return _TYPE_OF_STATUS.get(self.error_status or 500, "server_error")


def directives_in(prompt: str) -> dict[str, Any]:
    """Read ``[[name=value;name;…]]`` out of a prompt as fields of `Behaviour`.

    Bare names are faults or flags (``[[hang]]``, ``[[hold]]``); names of response headers
    (``retry-after``, ``x-…``) end up under ``headers``.
    """
    if "[[" not in prompt:
        return {}
    fields: dict[str, Any] = {}
    for group in _DIRECTIVE.findall(prompt):
        for item in group.split(";"):
            name, has_value, value = (part.strip() for part in item.partition("="))
            if name in set(Fault):
                fields["fault"] = name
            elif name.startswith(("retry-after", "x-")):
                fields.setdefault("headers", {})[name] = value
            else:
                field = _FIELD_OF_DIRECTIVE.get(name, name.replace("-", "_"))
                fields[field] = value if has_value else True
    return fields
