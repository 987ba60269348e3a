"""`/v1/operator/overview`, `/workers`, `/topics`: how the service is, and what is in Kafka."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from common.store.minutes import MOST_MINUTES
from common.topic_report import TopicReport
from producer_api.checked_route import CheckedRoute
from producer_api.errors import RefusedRequest, invalid
from producer_api.operator.describing import BAD_REQUEST, OPERATORS_ONLY, json_answer
from producer_api.operator.guard import Operator
from producer_api.operator.monitoring_schemas import MOST_RECORDS, OverviewView, RecordViews, TopicViews, WorkerViews
from producer_api.operator.opening import opened, refusing
from producer_api.operator.overview import overview_view, worker_view
from producer_api.operator.record_view import record_view
from producer_api.operator.tail import read_tail
from producer_api.state import ReadyParts
from producer_api.tasks.schemas import ErrorAnswer

_MOST_BYTES = 8 * 1024 * 1024
_NO_SUCH_TOPIC: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "This is no topic of ours, or it has no such partition."}
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
    minutes: Annotated[int, Query(ge=1, le=MOST_MINUTES, description="How far back the charts go.")] = 60,
) -> Response:
    """Workers, backlog and the last minutes in one look."""
    sums = await parts.minutes.read(now=time.time(), minutes=minutes)
    return json_answer(overview_view(await parts.workers.all(), sums, await parts.topic_look.backlog()))


async def workers(parts: ReadyParts) -> Response:
    """List the workers as each last said it is."""
    return json_answer({"workers": [worker_view(seen) for seen in await parts.workers.all()]})


async def topics(parts: ReadyParts) -> Response:
    """List the topics with partitions, offsets and lag."""
    async with refusing():
        reports = await parts.topic_look.reports()
    return json_answer(
        {"topics": [_topic_view(name, report) for name, report in zip(parts.topic_look.topics, reports, strict=True)]}
    )


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


def _topic_view(name: str, report: TopicReport | None) -> dict[str, Any]:
    if report is None:
        return {"topic": name, "exists": False}
    return {
        "topic": name,
        "exists": True,
        "replication": report.replication,
        "in_sync": report.in_sync,
        "records": report.records,
        "groups": [{"group": lag.group, "lag": lag.records, "members": lag.members} for lag in report.lags],
        "partitions": [
            {
                "partition": offsets.partition,
                "begin": offsets.begin,
                "end": offsets.end,
                "lag": {lag.group: lag.by_partition.get(offsets.partition, 0) for lag in report.lags},
            }
            for offsets in report.ranges
        ],
    }
