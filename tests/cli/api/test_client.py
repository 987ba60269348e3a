from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cli.addresses import ApiAddress
from cli.api.client import ApiClient, connected_api
from cli.api.patience import Patience
from cli.errors import CommandError
from cli.exit_codes import ExitCode
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
        connected_api(ApiAddress(api.url, "from the test"), said.append, patience) as client,
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


AMBIGUOUS = [Reply(cut=True), refusal(500, "a bug"), Reply(502, b"<html>"), Reply(504, b"")]


@pytest.mark.parametrize(
    "reply", [*AMBIGUOUS, refusal(409, "being written", "idempotency_key_in_use", Retry_After="0")]
)
async def test_a_submission_that_may_have_been_accepted_is_sent_again_under_its_key(reply: Reply) -> None:
    async with client_of(reply, reply, tasks("queued", status=202)) as (client, api, _said):
        assert [view.task_id for view in await client.submit(BODY, prompts=1)] == ["0"]
        assert api.requests == ["POST /v1/tasks"] * 3
        assert len(set(api.keys)) == 1
        assert api.keys[0]


@pytest.mark.parametrize("reply", AMBIGUOUS)
async def test_a_submission_without_an_answer_is_said_to_be_open(reply: Reply) -> None:
    async with client_of(reply, refusal(503, "away", Retry_After="9"), patience=BRIEF) as (client, _api, _said):
        with pytest.raises(CommandError, match="may be accepted or not") as caught:
            await client.submit(BODY, prompts=1)
        assert caught.value.exit_code == ExitCode.OUT_OF_REACH


async def test_a_submission_that_was_refused_each_time_is_not_said_to_be_open() -> None:
    async with client_of(refusal(503, "away", Retry_After="9"), patience=BRIEF) as (client, _api, _said):
        with pytest.raises(CommandError, match=r"does not answer: away \(some_code\)$"):
            await client.submit(BODY, prompts=1)


async def test_each_submission_has_a_key_of_its_own_and_reading_has_none() -> None:
    async with client_of(tasks("queued", status=202)) as (client, api, _said):
        await client.submit(BODY, prompts=1)
        await client.submit(BODY, prompts=1)
        await client.read(["0"])
        first, second, reading = api.keys
        assert first != second
        assert reading is None


async def test_a_key_that_stands_for_another_request_is_an_error() -> None:
    async with client_of(refusal(409, "Another request.", "idempotency_key_reused")) as (client, api, _said):
        with pytest.raises(CommandError, match=r"Another request\."):
            await client.submit(BODY, prompts=1)
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
    async with connected_api(ApiAddress(url, "from the test"), said.append, BRIEF) as client:
        with pytest.raises(
            CommandError, match=rf"{url} \(from the test\) does not answer: Connection refused"
        ) as caught:
            await client.read(["0"])
    assert caught.value.exit_code == ExitCode.OUT_OF_REACH
    assert said == [
        f"the API at {url} (from the test) does not answer: Connection refused; trying again for up to 0.6 s"
    ]


async def test_a_refused_request_is_one_line_with_the_number_among_all_prompts() -> None:
    body = {"error": {"message": "No role.", "type": "t", "param": "prompts[3].messages[0]", "code": "missing"}}
    async with client_of(Reply(400, body)) as (client, _api, _said):
        with pytest.raises(CommandError, match=r"^No role\. \(missing, prompt 504, messages\[0\]\)$") as caught:
            await client.submit(BODY, prompts=1, first=501)
        assert caught.value.exit_code == ExitCode.USAGE


async def test_a_refused_prompt_is_named_by_its_number_among_all_prompts() -> None:
    error = {"message": "Kafka did not take it.", "code": "not_written", "param": "prompts[1]"}
    entries = [{"task_id": "0", "status": "queued"}, {"task_id": None, "status": "failed", "error": error}]
    async with client_of(Reply(202, {"tasks": entries})) as (client, _api, _said):
        queued, refused = await client.submit(BODY, prompts=2, first=501)
        assert (queued.task_id, queued.error) == ("0", None)
        assert (refused.task_id, refused.error) == (None, "Kafka did not take it. (not_written, prompt 502)")


async def test_results_too_large_for_one_answer_are_read_in_halves() -> None:
    too_large = Reply(400, {"error": {"message": "Ask for fewer.", "code": "limit_exceeded"}})
    replies = (too_large, tasks("completed"), too_large, tasks("queued"), tasks("failed"))
    async with client_of(*replies) as (client, api, _said):
        assert [view.status for view in await client.read(["a", "b", "c"])] == ["completed", "queued", "failed"]
        asked = [request.partition("=")[2] for request in api.requests]
        assert asked == ["a,b,c", "a", "b,c", "b", "c"]


async def test_one_result_too_large_for_an_answer_is_an_error() -> None:
    too_large = Reply(400, {"error": {"message": "Ask for fewer.", "code": "limit_exceeded"}})
    async with client_of(too_large) as (client, _api, _said):
        with pytest.raises(CommandError, match="Ask for fewer"):
            await client.read(["a"])


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"<html>"), Reply(200, {"tasks": []}), Reply(404, b"nothing here"), Reply(302, b"", {"Location": "/"})],
)
async def test_another_servers_answer_is_said_to_be_one(reply: Reply) -> None:
    async with client_of(reply) as (client, _api, _said):
        with pytest.raises(CommandError, match="does not answer as Promptmill does") as caught:
            await client.read(["0"])
        assert caught.value.exit_code == ExitCode.USAGE


TASK_ID = "01a2058f-a149-70d4-86bf-f76ece198e15"
CANCELLED = Reply(200, {"task_id": TASK_ID, "status": "cancelled", "progress": 25})


@pytest.mark.parametrize(
    "reply", [Reply(cut=True), refusal(500, "a bug"), Reply(502, b"<html>"), refusal(503, "away", Retry_After="0")]
)
async def test_a_cancellation_is_repeated_whatever_broke(reply: Reply) -> None:
    async with client_of(reply, reply, CANCELLED) as (client, api, _said):
        view = await client.cancel(TASK_ID)
        assert (view.task_id, view.status) == (TASK_ID, "cancelled")
        assert api.requests == [f"POST /v1/tasks/{TASK_ID}/cancel"] * 3


async def test_a_task_that_the_api_does_not_know_is_not_found() -> None:
    unknown = Reply(404, {"error": {"message": "There is no such task.", "code": "task_not_found"}})
    async with client_of(unknown) as (client, _api, _said):
        view = await client.cancel(TASK_ID)
        assert (view.status, view.answer) == ("not_found", {"task_id": TASK_ID, "status": "not_found"})


async def test_what_is_no_id_is_not_found_and_not_asked_for() -> None:
    async with client_of(CANCELLED) as (client, api, _said):
        assert (await client.cancel("../tasks")).status == "not_found"
        assert api.requests == []


async def test_a_refused_cancellation_is_one_line() -> None:
    async with client_of(refusal(403, "Not yours")) as (client, _api, _said):
        with pytest.raises(CommandError, match="Not yours") as caught:
            await client.cancel(TASK_ID)
        assert caught.value.exit_code == ExitCode.USAGE
