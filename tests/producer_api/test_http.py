"""What holds for every request, whatever it asks."""

import uuid

import aiohttp
import pytest

from tests.producer_api.conftest import Service
from tests.support.api import Api

SHAPE = {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/tasks/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/tasks/a/b", 404),
        ("GET", "/metrics", 404),
        ("DELETE", "/v1/tasks", 405),
        ("PUT", "/v1/tasks", 405),
        ("OPTIONS", "/v1/tasks", 405),
        ("POST", "/v1/tasks/01a2058f-a149-70d4-86bf-f76ece198e15", 405),
    ],
)
async def test_what_there_is_not_is_answered_in_openai_s_shape(api: Api, method: str, path: str, status: int) -> None:
    answer = await api.ask(method, path)
    assert answer.status == status
    assert set(answer.body) == {"error"}
    assert set(answer.body["error"]) == SHAPE
    assert answer.body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/tasks", "GET, POST"), ("/v1/tasks/x", "DELETE, GET"), ("/v1/tasks/x/cancel", "POST")]
)
async def test_a_wrong_method_is_told_which_are_right(api: Api, path: str, allowed: str) -> None:
    answer = await api.ask("PATCH", path)
    assert answer.headers["allow"] == allowed
    assert allowed in answer.body["error"]["message"]


async def test_every_answer_has_an_id_of_its_own(api: Api) -> None:
    answers = [
        await api.ask("GET", "/v1/tasks", params={"task_ids": "x"}),
        await api.try_submit(["x"]),
        await api.try_submit([]),
        await api.ask("GET", "/v1/nothing"),
        await api.ask("DELETE", "/v1/tasks"),
        await api.ask("GET", "/openapi.json"),
    ]
    ids = [uuid.UUID(answer.headers["x-request-id"]) for answer in answers]
    assert len(set(ids)) == len(answers)
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


async def test_the_description_names_every_route_with_its_errors(api: Api) -> None:
    document = (await api.ask("GET", "/openapi.json")).body
    assert document["openapi"].startswith("3.1.")
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        "POST /v1/tasks",
        "GET /v1/tasks",
        "GET /v1/tasks/{task_id}",
        "DELETE /v1/tasks/{task_id}",
        "POST /v1/tasks/{task_id}/cancel",
        "POST /v1/tasks/cancel",
        "GET /v1/tasks/events",
        "GET /v1/tasks/{task_id}/events",
        "POST /v1/chat/completions",
        "POST /v1/embeddings",
        "POST /v1/responses",
        "GET /v1/responses/{response_id}",
        "DELETE /v1/responses/{response_id}",
        "POST /v1/responses/{response_id}/cancel",
        "GET /v1/responses/{response_id}/input_items",
        "GET /v1/models",
        "GET /v1/models/{model}",
        "GET /v1/operator/dead-letters",
        "GET /v1/operator/dead-letters/{position}",
        "POST /v1/operator/dead-letters/redrive",
        "GET /v1/operator/overview",
        "GET /v1/operator/overview/events",
        "GET /v1/operator/workers",
        "GET /v1/operator/workers/events",
        "GET /v1/operator/topics",
        "GET /v1/operator/topics/events",
        "GET /v1/operator/topics/{topic}/records",
        "GET /v1/operator/tasks/{task_id}",
        "GET /v1/operator/tasks/{task_id}/record",
        "POST /v1/operator/tasks/retry",
        "GET /readyz",
    }
    ready = operations["GET /readyz"]["responses"]
    assert {status: list(answer["content"]) for status, answer in ready.items()} == {
        "200": ["text/plain"],
        "503": ["text/plain"],
    }
    looks = ("overview", "workers", "topics")
    for route in (*looks, *(f"{look}/events" for look in looks)):
        assert set(operations[f"GET /v1/operator/{route}"]["responses"]) == {"200", "400", "401", "403", "503"}
    for route in ("topics/{topic}/records", "tasks/{task_id}", "tasks/{task_id}/record"):
        assert set(operations[f"GET /v1/operator/{route}"]["responses"]) == {"200", "400", "401", "403", "404", "503"}
    redrive = operations["POST /v1/operator/dead-letters/redrive"]
    assert set(redrive["responses"]) == {"200", "400", "401", "403", "408", "413", "415", "503"}
    submit = operations["POST /v1/tasks"]
    assert set(submit["responses"]) == {"202", "400", "408", "409", "413", "415", "503"}
    assert set(operations["POST /v1/tasks/cancel"]["responses"]) == {"200", "400", "408", "413", "415", "503"}
    assert set(operations["GET /v1/tasks/events"]["responses"]) == {"200", "204", "400", "503"}
    assert set(operations["GET /v1/tasks/{task_id}/events"]["responses"]) == {"200", "204", "400", "404", "503"}
    waiting = {"200", "202", "400", "403", "404", "408", "409", "413", "415", "500", "502", "503", "504"}
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        assert set(operations[f"POST {path}"]["responses"]) == waiting
    assert set(operations["POST /v1/responses"]["responses"]) == (waiting - {"202"})
    assert set(operations["GET /v1/responses/{response_id}"]["responses"]) == {"200", "400", "404", "503"}
    assert set(operations["GET /v1/models/{model}"]["responses"]) == {"200", "404", "503"}
    body = submit["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/SubmitTasks"}
    schemas = document["components"]["schemas"]
    assert {"SubmitTasks", "ChatPrompt", "Message", "SubmittedTasks", "TaskViews", "ErrorAnswer"} <= set(schemas)
    assert "HTTPValidationError" not in schemas
    prompts = schemas["SubmitTasks"]["properties"]["prompts"]
    assert prompts["items"]["anyOf"] == [{"type": "string"}, {"$ref": "#/components/schemas/ChatPrompt"}]


async def test_every_example_in_the_description_is_accepted(api: Api) -> None:
    document = (await api.ask("GET", "/openapi.json")).body
    examples = document["paths"]["/v1/tasks"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        answer = await api.ask("POST", "/v1/tasks", json=example["value"])
        assert answer.status == 202, answer


async def test_the_page_of_documentation_needs_nothing_from_elsewhere(api: Api, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{api.url}/docs") as response:
        page = await response.text()
        policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http:" not in page
    assert "https:" not in page
    loaded = [part.split('"')[0] for part in page.replace('src="', 'href="').split('href="')[1:]]
    assert len(loaded) == 4
    for path in loaded:
        async with session.get(f"{api.url}/{path}") as response:
            assert response.status == 200, path
            assert await response.read()


async def test_probes_and_metrics_have_a_port_of_their_own(service: Service, session: aiohttp.ClientSession) -> None:
    for path in ("/livez", "/readyz"):
        for root in (service.operations_url, service.api.url):
            async with session.get(root + path) as response:
                assert (response.status, await response.text()) == (200, "ok\n")
    async with session.get(f"{service.operations_url}/v1/tasks") as response:
        assert response.status == 404


async def test_metrics_count_requests_by_template_and_prompts_by_lane(
    service: Service, session: aiohttp.ClientSession
) -> None:
    [task_id] = await service.api.submit(["x"], lane="batch")
    await service.api.ask("GET", f"/v1/tasks/{task_id}")
    await service.api.try_submit([])
    await service.api.ask("GET", "/v1/a-path-of-somebody-s-own")
    async with session.get(f"{service.operations_url}/metrics") as response:
        metrics = await response.text()
    for line in (
        'promptmill_api_http_requests_total{method="POST",route="/v1/tasks",status_class="2xx"}',
        'promptmill_api_http_requests_total{method="GET",route="/v1/tasks/{task_id}",status_class="2xx"}',
        'promptmill_api_http_requests_total{method="POST",route="/v1/tasks",status_class="4xx"}',
        'promptmill_api_http_requests_total{method="GET",route="unmatched",status_class="4xx"}',
        'promptmill_api_prompts_accepted_total{lane="batch"}',
        'promptmill_api_requests_refused_total{code="invalid_value"}',
        "promptmill_api_in_flight_bytes 0.0",
        "promptmill_api_in_flight_records 0.0",
        "promptmill_api_kafka_connected 1.0",
        "process_resident_memory_bytes",
    ):
        assert f"\n{line}" in metrics
    assert task_id not in metrics
    assert "somebody" not in metrics
