"""What requests find ready-made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request

from common.settings import TaskSettings
from producer_api.budget import Budget
from producer_api.metrics import Metrics
from producer_api.settings import ApiSettings
from producer_api.submission import Submission
from producer_api.tasks.lookup import Lookup

# Reasons why not, none when all is well.
Probe = Callable[[], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one process, shared by all requests."""

    settings: ApiSettings
    tasks: TaskSettings
    submission: Submission
    lookup: Lookup
    budget: Budget
    metrics: Metrics
    liveness: Probe
    readiness: Probe


class State(TypedDict):
    """What the lifespan yields: `request.state` has these."""

    parts: Parts


async def _parts_of(request: Request) -> Parts:
    return cast("Parts", request.state.parts)


ReadyParts = Annotated[Parts, Depends(_parts_of)]
