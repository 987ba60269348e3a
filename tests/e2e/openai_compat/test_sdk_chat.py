"""OpenAI's client, unmodified, in both versions, against everything as it runs."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.openai_compat.conftest import Shared
from tests.e2e.openai_compat.sdk_chat import WORDS
from tests.support.openai_sdk import SDK_VERSIONS, run_sdk

PROMPTS = {
    "bad_request": "[[status=400;error-code=bananas]] one",
    "not_found": "[[error-code=model_not_found]] one",
    "unprocessable": "[[status=422]] one",
    "server_error": "[[status=500]] one",
    "garbage": "[[garbage]] one",
    "unavailable": "[[status=503]] one",
}

PROGRAM = Path(__file__).with_name("sdk_chat.py")


@pytest.fixture(scope="module", params=SDK_VERSIONS)
async def seen(request: pytest.FixtureRequest, shared: Shared) -> Any:
    """What the client of that version got."""
    await shared.model.forget_calls()
    seen = await run_sdk(request.param, PROGRAM, f"{shared.api.url}/v1")
    assert seen["version"].startswith(f"{request.param}.")
    return {**seen, "calls": await shared.model.calls_by_prompt()}


async def test_a_chat_is_answered_in_one_piece_and_is_a_task(seen: Any, shared: Shared) -> None:
    plain = dict(seen["plain"])
    task = await shared.api.task(plain.pop("task_id"))
    assert plain == {"text": f"echo: {WORDS}", "finish_reason": "stop", "usage": 81}
    assert (task["status"], task["lane"], task["result"]) == ("completed", "interactive", plain["text"])
    assert task["metadata"] == {"customer": "42"}


def test_a_chat_is_answered_in_chunks_as_it_comes(seen: Any) -> None:
    streamed = dict(seen["streamed"])
    assert streamed.pop("pieces") >= 4
    assert streamed == {
        "text": f"echo: {WORDS} [[chunk-latency=0.02]]", "roles": ["assistant"], "finish_reasons": ["stop"],
        "usages": [83], "ids": 1, "model": "fake-model",
    }  # fmt: skip
    assert seen["put_together"] == "echo: put together"


def test_texts_are_embedded(seen: Any) -> None:
    assert seen["embeddings"] == {"sizes": [4, 4], "alike": True, "tokens": 4}


def test_the_models_are_those_of_the_workers(seen: Any) -> None:
    assert seen["models"] == {"names": ["fake-model"], "one": "fake-model", "missing": "model_not_found"}


@pytest.mark.parametrize(
    ("name", "kind", "status", "code", "calls"),
    [
        ("bad_request", "BadRequestError", 400, "bananas", 1),
        ("not_found", "NotFoundError", 404, "model_not_found", 1),
        ("unprocessable", "UnprocessableEntityError", 422, None, 1),
        ("server_error", "InternalServerError", 502, "model_error", 2),
        ("unavailable", "InternalServerError", 502, "model_error", 2),
        ("garbage", "InternalServerError", 502, "malformed_answer", 2),
    ],
)
def test_every_failure_has_its_class_and_is_paid_for_by_the_queue_alone(  # noqa: PLR0917 - one row
    seen: Any, name: str, kind: str, status: int, code: str | None, calls: int
) -> None:
    error = seen[name]
    assert (error["class"], error["status"], error["code"]) == (kind, status, code)
    assert error["request_id"]
    assert error["task_id"]
    # The client asks again by itself unless it is told not to: here the queue has.
    assert seen["calls"][PROMPTS[name]] == calls


def test_what_is_no_request_is_refused_before_it_is_a_task(seen: Any) -> None:
    error = seen["no_messages"]
    assert (error["class"], error["param"], error["task_id"]) == ("BadRequestError", "messages", None)


def test_a_key_stands_for_one_task_and_for_one_request(seen: Any) -> None:
    first, again, other = seen["key_reused"]
    assert first == again
    assert (other["class"], other["code"], other["task_id"]) == ("ConflictError", "idempotency_key_reused", None)
    assert seen["calls"]["first"] == 1
    assert "second" not in seen["calls"]


def test_a_failure_before_the_first_chunk_has_its_class_too(seen: Any) -> None:
    assert seen["streamed_error"] == {"class": "BadRequestError", "code": "bananas"}
