"""What comes by OpenAI's interface is listed, and read back by operators, as what comes by ours."""

from tests.e2e.openai_compat.conftest import Shared

MODEL = "of-every-face"


async def test_tasks_of_every_face_are_listed_and_their_records_read_back(shared: Shared) -> None:
    api = shared.api
    asked: dict[str, dict[str, object]] = {
        "/v1/tasks": {"prompts": ["x"]},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}]},
        "/v1/embeddings": {"input": "x"},
        "/v1/responses": {"input": "x", "background": True},
    }
    for path, body in asked.items():
        answer = await api.ask("POST", path, json={"model": MODEL, **body})
        assert answer.status in {200, 202}, answer
    listed = await api.ask("GET", "/v1/tasks", params={"model": MODEL})
    entries = listed.body["tasks"][::-1]
    assert len(entries) == len(asked)
    records = [
        (await api.ask("GET", f"/v1/operator/tasks/{entry['task_id']}/record")).body["value"] for entry in entries
    ]
    assert [record["endpoint"] for record in records] == ["/v1/chat/completions", *list(asked)[1:]]
    assert {record["body"]["model"] for record in records} == {MODEL}
