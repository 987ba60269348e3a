"""What models are asked for tasks of `/v1/responses`, and what is kept of their answers: against a real server."""

from typing import Any

import orjson
import pytest
from openai.types.responses import Response

from common.openai.ids import response_id
from common.result import decode_result
from common.store.state import TaskState
from common.task import Status, Task
from tests.consumer.llm.harness import Scene, a_task
from tests.support.fake_model import FakeModel

RESPONSES = "/v1/responses"
TRANSLATED, NATIVE = "some-model", "native-model"


def a_response_task(prompt: str = "hello", **fields: Any) -> Task:
    body = {"model": TRANSLATED, "input": prompt, "background": True, "metadata": {"k": "v"}, **fields}
    return a_task(endpoint=RESPONSES, body=body, stream=body.get("stream") is True)


def record_of(state: TaskState) -> dict[str, Any]:
    assert state.result is not None
    return decode_result(state.result)


async def ended(scene: Scene, task: Task, **options: Any) -> TaskState:
    await scene.whole()
    await scene.accept(task)
    await scene.worker(**options).handle(task)
    return await scene.state(task)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("model", "path"), [(TRANSLATED, "/v1/chat/completions"), (NATIVE, RESPONSES)])
async def test_the_answer_is_kept_as_a_response_of_ours(
    scene: Scene, fake_model: FakeModel, model: str, path: str, *, streamed: bool
) -> None:
    task = a_response_task("hello", model=model, stream=streamed, instructions="be brief")
    state = await ended(scene, task)
    assert state.status is Status.COMPLETED
    record = record_of(state)
    read = Response.model_validate(record["response"]["body"])
    assert (read.id, read.status, read.output_text) == (response_id(task.task_id), "completed", "echo: hello")
    assert (read.background, read.metadata, read.instructions) == (True, {"k": "v"}, "be brief")
    assert (read.model, read.created_at) == (model, int(task.created_at))
    assert read.usage is not None
    assert (read.usage.input_tokens, read.usage.output_tokens) == (1, 2)
    assert record["usage"] == record["response"]["body"]["usage"]
    [call] = await fake_model.calls()
    assert call.path == path
    assert call.body.get("stream", False) is streamed


async def test_a_model_that_has_responses_gets_the_request_itself(scene: Scene, fake_model: FakeModel) -> None:
    asked = {"model": NATIVE, "previous_response_id": "resp_1", "tools": [{"type": "web_search"}], "store": True}
    await ended(scene, a_response_task("hello", **asked))
    [call] = await fake_model.calls()
    assert call.body == {"input": "hello", **asked, "store": False}


async def test_a_request_that_cannot_be_translated_fails_and_asks_nobody(scene: Scene, fake_model: FakeModel) -> None:
    state = await ended(scene, a_response_task("hello", previous_response_id="resp_1"))
    assert state.status is Status.FAILED
    error = record_of(state)["error"]
    assert (error["param"], error["type"]) == ("previous_response_id", "invalid_request_error")
    assert await fake_model.calls() == []


async def test_a_response_that_is_more_than_may_be_kept_is_too_large(scene: Scene) -> None:
    state = await ended(scene, a_response_task("hello", instructions="x" * 2000), max_answer_bytes=2000)
    assert state.status is Status.FAILED
    assert record_of(state)["error"]["code"] == "result_too_large"


async def test_other_tasks_are_asked_and_kept_as_they_are(scene: Scene, fake_model: FakeModel) -> None:
    state = await ended(scene, a_task("hello"))
    [call] = await fake_model.calls()
    assert call.path == "/v1/chat/completions"
    assert record_of(state)["response"]["body"]["object"] == "chat.completion"
    assert orjson.dumps(call.body["messages"]) == orjson.dumps([{"role": "user", "content": "hello"}])
