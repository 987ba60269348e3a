"""What is written to the queue for OpenAI's requests, and what is refused before that."""

from typing import Any

import orjson
import pytest

from common.task import Lane
from producer_api.batch import MAX_PROMPT_LEVELS
from tests.producer_api.conftest import DEADLINE_SECONDS, MAX_PROMPT_BYTES, Service
from tests.producer_api.test_submitting import written
from tests.support.api import Answer, Api
from tests.support.kafka_view import KafkaView

HERON = "the heron stands in cold water"
MESSAGES = [{"role": "user", "content": HERON}]
CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
NOT_WAITED_FOR = {"Prefer": "respond-async", "content-type": "application/json"}


async def post(api: Api, path: str, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await api.ask("POST", path, data=content, headers={**NOT_WAITED_FOR, **headers})


@pytest.mark.parametrize(
    ("path", "body", "stream", "metadata"),
    [
        (CHAT, {"model": "m", "messages": MESSAGES, "future_field": {"x": [1, None]}}, False, {}),
        (CHAT, {"messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}, True, {}),
        (CHAT, {"messages": MESSAGES, "metadata": {"a": "b"}, "stream": None, "model": None}, False, {"a": "b"}),
        (EMBEDDINGS, {"model": "m", "input": [[1, 2], [3]], "encoding_format": "base64"}, False, {}),
    ],
)
async def test_the_body_is_written_as_it_came(
    api: Api, kafka_view: KafkaView, *, path: str, body: dict[str, Any], stream: bool, metadata: dict[str, str]
) -> None:
    answer = await post(api, path, body)
    assert answer.status == 202, answer
    task_id = answer.body["task_id"]
    [task] = await written(kafka_view, [task_id])
    assert (task.endpoint, task.body, task.stream) == (path, body, stream)
    assert (task.lane, task.metadata) == (Lane.INTERACTIVE, metadata)
    assert task.expires_at - task.created_at == pytest.approx(DEADLINE_SECONDS)
    assert (await api.task(task_id))["status"] == "queued"


def nested(levels: int) -> bytes:
    return b'{"messages": [{"role": "user"}], "x": ' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        (CHAT, [], None, "invalid_type"),
        (CHAT, b"{", None, "invalid_json"),
        (CHAT, {}, "messages", "missing_required_parameter"),
        (CHAT, {"messages": HERON}, "messages", "invalid_type"),
        (CHAT, {"messages": []}, "messages", "invalid_value"),
        (CHAT, {"messages": [HERON]}, "messages[0]", "invalid_type"),
        (CHAT, {"messages": [{"content": HERON}]}, "messages[0].role", "missing_required_parameter"),
        (CHAT, {"messages": MESSAGES, "model": 5}, "model", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "stream": "yes"}, "stream", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "stream_options": [HERON]}, "stream_options", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "metadata": {"a": 5}}, "metadata", "invalid_type"),
        (CHAT, {"messages": MESSAGES, "x": "x" * MAX_PROMPT_BYTES}, None, "limit_exceeded"),
        (CHAT, nested(MAX_PROMPT_LEVELS), None, "invalid_value"),
        (EMBEDDINGS, HERON, None, "invalid_type"),
        (EMBEDDINGS, {"model": "m"}, "input", "missing_required_parameter"),
        (EMBEDDINGS, {"model": "m", "input": {"text": HERON}}, "input", "invalid_type"),
        (EMBEDDINGS, {"model": "m", "input": ""}, "input", "invalid_value"),
        (EMBEDDINGS, {"model": "m", "input": []}, "input", "invalid_value"),
        (EMBEDDINGS, {"model": "", "input": HERON}, "model", "invalid_value"),
    ],
)
async def test_what_is_no_request_is_refused_and_not_repeated(
    api: Api, path: str, body: Any, param: str | None, code: str
) -> None:
    answer = await post(api, path, body)
    error = answer.body["error"]
    assert (answer.status, error["type"], error["param"], error["code"]) == (400, "invalid_request_error", param, code)
    assert HERON not in error["message"]
    assert "x-promptmill-task-id" not in answer.headers


async def test_a_body_that_is_not_announced_as_json_is_refused(api: Api) -> None:
    answer = await post(api, CHAT, {"messages": MESSAGES}, **{"content-type": "text/plain"})
    assert (answer.status, answer.body["error"]["code"]) == (415, "unsupported_media_type")


async def test_no_request_of_openai_s_reaches_the_log_at_any_level(service: Service, api: Api) -> None:
    secret = "a kingfisher nobody may hear of"
    chat = {"messages": [{"role": "user", "content": secret}], "metadata": {"note": secret}, "model": secret}
    for path, body in ((CHAT, chat), (EMBEDDINGS, {"input": secret, "model": secret})):
        assert (await post(api, path, body)).status == 202
    log = service.process.log()
    assert f'"route":"{CHAT}"' in log
    assert secret not in log


async def test_there_are_no_models_while_no_worker_told_of_one(api: Api) -> None:
    listed = await api.ask("GET", "/v1/models")
    assert (listed.status, listed.body) == (200, {"object": "list", "data": []})
    missing = await api.ask("GET", f"/v1/models/{HERON}")
    assert (missing.status, missing.body["error"]["code"]) == (404, "model_not_found")
    assert HERON not in missing.body["error"]["message"]
