"""One task: what happened to it, its prompt out of Kafka, and what came of it."""

import re

import orjson
from playwright.async_api import Page, expect
from pydantic import SecretStr

from tests.browser.conftest import Visiting
from tests.browser.product import Product

TOKEN = SecretStr("the-operators-own")


async def test_a_task_shows_its_attempts_its_prompt_and_its_answer_as_they_come(
    product: Product, visit: Visiting
) -> None:
    await product.model.hold()
    [task_id] = await product.api.submit(["Name a <b>river</b>."])
    page = await (await visit(product.api)).open(f"#/tasks/{task_id}")
    await expect(page.locator(".task-state .badge")).to_have_text("processing")
    await expect(page.locator(".message-text")).to_have_text("Name a <b>river</b>.")
    await expect(page.locator(".read-from")).to_have_text(
        re.compile(r"Read from \S+tasks\.interactive, partition \d+, offset 0")
    )
    timeline = page.locator(".timeline-event")
    await expect(timeline).to_have_count(2)
    await expect(timeline.nth(0)).to_contain_text("Accepted")
    await expect(timeline.nth(1)).to_contain_text("under way")
    await product.model.release_all()
    await expect(page.locator(".task-state .badge")).to_have_text("completed")
    await expect(page.get_by_role("group", name="Answer")).to_have_text("echo: Name a <b>river</b>.")
    await expect(timeline).to_have_count(3)
    await expect(timeline.nth(1)).to_contain_text(re.compile(r"Attempt 1.*completed.*partition \d+, offset 0"))
    await expect(timeline.nth(2)).to_contain_text("Completed")
    await page.reload()
    await expect(page.get_by_role("group", name="Answer")).to_have_text("echo: Name a <b>river</b>.")


async def test_a_failed_task_says_what_to_do_and_is_run_again(product: Product, visit: Visiting) -> None:
    await product.model.behave(status=400, error_code="context_length_exceeded", error_message="Too long.")
    [task_id] = await product.api.submit(["one"])
    await product.api.wait_until_final([task_id])
    page = await (await visit(product.api)).open(f"#/tasks/{task_id}")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Too long.")
    await expect(alert).to_contain_text("Shorten it")
    await product.model.behave()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".task-state .badge")).to_have_text("completed")
    await expect(page.get_by_role("group", name="Answer")).to_have_text("echo: one")
    await expect(alert).to_have_count(0)
    await expect(page.locator(".timeline-event").filter(has_text="Attempt 1 of run 2")).to_have_count(1)
    await expect(page.locator(".read-from")).to_contain_text("offset")


async def test_a_running_task_is_cancelled(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    [task_id] = await product.api.submit(["one"])
    page = await (await visit(product.api)).open(f"#/tasks/{task_id}")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
    await expect(page.locator(".task-state .badge")).to_have_text("cancelled")
    await expect(page.get_by_role("button", name="Retry")).to_be_visible()
    await product.model.wait_for_in_flight(0)


async def test_its_requests_are_copied_as_curl(product: Product, visit: Visiting) -> None:
    visited = await visit(product.api)
    await visited.context.grant_permissions(["clipboard-read", "clipboard-write"])
    prompt = {"messages": [{"role": "user", "content": "It's one."}], "max_tokens": 9, "metadata": {"row": "7"}}
    [task_id] = await product.api.submit([prompt], lane="batch")
    page = await visited.open(f"#/tasks/{task_id}")

    async def copied(index: int) -> str:
        await page.get_by_role("button", name="Copy as curl").nth(index).click()
        await expect(page.get_by_text("Copied.").nth(index)).to_be_visible()
        return str(await page.evaluate("navigator.clipboard.readText()"))

    assert await copied(0) == f"curl -s '{product.api.url}/v1/tasks/{task_id}'"
    head, _, body = (await copied(1)).partition("-d ")
    assert head.startswith(f"curl -s '{product.api.url}/v1/tasks'")
    sent = orjson.loads(body.removeprefix("'").removesuffix("'").replace("'\\''", "'"))
    assert sent == {"prompts": [prompt], "lane": "batch", "deadline_seconds": 86400}
    assert (await product.api.ask("POST", "/v1/tasks", json=sent)).status == 202


async def test_an_id_that_leads_nowhere_says_so(product: Product, visit: Visiting) -> None:
    visited = await visit(product.api, expected=["404"])
    page = await visited.open("#/tasks/01a2058f-a149-70d4-86bf-f76ece198e15")
    await expect(page.get_by_text("There is no such task")).to_be_visible()
    page = await visited.open("#/nowhere")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


async def _give(page: Page, token: str) -> None:
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("token").fill(token)
    await dialog.get_by_role("button", name="Go on").click()


async def test_the_operators_token_is_asked_for_once_and_kept_out_of_addresses(
    product: Product, visit: Visiting
) -> None:
    # As a proxy before it would say: then this machine's own browser is nobody in particular.
    guarded = await product.deployment.start_api(api__operator_token=TOKEN.get_secret_value())
    [task_id] = await guarded.submit(["one"])
    await guarded.wait_until_completed([task_id])
    visited = await visit(guarded, expected=["401"])
    await visited.context.set_extra_http_headers({"x-forwarded-for": "203.0.113.7"})
    asked: list[str] = []
    visited.context.on("request", lambda request: asked.append(request.url))
    page = await visited.open(f"#/tasks/{task_id}")
    await _give(page, "a wrong one")
    await expect(page.get_by_role("dialog").get_by_role("heading")).to_contain_text("That is not")
    await _give(page, TOKEN.get_secret_value())
    await expect(page.locator(".timeline-event")).to_have_count(3)
    await expect(page.get_by_role("group", name="Answer")).to_have_text("echo: one")
    await page.reload()
    await expect(page.locator(".timeline-event")).to_have_count(3)
    assert asked
    assert not [url for url in asked if TOKEN.get_secret_value() in url]
    other = await visit(guarded, expected=["401"])
    await other.context.set_extra_http_headers({"x-forwarded-for": "203.0.113.7"})
    page = await other.open(f"#/tasks/{task_id}")
    await page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    await expect(page.get_by_role("group", name="Answer")).to_have_text("echo: one")
    await expect(page.get_by_text("Operators see the timeline")).to_be_visible()
