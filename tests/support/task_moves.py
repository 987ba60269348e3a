"""The moves of a task and where each leads, as its diagram has them: what the store is compared with."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from common.task import Status


class Move(StrEnum):
    """What can happen to a task."""

    CLAIM = "claim"
    RETRY = "retry"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REDRIVE = "redrive"


_LEGAL: Mapping[tuple[Status, Move], Status] = MappingProxyType(
    {
        (Status.QUEUED, Move.CLAIM): Status.PROCESSING,
        (Status.QUEUED, Move.CANCEL): Status.CANCELLED,
        (Status.QUEUED, Move.EXPIRE): Status.EXPIRED,
        # A lapsed lease is claimed again by another worker.
        (Status.PROCESSING, Move.CLAIM): Status.PROCESSING,
        (Status.PROCESSING, Move.RETRY): Status.QUEUED,
        (Status.PROCESSING, Move.COMPLETE): Status.COMPLETED,
        (Status.PROCESSING, Move.FAIL): Status.FAILED,
        (Status.PROCESSING, Move.CANCEL): Status.CANCELLED,
        (Status.PROCESSING, Move.EXPIRE): Status.EXPIRED,
        # Run n+1 of the same id.
        (Status.COMPLETED, Move.REDRIVE): Status.QUEUED,
        (Status.FAILED, Move.REDRIVE): Status.QUEUED,
        (Status.CANCELLED, Move.REDRIVE): Status.QUEUED,
        (Status.EXPIRED, Move.REDRIVE): Status.QUEUED,
    }
)


def after(status: Status, move: Move) -> Status | None:
    """The status that `move` leads to from `status`, or None where the move is not legal."""
    return _LEGAL.get((status, move))
