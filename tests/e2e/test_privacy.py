"""Prompts, answers and keys marked in a full run at DEBUG: they are in no log, no metric, no trace and no error."""

from typing import Any

import orjson

from tests.support.api import Answer, Api
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.otlp_receiver import OtlpReceiver, receiving_traces
from tests.support.waiting import until

PROMPT = "a kingfisher nobody may read about"
KEYS = {
    "client": "sk-client-heron-1234567890",
    "model": "sk-model-bittern-1234567890",
    "operator": "operator-egret-1234567890",
    "receiver": "receiver-ibis-1234567890",
    "idempotency": "again-stork-1234567890",
}
CHAT = {
    "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": PROMPT}],
    "user": PROMPT,
    "metadata": {"note": PROMPT},
    "tools": [{"type": "function", "function": {"name": "look", "description": PROMPT, "parameters": {}}}],
}


def marks() -> list[bytes]:
    return [text.encode() for text in (PROMPT, *KEYS.values())]


class Client:
    """Asks as a client with a key does, and keeps every error that it is answered."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.errors: list[Answer] = []

    async def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> Answer:
        own = {"authorization": f"Bearer {KEYS['client']}", **(headers or {})}
        answer = await self._api.ask(method, path, headers=own, **request)
        if answer.status >= 400:
            self.errors.append(answer)
        return answer

    async def submit(self, *prompts: object, **fields: object) -> list[str]:
        answer = await self.ask("POST", "/v1/tasks", json={"prompts": prompts, **fields})
        assert answer.status == 202, answer
        return [entry["task_id"] for entry in answer.body["tasks"]]


async def good_and_bad_endings(client: Client, api: Api, model: FakeModel) -> list[dict[str, Any]]:
    """Tasks of every kind, and what is told of those that failed."""
    task_ids = await client.submit(PROMPT, CHAT, f"{PROMPT} [[fail=1]]", model="some-model")
    # What is no model's name is somebody's word, and may be anything.
    task_ids += await client.submit(PROMPT, model=PROMPT, stream=True)
    for directive in ("status=400", "garbage", "unreadable", "wrong-shape", "cut", "status=503"):
        task_ids += await client.submit(f"{PROMPT} [[{directive}]]")
    key = {"idempotency-key": KEYS["idempotency"]}
    for prompt in (PROMPT, PROMPT, f"{PROMPT} but another"):
        await client.ask("POST", "/v1/tasks", json={"prompts": [prompt]}, headers=key)
    await client.ask("POST", "/v1/responses", json={"input": PROMPT, "model": "m", "instructions": PROMPT})
    await client.ask("POST", "/v1/chat/completions", json={"model": "m", "messages": CHAT["messages"]})
    [hanging] = await client.submit(f"{PROMPT} [[hang]]")
    await model.wait_for_in_flight(1)
    await client.ask("POST", f"/v1/tasks/{hanging}/cancel")
    await client.ask("DELETE", f"/v1/tasks/{hanging}")
    entries = await api.wait_until_final(task_ids)
    assert {entry["status"] for entry in entries} == {"completed", "failed"}
    return [entry["error"] for entry in entries if entry["error"]]


async def refusals(client: Client) -> None:
    """Requests that cannot be taken."""
    for body in (
        {"prompts": [PROMPT], "lane": PROMPT},
        {"prompts": [{"messages": PROMPT}]},
        {"prompts": [PROMPT], "deadline_seconds": PROMPT},
        {"prompts": PROMPT},
        {"prompts": [PROMPT, None]},
        {"prompts": [f"{PROMPT} " * 1_000]},
        PROMPT,
    ):
        answer = await client.ask("POST", "/v1/tasks", json=body)
        assert answer.status == 400, (body, answer)
    broken = orjson.dumps({"prompts": [PROMPT]})[:-1]
    for content_type in ("application/json", "text/plain"):
        await client.ask("POST", "/v1/tasks", data=broken, headers={"content-type": content_type})
    await client.ask("POST", "/v1/tasks", json={"prompts": [PROMPT]}, headers={"traceparent": PROMPT})
    await client.ask("GET", "/v1/tasks", params={"task_ids": PROMPT, "wait": PROMPT})
    await client.ask("GET", f"/v1/tasks/{PROMPT}")
    await client.ask("GET", f"/{PROMPT}")
    await client.ask("PATCH", f"/v1/tasks?q={PROMPT}")
    await client.ask("POST", "/v1/responses", json={"input": {"text": PROMPT}})
    await client.ask("POST", "/v1/chat/completions", json={"messages": PROMPT})
    await client.ask("GET", "/v1/operator/dead-letters", headers={"authorization": f"Bearer {KEYS['client']}"})


async def test_what_was_asked_and_who_may_is_told_to_nobody(deployment: Deployment, fake_model: FakeModel) -> None:
    await fake_model.behave(error_message=f"{PROMPT} is no prompt")
    async with receiving_traces() as receiver:
        common = {
            "log__level": "debug",
            "tracing__endpoint": receiver.url,
            "tracing__headers": f"x-key={KEYS['receiver']}",
        }
        api = await deployment.start_api(api__operator_token=KEYS["operator"], api__max_prompt_bytes=20_000, **common)
        await deployment.start_worker(
            concurrency=3, llm__api_key=KEYS["model"], llm__retry_base_seconds=0.01, tasks__max_attempts=2, **common
        )
        client = Client(api)
        errors = await good_and_bad_endings(client, api, fake_model)
        await refusals(client)
        letters = await client.ask(
            "GET", "/v1/operator/dead-letters", headers={"authorization": f"Bearer {KEYS['operator']}"}
        )
        assert letters.status == 200
        assert letters.body["dead_letters"]
        figures = [(await deployment.says(process, "/metrics"))[1] for process in every(deployment)]
        await until(lambda: ended_well(receiver), what="the traces")
        for process in every(deployment):
            process.terminate()
            assert await process.exit_status() == 0

    logs = [process.log() for process in every(deployment)]
    assert all('"level":"debug"' in log for log in logs)
    assert len(client.errors) > 12
    assert len(errors) >= 4
    assert {headers["x-key"] for headers in receiver.headers} == {KEYS["receiver"]}
    places = {
        "log": "\n".join(logs).encode(),
        "metrics": "\n".join(figures).encode(),
        "traces": b"\n".join(receiver.raw),
        "errors of requests": orjson.dumps([answer.body for answer in client.errors]),
        "errors of tasks": orjson.dumps(errors),
        "dead letters": orjson.dumps(letters.body),
    }
    found = [(place, mark) for place, content in places.items() for mark in marks() if mark in content]
    assert found == []
    assert all(len(content) > 500 for content in places.values()), {place: len(text) for place, text in places.items()}


def every(deployment: Deployment) -> list[Any]:
    return [*deployment.apis, *deployment.workers]


def ended_well(receiver: OtlpReceiver) -> bool:
    return len([span for span in receiver.spans if span.attributes.get("promptmill.outcome") == "completed"]) >= 4
