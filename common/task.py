"""A task: one prompt with its id, and the life it leads.

              submit            claim                 outcome
    (nothing) ------> queued ---------> processing --------------> completed
                       |  ^                |    |                  failed
                       |  +-- retry at T --+    +- cancel -------> cancelled
                       +-- cancel / expiry ------- expires_at ---> cancelled / expired

`completed failed cancelled expired` are final within a run. A redrive starts run n+1 of the same id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils


class Status(StrEnum):
    """Where a task stands; clients see these words."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended: reached once, never left."""
        return self is not Status.QUEUED and self is not Status.PROCESSING


class Progress:
    """Percent, by stage: honest marks, not a guess of time."""

    ACCEPTED = 0
    CALLED = 25
    ANSWERED = 75
    STORED = 100


class Lane(StrEnum):
    """Which tasks topic carries the record: people waiting, or bulk."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


# Characters of a model's name.
MAX_MODEL_LENGTH = 200

CHAT_COMPLETIONS = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
RESPONSES = "/v1/responses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One prompt as it was accepted. Times are Unix seconds UTC, to the millisecond.

    `body` is the OpenAI request body, verbatim; `metadata` is the client's and never goes upstream.
    `batch` is None or `{"id", "custom_id", "line"}`.
    """

    task_id: str
    tenant: str
    body: dict[str, Any]
    created_at: float
    expires_at: float
    run: int = 1
    lane: Lane = Lane.INTERACTIVE
    endpoint: str = CHAT_COMPLETIONS
    metadata: dict[str, Any] = field(default_factory=dict)
    stream: bool = False
    batch: dict[str, Any] | None = None

    @property
    def model(self) -> str | None:
        """The model that its body names."""
        return named_model(self.body)


def named_model(body: Mapping[str, Any]) -> str | None:
    """The model that a request body names; None where it names none, which is the worker's to choose then."""
    return shown_model(body.get("model"))


def shown_model(name: Any) -> str | None:
    """A model's name as it is shown; None where it is none, or longer than any that we take."""
    return name if isinstance(name, str) and 0 < len(name) <= MAX_MODEL_LENGTH else None


def new_task_id() -> str:
    """A fresh uuid7 as text: ids sort by the time they were made (RFC 9562)."""
    return str(uuid_utils.uuid7())


# As we write them ourselves, and nearly all that come back.
_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_RESPONSE_PREFIX = "resp_"
_RESPONSE_ID_LENGTH = len(_RESPONSE_PREFIX) + 32
_UUID_TEXT_LENGTH = 36


def parse_task_id(text: str) -> str | None:
    """The task id that `text` names: a UUID as text, or the same id as `resp_<32 hex>`; None for anything else."""
    if _CANONICAL.fullmatch(text):
        return text
    if len(text) == _UUID_TEXT_LENGTH:
        digits = text
    elif len(text) == _RESPONSE_ID_LENGTH and text.startswith(_RESPONSE_PREFIX):
        digits = text.removeprefix(_RESPONSE_PREFIX)
        if "-" in digits:
            return None
    else:
        return None
    try:
        canonical = str(UUID(digits))
    except ValueError:
        return None
    # UUID() also reads braces and stray hyphens; an id has one spelling only.
    return canonical if digits.lower() in (canonical, canonical.replace("-", "")) else None


def to_millis(seconds: float) -> int:
    """Seconds as whole milliseconds, the store's unit."""
    return round(seconds * 1000)


def to_seconds(millis: int) -> float:
    """Whole milliseconds as seconds."""
    return millis / 1000
