from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cli.addresses import Address
from cli.api_client import ApiClient, connected_api
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.patience import Patience
from tests.cli.scripted_api import Reply, ScriptedApi, refusal, scripted_api, tasks

BODY = b'{"prompts":["x"]}'
BRIEF = Patience(first_seconds=0.6, outage_seconds=0.6)
LONG = Patience(first_seconds=60, outage_seconds=60)


@asynccontextmanager
async def client_of(
    *replies: Reply, patience: Patience = LONG
) -> AsyncIterator[tuple[ApiClient, ScriptedApi, list[str]]]:
    said: list[str] = []
    async with (
        scripted_api(*replies) as api,
        connected_api(Address(api.url, "from the test"), said.append, patience) as client,
    ):
        yield client, api, said


async def test_a_submission_is_sent_once_and_answered_in_order() -> None:
    async with client_of(tasks("queued", "queued", status=202)) as (client, api, said):
        assert [view.task_id for view in await client.submit(BODY, prompts=2)] == ["0", "1"]
        assert api.requests == ["POST /v1/tasks"]
        assert said == []


@pytest.mark.parametrize("status", [503, 429])
async def test_what_was_not_written_is_sent_again_when_the_api_says(status: int) -> None:
    busy = refusal(status, "Kafka is out of reach", Retry_After="0")
    async with client_of(busy, busy, tasks("queued", status=202)) as (client, api, said):
        await client.submit(BODY, prompts=1)
        assert len(api.requests) == 3
        where = f"the API at {api.url} (from the test)"
        assert said == [
            f"{where} does not answer: Kafka is out of reach (some_code); trying again for up to 60 s",
            f"{where} answers again",
        ]


@pytest.mark.parametrize("reply", [Reply(cut=True), refusal(500, "a bug"), Reply(502, b"<html>"), Reply(504, b"")])
async def test_a_submission_that_may_have_been_accepted_is_not_sent_again(reply: Reply) -> None:
    async with client_of(reply) as (client, api, _said):
        with pytest.raises(CommandError, match="these may be accepted or not") as caught:
            await client.submit(BODY, prompts=1)
        assert caught.value.exit_code == ExitCode.OUT_OF_REACH
        assert len(api.requests) == 1


@pytest.mark.parametrize(
    "reply", [Reply(cut=True), refusal(500, "a bug"), Reply(502, b"<html>"), refusal(503, "away", Retry_After="0")]
)
async def test_reading_is_repeated_whatever_broke(reply: Reply) -> None:
    async with client_of(reply, reply, tasks("completed")) as (client, _api, _said):
        (view,) = await client.read(["0"])
        assert view.result == "r"


async def test_an_outage_is_waited_for_only_so_long() -> None:
    async with client_of(refusal(503, "Redis is out of reach"), patience=BRIEF) as (client, api, _said):
        with pytest.raises(CommandError, match="does not answer: Redis is out of reach") as caught:
            await client.read(["0"])
        assert caught.value.exit_code == ExitCode.OUT_OF_REACH
        assert len(api.requests) > 1


async def test_nobody_at_the_address_is_said_with_the_reason() -> None:
    async with scripted_api(tasks()) as gone:
        url = gone.url
    said: list[str] = []
    async with connected_api(Address(url, "from the test"), said.append, BRIEF) as client:
        with pytest.raises(
            CommandError, match=rf"{url} \(from the test\) does not answer: Connection refused"
        ) as caught:
            await client.read(["0"])
    assert caught.value.exit_code == ExitCode.OUT_OF_REACH
    assert said == [
        f"the API at {url} (from the test) does not answer: Connection refused; trying again for up to 0.6 s"
    ]


async def test_a_refused_request_is_one_line_of_the_apis_own() -> None:
    body = {"error": {"message": "prompts[3] is too long", "type": "t", "param": "prompts[3]", "code": "too_long"}}
    async with client_of(Reply(400, body)) as (client, _api, _said):
        with pytest.raises(CommandError, match=r"^prompts\[3\] is too long \(too_long, prompts\[3\]\)$") as caught:
            await client.submit(BODY, prompts=1)
        assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"<html>"), Reply(200, {"tasks": []}), Reply(404, b"nothing here"), Reply(302, b"", {"Location": "/"})],
)
async def test_another_servers_answer_is_said_to_be_one(reply: Reply) -> None:
    async with client_of(reply) as (client, _api, _said):
        with pytest.raises(CommandError, match="does not answer as Promptmill does") as caught:
            await client.read(["0"])
        assert caught.value.exit_code == ExitCode.USAGE
