"""`/v1/operator/overview`, `/workers`, `/topics`: how the service is, and what is in Kafka."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from common.store.minutes import MOST_MINUTES
from producer_api.checked_route import CheckedRoute
from producer_api.errors import RefusedRequest, invalid
from producer_api.operator.describing import BAD_REQUEST, OPERATORS_ONLY, json_answer
from producer_api.operator.guard import Operator
from producer_api.operator.monitoring import MINUTES_SHOWN
from producer_api.operator.monitoring_schemas import MOST_RECORDS, OverviewView, RecordViews, TopicViews, WorkerViews
from producer_api.operator.opening import opened, refusing
from producer_api.operator.record_view import record_view
from producer_api.operator.tail import read_tail
from producer_api.operator.watch_response import WatchResponse
from producer_api.state import ReadyParts
from producer_api.tasks.schemas import ErrorAnswer

_MOST_BYTES = 8 * 1024 * 1024
_NO_SUCH_TOPIC: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "This is no topic of ours, or it has no such partition."}
}
_EVENTS: dict[str, Any] = {
    "description": "Events, each the whole view in `data`; `unavailable` with an `error` while it cannot be read.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def monitoring_routes() -> APIRouter:
    """The routes that only look."""
    router = APIRouter(
        prefix="/v1/operator",
        tags=["operator"],
        dependencies=[Operator],
        responses={**OPERATORS_ONLY, **BAD_REQUEST},
        route_class=CheckedRoute,
    )
    router.add_api_route("/overview", overview, methods=["GET"], response_model=OverviewView)
    router.add_api_route("/workers", workers, methods=["GET"], response_model=WorkerViews)
    router.add_api_route("/topics", topics, methods=["GET"], response_model=TopicViews)
    for path, follow in (("overview", follow_overview), ("workers", follow_workers), ("topics", follow_topics)):
        router.add_api_route(
            f"/{path}/events", follow, methods=["GET"], response_class=Response, responses={200: _EVENTS}
        )
    router.add_api_route(
        "/topics/{topic}/records",
        newest_records,
        methods=["GET"],
        response_model=RecordViews,
        responses=_NO_SUCH_TOPIC,
    )
    return router


async def overview(
    parts: ReadyParts,
    *,
    minutes: Annotated[int, Query(ge=1, le=MOST_MINUTES, description="How far back the charts go.")] = MINUTES_SHOWN,
) -> Response:
    """Workers, backlog and the last minutes in one look."""
    return json_answer(await parts.monitoring.overview(minutes))


async def workers(parts: ReadyParts) -> Response:
    """List the workers as each last said it is."""
    return json_answer(await parts.monitoring.workers())


async def topics(parts: ReadyParts) -> Response:
    """List the topics with partitions, offsets and lag."""
    async with refusing():
        return json_answer(await parts.monitoring.topics())


async def follow_overview(parts: ReadyParts) -> Response:
    """Look on at the overview: the last hour as it is, then every two seconds, as server-sent events."""
    return WatchResponse(parts.watches.overview)


async def follow_workers(parts: ReadyParts) -> Response:
    """Look on at the workers: as they are, then every two seconds, as server-sent events."""
    return WatchResponse(parts.watches.workers)


async def follow_topics(parts: ReadyParts) -> Response:
    """Look on at the topics: as they are, then every two seconds, as server-sent events."""
    return WatchResponse(parts.watches.topics)


async def newest_records(
    parts: ReadyParts,
    topic: Annotated[str, Path(description="A topic's name, as the list has it.")],
    *,
    partition: Annotated[int | None, Query(ge=0, description="Only of this one.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=MOST_RECORDS, description="Of several partitions, equally many of each.")
    ] = 20,
    content: Annotated[bool, Query(description="Also the values, which may be somebody's prompts.")] = False,
) -> Response:
    """Show a topic's newest records."""
    if topic not in parts.topic_look.topics:
        message = "This is no topic of ours. GET /v1/operator/topics lists them."
        raise RefusedRequest(404, message, code="topic_not_found", param="topic")
    async with opened(parts.letter_log) as log:
        known = sorted(await log.partitions_of(topic))
        if partition is not None and partition not in known:
            raise invalid(f"The topic has {len(known)} partitions, counted from 0.", param="partition")
        asked = known if partition is None else [partition]
        tail = await read_tail(log.reader, topic, asked, limit=limit, max_bytes=_MOST_BYTES)
    return json_answer(
        {"records": [record_view(record, with_value=content) for record in tail.records], "is_cut": tail.is_cut}
    )
