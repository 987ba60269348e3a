"""What a worker's moves are about, and what comes of them: claims, and the answers of the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from common.store.scripts import Reply, reply_word
from common.task import Task, to_seconds


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this worker holds. `attempts`, `failures` and `crashes` as in `TaskState`; times in Unix seconds.

    `token` fences: a random text that the caller made for this claim alone, compared for equality only. `model` is the
    one that is asked: the task's, or the worker's own.
    """

    task: Task
    token: str
    partition: int
    offset: int
    attempts: int
    failures: int
    crashes: int
    started_at: float
    expires_in_seconds: float
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """The task is the caller's: call the model."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The task is the caller's, but too many workers died with it: end it without a call."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class Busy:
    """Another worker holds it; its lease ends in so many seconds unless it is renewed."""

    for_seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A retry is due in so many seconds; `attempts` were made, of which the model failed `failures`."""

    for_seconds: float
    attempts: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is final; its outcome is in the store and may have to be published again.

    `by_this_claim` says that its time had passed and nobody had noticed until then.
    """

    by_this_claim: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """The store has no such task, or an earlier run of it only, and the caller did not allow to make it anew."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Another worker held it, whose lease has lapsed, and the caller did not allow to take it over."""


class Skip(StrEnum):
    """Why a record is passed over: nothing is written, nothing published."""

    REFUSED = "refused"
    DELETED = "deleted"
    STALE_RUN = "stale"
    GONE = "gone"


_PLAIN_REPLIES: Mapping[str, Ended | Missing | Lapsed | Skip] = MappingProxyType(
    {
        "final": Ended(),
        "expired": Ended(by_this_claim=True),
        "missing": Missing(),
        "lapsed": Lapsed(),
        **{skip.value: skip for skip in Skip},
    }
)

ClaimReply = Claimed | Exhausted | Busy | Waiting | Ended | Missing | Lapsed | Skip


class Hold(StrEnum):
    """Whether the caller holds the task it moved."""

    HELD = "held"
    RELEASED = "released"
    LOST = "lost"
    FINAL = "final"
    DELETED = "deleted"


class Finish(StrEnum):
    """How an attempt to end a run was taken."""

    RECORDED = "recorded"
    OVERDUE = "overdue"
    LOST = "lost"
    FINAL = "final"
    DELETED = "deleted"


class MoreText(NamedTuple):
    """More of the text that the call of a claim gives: `content`, in UTF-8, after `start` bytes of it.

    `tokens` as received so far, `progress` in percent.
    """

    claim: Claim
    start: int
    content: bytes
    tokens: int
    progress: int


def claim_reply(reply: Reply, claim_of: Callable[..., Claim]) -> ClaimReply:
    """What a claim's script answered; `claim_of` makes the claim of what it counted."""
    word = reply_word(reply)
    if word in _PLAIN_REPLIES:
        return _PLAIN_REPLIES[word]
    numbers = [int(item) for item in reply[1:]]
    if word == "busy":
        return Busy(to_seconds(numbers[0]))
    if word == "waiting":
        return Waiting(to_seconds(numbers[0]), attempts=numbers[1], failures=numbers[2])
    attempts, failures, crashes, expires_in, started_at = numbers
    claim = claim_of(
        attempts=attempts,
        failures=failures,
        crashes=crashes,
        started_at=to_seconds(started_at),
        expires_in_seconds=to_seconds(expires_in),
    )
    return Claimed(claim) if word == "claimed" else Exhausted(claim)
