"""A task's request, copied off the page and run in a shell, makes the same task again."""

import asyncio
import shutil
from asyncio.subprocess import PIPE
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visiting
from tests.browser.product import Product
from tests.browser.visit import Visit

# What a shell would read in other ways, if it were let.
HOSTILE = "It's \"quoted\", $HOME $(exit 3) `exit 4` !! \\' \\n %s\n'\nEOF\n\tand ü 🌊."
LONG = "A river's $(bed) is long.\n" * 8_000


async def copied(visited: Visit, task_id: str) -> str:
    """The text that the prompt's button puts into the clipboard."""
    await visited.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page: Page = await visited.open(f"#/tasks/{task_id}")
    await page.get_by_role("button", name="Copy as curl").nth(1).click()
    await expect(page.get_by_text("Copied.")).to_be_visible()
    return str(await page.evaluate("navigator.clipboard.readText()"))


async def run_in_a_shell(text: str) -> bytes:
    """Paste it into a shell; what it says."""
    shell = await asyncio.create_subprocess_exec(str(shutil.which("bash")), stdin=PIPE, stdout=PIPE, stderr=PIPE)
    said, complaints = await shell.communicate(text.encode() + b"\n")
    assert (shell.returncode, complaints) == (0, b"")
    return said


async def record(product: Product, task_id: str) -> dict[str, Any]:
    """What stands in Kafka of a task, without what is new for each."""
    answer = await product.api.ask("GET", f"/v1/operator/tasks/{task_id}/record")
    assert answer.status == 200, answer
    value = answer.body["value"]
    window = round(value.pop("expires_at") - value.pop("created_at"), 2)
    return {**{name: content for name, content in value.items() if name != "task_id"}, "window": window}


async def asked(product: Product, path: str, body: dict[str, Any]) -> str:
    answer = await product.api.ask("POST", path, json=body)
    assert answer.status in {200, 202}, answer
    return answer.headers.get("x-promptmill-task-id") or str(answer.body["tasks"][0]["task_id"])


def chat(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize(
    ("path", "body", "form"),
    [
        (
            "/v1/tasks",
            {
                "prompts": [{**chat(HOSTILE), "max_tokens": 9, "metadata": {"it's": "$(row)"}}],
                "lane": "batch",
                "stream": True,
                "deadline_seconds": 1234.5,
            },
            "-d '",
        ),
        ("/v1/tasks", {"prompts": [chat(LONG)]}, "--data-binary @- <<'EOF'"),
        ("/v1/chat/completions", {**chat(HOSTILE), "metadata": {"row": "7"}, "temperature": 0.5}, "-d '"),
        ("/v1/embeddings", {"model": "fake-model", "input": [HOSTILE, "b"]}, "-d '"),
        ("/v1/embeddings", {"model": "fake-model", "input": LONG}, "--data-binary @- <<'EOF'"),
        ("/v1/responses", {"model": "fake-model", "input": HOSTILE, "background": True}, "-d '"),
        ("/v1/responses", {"model": "fake-model", "input": HOSTILE, "metadata": {"row": "7"}}, "-d '"),
    ],
    ids=["tasks", "tasks-long", "chat", "embeddings", "embeddings-long", "responses-background", "responses"],
)
async def test_a_copied_request_makes_the_same_task_in_a_shell(
    product: Product, visit: Visiting, path: str, body: dict[str, Any], form: str
) -> None:
    task_id = await asked(product, path, body)
    text = await copied(await visit(product.api), task_id)
    assert form in text
    said = await run_in_a_shell(text)
    listed = (await product.api.ask("GET", "/v1/tasks", params={"limit": "2"})).body["tasks"]
    [again] = [task["task_id"] for task in listed if task["task_id"] != task_id]
    assert await record(product, again) == await record(product, task_id), said
    await product.api.wait_until_completed([again])


async def test_numbers_are_shown_and_copied_as_they_stand_in_kafka(product: Product, visit: Visiting) -> None:
    # Of all of these a script's own numbers would make others.
    written = (
        '{"prompts":[{"messages":[{"role":"user","content":"one"}],"seed":9007199254740993,"temperature":1.0,'
        '"logit_bias":{"50256":9223372036854775807}}]}'
    )
    answer = await product.api.ask("POST", "/v1/tasks", data=written, headers={"content-type": "application/json"})
    task_id = answer.body["tasks"][0]["task_id"]
    visited = await visit(product.api)
    text = await copied(visited, task_id)
    for number in ('"seed": 9007199254740993,', '"temperature": 1.0,', '"50256": 9223372036854775807'):
        assert number in text
    [page] = visited.context.pages
    await expect(page.locator(".facts > div", has_text="seed")).to_have_text("seed9007199254740993")
    await expect(page.locator(".facts > div", has_text="logit_bias")).to_contain_text('{"50256":9223372036854775807}')
    await page.get_by_text("The record with its headers").click()
    await expect(page.get_by_label("The record with its headers")).to_contain_text('"seed": 9007199254740993,')
    await run_in_a_shell(text)
    listed = (await product.api.ask("GET", "/v1/tasks", params={"limit": "2"})).body["tasks"]
    [again] = [task["task_id"] for task in listed if task["task_id"] != task_id]
    assert (await record(product, again))["body"] == (await record(product, task_id))["body"]
    page = await visited.open(f"#/topics/{product.kafka.topic_prefix}tasks.interactive")
    await page.get_by_role("checkbox").check()
    await expect(page.locator(".value").first).to_contain_text('"50256": 9223372036854775807')
