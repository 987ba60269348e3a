"""The form and the runs of the view Submit, in their details."""

import re

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import Visiting
from tests.browser.product import Product


async def submit(page: Page, *prompts: str) -> None:
    await page.get_by_label("Prompts", exact=True).fill("\n".join(prompts))
    await page.get_by_role("button", name=re.compile("^Submit")).click()


def cards(page: Page) -> Locator:
    return page.locator(".task-card")


async def test_all_are_cancelled_at_once(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    page = await (await visit(product.api)).open()
    await submit(page, *(f"prompt {number}" for number in range(120)))
    await expect(page.locator(".run-counts")).to_have_text("3 running · 117 queued")
    await expect(cards(page)).to_have_count(50)
    await page.get_by_role("button", name="Show 50 more").click()
    await expect(cards(page)).to_have_count(100)
    await page.get_by_role("button", name="Cancel all").click()
    await expect(page.locator(".run-counts")).to_have_text("120 cancelled")
    await product.model.wait_for_in_flight(0)


async def test_more_prompts_than_a_stream_holds_are_all_followed_to_their_end(
    product: Product, visit: Visiting
) -> None:
    page = await (await visit(product.api)).open()
    await submit(page, *(f"prompt {number}" for number in range(260)))
    await expect(page.locator(".run-counts")).to_have_text("260 answered")


async def test_parameters_model_and_lane_go_with_the_prompt_and_a_whole_text_is_one(
    product: Product, visit: Visiting
) -> None:
    page = await (await visit(product.api)).open()
    await page.get_by_text("One in all").click()
    await page.get_by_label("Model", exact=True).select_option("another…")
    await page.get_by_label("Name of the model").fill("heron-7b")
    await page.get_by_label("Lane").select_option("batch")
    await page.get_by_label("Temperature").fill("0.5")
    await page.get_by_label("Max tokens").fill("64")
    await submit(page, "two lines", "in one prompt")
    await expect(cards(page).get_by_role("group")).to_have_text("echo: two lines in one prompt")
    await expect(cards(page)).to_have_count(1)
    [call] = await product.model.calls()
    assert call.body is not None
    assert call.body["messages"] == [{"role": "user", "content": "two lines\nin one prompt"}]
    assert {name: call.body[name] for name in ("model", "temperature", "max_tokens", "stream")} == {
        "model": "heron-7b",
        "temperature": 0.5,
        "max_tokens": 64,
        "stream": True,
    }


async def test_a_fault_is_said_at_its_field_and_nothing_is_sent(product: Product, visit: Visiting) -> None:
    page = await (await visit(product.api)).open()
    await page.get_by_role("button", name="Submit").click()
    prompts = page.get_by_label("Prompts", exact=True)
    await expect(prompts).to_be_focused()
    await expect(prompts).to_have_accessible_description("Write a prompt first.")
    await page.get_by_label("Temperature").fill("warm")
    await page.get_by_label("Max tokens").fill("0.5")
    await submit(page, "one")
    await expect(page.get_by_label("Temperature")).to_have_accessible_description(re.compile("From 0 to 2"))
    await expect(page.get_by_label("Max tokens")).to_have_accessible_description(re.compile("whole number"))
    await expect(cards(page)).to_have_count(0)
    assert (await product.api.ask("GET", "/v1/tasks")).body["tasks"] == []


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(product: Product, visit: Visiting) -> None:
    visited = await visit(product.api, expected=["net::ERR_FAILED"])
    page = await visited.open()
    keys: list[str | None] = []

    async def lose_the_first(route: Route) -> None:
        keys.append(await route.request.header_value("idempotency-key"))
        if len(keys) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/v1/tasks", lose_the_first)
    await submit(page, "one", "two")
    await expect(page.get_by_role("alert")).to_contain_text("does not answer")
    await submit(page, "one", "two")
    await expect(page.locator(".run-counts")).to_have_text("2 answered")
    assert keys[0]
    assert keys[0] == keys[1]
    assert await product.model.calls_by_prompt() == {"one": 1, "two": 1}


async def test_an_error_of_a_prompt_says_what_to_do(product: Product, visit: Visiting) -> None:
    page = await (await visit(product.api)).open()
    await submit(page, "[[error-code=context_length_exceeded]]")
    await expect(cards(page).first.get_by_role("alert")).to_contain_text("Shorten it")


async def test_the_address_leads_back_to_what_runs_and_to_each_task(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    visited = await visit(product.api)
    page = await visited.open()
    await submit(page, "one", "two")
    await expect(page.locator(".run-counts")).to_have_text("2 running")
    await page.reload()
    await expect(page.locator(".run-counts")).to_have_text("2 running")
    await expect(cards(page).first.locator(".task-card-title")).to_contain_text("one")
    await cards(page).first.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1, name="Task")).to_be_focused()
    await page.go_back()
    await expect(page.locator(".run-counts")).to_have_text("2 running")
    shared = await visited.context.new_page()
    await shared.goto(page.url)
    await product.model.release_all()
    await expect(shared.locator(".run-counts")).to_have_text("2 answered")
    assert "one" not in page.url


async def test_a_text_goes_on_where_it_was_when_the_api_is_replaced(product: Product, visit: Visiting) -> None:
    words = " ".join(f"word{number}" for number in range(20))
    page = await (await visit(product.api, expected=["ERR_", "Failed to load"])).open()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.headers.get("last-event-id", "")))
    await submit(page, f"{words} [[hold-after=6]]")
    answer = cards(page).first.get_by_role("group")
    await expect(answer).to_have_text(re.compile("^echo: word0"))
    [api] = product.deployment.apis
    await api.stop()
    await expect(page.get_by_role("alert")).to_contain_text("does not answer")
    await api.start()
    await product.model.release_all()
    await expect(page.locator(".run-counts")).to_have_text("1 answered")
    await expect(answer).to_have_text(f"echo: {words} [[hold-after=6]]")
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert any(seen)
