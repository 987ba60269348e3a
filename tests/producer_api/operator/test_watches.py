"""Looking on: events of the operators' views, by the API process on real servers."""

import asyncio

import pytest
from pydantic import BaseModel

from common.store.scripts import StoreUnavailable
from producer_api.kafka_link import KafkaUnavailable
from producer_api.operator.letter_log import LogBusy
from producer_api.operator.monitoring_schemas import OverviewView, TopicViews, WorkerViews
from producer_api.operator.watches import read_event
from tests.support.api import Api
from tests.support.events import Events, following

VIEWS: dict[str, type[BaseModel]] = {"overview": OverviewView, "workers": WorkerViews, "topics": TopicViews}


@pytest.mark.parametrize("name", VIEWS)
async def test_a_view_comes_at_once_and_again_and_again(api: Api, name: str) -> None:
    async with asyncio.timeout(60), following(api, f"/v1/operator/{name}/events") as events:
        for _ in range(2):
            event = await events.next()
            assert (event.name, event.id) == (name, "")
            VIEWS[name].model_validate(event.data)


async def test_the_overview_tells_of_what_is_accepted_while_one_looks(api: Api) -> None:
    async def accepted(events: Events) -> int:
        return OverviewView.model_validate((await events.next()).data).window.accepted

    async with asyncio.timeout(60), following(api, "/v1/operator/overview/events") as events:
        before = await accepted(events)
        await api.submit(["a prompt"] * 3)
        while await accepted(events) < before + 3:
            pass


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("gone"), "store_unavailable"),
        (KafkaUnavailable("gone"), "queue_unavailable"),
        (LogBusy(), "overloaded"),
    ],
)
async def test_what_cannot_be_read_is_told_as_such(error: Exception, code: str) -> None:
    async def view() -> dict[str, object]:
        raise error

    event = await read_event("topics", view)
    assert event.startswith(b'event: unavailable\ndata: {"error":{')
    assert f'"code":"{code}"'.encode() in event


async def test_a_parameter_is_refused(api: Api) -> None:
    answer = await api.ask("GET", "/v1/operator/overview/events?minutes=5")
    assert (answer.status, answer.body["error"]["code"]) == (400, "unknown_parameter")
