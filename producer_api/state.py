"""What requests find ready-made."""

from dataclasses import dataclass
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request

from common.openai.native import NativeModels
from common.settings import TaskSettings
from common.store.attempts import PastAttempts
from common.store.models import KnownModels
from common.store.texts import Texts
from common.topics import TopicNames
from producer_api.allowed_hosts import AllowedHosts
from producer_api.budget import Budget
from producer_api.following import Following
from producer_api.idempotency import IdempotentSubmission
from producer_api.intake import Intake
from producer_api.metrics import FollowingMetrics, Metrics
from producer_api.openai_compat.task_story import Stories
from producer_api.operator.letter_log import LetterLog
from producer_api.operator.monitoring import Monitoring
from producer_api.operator.redrive import Redrive
from producer_api.operator.retry import Retry
from producer_api.operator.topic_look import TopicLook
from producer_api.operator.watches import Watches
from producer_api.probes import Readiness
from producer_api.request_log import RequestLog
from producer_api.settings import ApiSettings
from producer_api.submission import Submission
from producer_api.tasks.endings import TaskEndings
from producer_api.tasks.listing import Listing
from producer_api.tasks.lookup import Lookup
from producer_api.tasks.waiting import Waiting
from producer_api.tracing import RequestTraces


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one process, shared by all requests."""

    settings: ApiSettings
    allowed_hosts: AllowedHosts
    tasks: TaskSettings
    submission: Submission
    idempotent_submission: IdempotentSubmission
    lookup: Lookup
    listing: Listing
    intake: Intake
    texts: Texts
    following: Following
    following_metrics: FollowingMetrics
    waiting: Waiting
    stories: Stories
    models: KnownModels
    request_log: RequestLog
    native_models: NativeModels
    endings: TaskEndings
    budget: Budget
    metrics: Metrics
    readiness: Readiness
    traces: RequestTraces | None
    letter_log: LetterLog
    redrive: Redrive
    topic_look: TopicLook
    retry: Retry
    past_attempts: PastAttempts
    names: TopicNames
    monitoring: Monitoring
    watches: Watches


class State(TypedDict):
    """What the lifespan yields: `request.state` has these."""

    parts: Parts


def parts_of(request: Request) -> Parts:
    """The parts of the process that serves the request."""
    return cast("Parts", request.state.parts)


async def _ready_parts(request: Request) -> Parts:
    return parts_of(request)


ReadyParts = Annotated[Parts, Depends(_ready_parts)]
