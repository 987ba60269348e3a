"""OpenAI's client in both versions, and one by somebody else, unmodified, against two APIs as they run."""

from pathlib import Path
from typing import Any

import pytest

from common.task import parse_task_id
from tests.e2e.openai_compat.conftest import Shared
from tests.e2e.openai_compat.sdk_responses import STREAMED, WORDS
from tests.support.api import Api
from tests.support.fake_model import Outcome
from tests.support.openai_sdk import SDK_VERSIONS, run_sdk
from tests.support.waiting import until

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
async def other(shared: Shared) -> Api:
    """A second API."""
    return await shared.deployment.start_api()


@pytest.fixture(scope="module", params=SDK_VERSIONS)
async def seen(request: pytest.FixtureRequest, shared: Shared, other: Api) -> Any:
    """What the client of that version got."""
    await shared.model.forget_calls()
    seen = await run_sdk(request.param, HERE / "sdk_responses.py", f"{shared.api.url}/v1", f"{other.url}/v1")
    assert seen["version"].startswith(f"{request.param}.")
    return seen


async def test_one_in_the_background_is_polled_to_its_text(seen: Any, shared: Shared) -> None:
    polled = dict(seen["polled"])
    task = await shared.api.task(parse_task_id(polled.pop("id")) or "")
    assert task["result"] == polled["text"]
    assert polled == {
        "first": "queued", "status": "completed", "text": f"echo: {WORDS}", "metadata": {"customer": "42"},
        "instructions": "be brief", "total_tokens": 81,
    }  # fmt: skip


def test_a_stream_that_is_cut_goes_on_at_another_api(seen: Any) -> None:
    resumed = dict(seen["resumed"])
    assert resumed.pop("more") > 4
    assert resumed == {
        "text": f"echo: {STREAMED}", "final": f"echo: {STREAMED}", "in_order": True,
        "types": [
            "created", "queued", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
            "output_text.done", "content_part.done", "output_item.done", "completed",
        ],
    }  # fmt: skip


def test_a_stream_is_put_together_by_the_client_itself(seen: Any) -> None:
    assert (seen["put_together"], seen["waited"]) == ("echo: put together", "echo: waited for")


async def test_cancelling_twice_is_cancelling_once(seen: Any, shared: Shared) -> None:
    assert seen["cancelled_twice"] == ["cancelled", "cancelled"]

    async def nobody_is_asked() -> bool:
        calls = await shared.model.calls(prompt="to cancel [[hang]]")
        return all(call.outcome is Outcome.CLIENT_DISCONNECTED for call in calls)

    await until(nobody_is_asked)


def test_it_is_deleted(seen: Any) -> None:
    assert seen["deleted"] == [["message"], "NotFoundError"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bad_request", ("BadRequestError", 400, "bananas", None)),
        ("unsupported", ("BadRequestError", 400, "unsupported_value", "previous_response_id")),
        ("cancel_synchronous", ("BadRequestError", 400, "synchronous_response", None)),
        ("server_error", ("InternalServerError", 502, "model_error", None)),
    ],
)
def test_errors_have_their_class(seen: Any, name: str, expected: tuple[Any, ...]) -> None:
    error = seen[name]
    assert (error["class"], error["status"], error["code"], error["param"]) == expected
    assert error["request_id"]


async def test_a_client_that_polls_for_its_users_works(shared: Shared) -> None:
    await shared.model.forget_calls()
    seen = await run_sdk("2", HERE / "sdk_autobatcher.py", f"{shared.api.url}/v1")
    assert seen["chats"] == [f"echo: chat {number}" for number in range(10)]
    assert (seen["finish_reasons"], seen["tokens"]) == (["stop"], [5])
    assert seen["response"] == "echo: a response"
    assert "terminal status failed" in seen["failure"]
    [call] = await shared.model.calls(prompt="chat 0")
    assert (call.body["seed"], call.body["max_completion_tokens"], call.body["service_tier"]) == (7, 50, "flex")
