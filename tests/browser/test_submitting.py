"""Prompts that are submitted in the page, and seen through to their ends."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import CONCURRENCY, Visiting
from tests.browser.product import Product
from tests.support.waiting import until

HOSTILE = "<img src=x onerror=\"document.title='taken over'\"><script>document.title='taken over'</script>"


def cards(page: Page, *, status: str | None = None) -> Locator:
    every = page.locator(".task-card")
    return every if status is None else every.filter(has=page.locator(".badge", has_text=status))


async def submit(page: Page, *prompts: str) -> None:
    await page.get_by_label("Prompts", exact=True).fill("\n".join(prompts))
    await page.get_by_role("button", name=re.compile("^Submit")).click()
    await expect(cards(page)).to_have_count(len(prompts))


async def test_of_four_prompts_three_run_and_one_waits_for_a_slot(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    page = await (await visit(product.api)).open()
    await submit(page, "one", "two", "three", "four")
    await product.model.wait_for_in_flight(CONCURRENCY)
    await expect(cards(page, status="processing")).to_have_count(3)
    await expect(cards(page, status="queued")).to_have_count(1)
    assert await product.model.in_flight() == 3
    await product.model.release(1)
    await expect(cards(page, status="completed")).to_have_count(1)
    await expect(cards(page, status="processing")).to_have_count(3)
    await product.model.release_all()
    await expect(cards(page, status="completed")).to_have_count(4)
    for prompt in ("one", "two", "three", "four"):
        await expect(page.get_by_text(f"echo: {prompt}", exact=True)).to_be_visible()


async def test_text_streams_in_and_a_running_prompt_is_cancelled(product: Product, visit: Visiting) -> None:
    words = " ".join(f"word{number}" for number in range(20))
    page = await (await visit(product.api)).open()
    # Role, "echo: ", and some words: then nothing more comes until it is let go.
    await submit(page, f"{words} [[hold-after=6]]", "another [[hold]]")
    streaming, held = cards(page).nth(0), cards(page).nth(1)
    await expect(streaming.locator(".answer")).to_contain_text("echo:")
    await expect(streaming.locator(".badge")).to_have_text("processing")
    assert "word19" not in await streaming.locator(".answer").inner_text()
    await product.model.wait_for_in_flight(2)
    await held.get_by_role("button", name="Cancel prompt 2").click()
    await expect(held.locator(".badge")).to_have_text("cancelled")
    # The connection to the model was closed.
    await product.model.wait_for_in_flight(1)
    await product.model.release_all()
    await expect(streaming.locator(".badge")).to_have_text("completed")
    await expect(streaming.locator(".answer")).to_have_text(f"echo: {words} [[hold-after=6]]")
    assert (await product.model.stats()).client_disconnected == 1


async def test_submitting_and_cancelling_needs_no_mouse(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    page = await (await visit(product.api)).open()
    prompts = page.get_by_label("Prompts", exact=True)

    async def tab_to(wanted: Locator, *, key: str = "Tab") -> None:
        for _ in range(60):
            await page.keyboard.press(key)
            if await wanted.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{key} does not lead there")

    # What is first is the way past the navigation.
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await tab_to(prompts)
    await page.keyboard.type("by hand")
    await tab_to(page.get_by_role("button", name="Submit", exact=True))
    await page.keyboard.press("Enter")
    await expect(cards(page, status="processing")).to_have_count(1)
    await tab_to(page.get_by_role("button", name="Cancel prompt 1"))
    await page.keyboard.press("Enter")
    await expect(cards(page, status="cancelled")).to_have_count(1)
    await product.model.wait_for_in_flight(0)
    # And on, to the task itself.
    await tab_to(page.get_by_role("link", name=re.compile("Prompt 1: task")), key="Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page).to_have_url(re.compile("#/tasks/[0-9a-f-]{36}$"))


async def test_what_a_model_or_a_user_writes_is_text_on_every_view(product: Product, visit: Visiting) -> None:
    browsing = await visit(product.api)
    page = await browsing.open()
    await submit(page, HOSTILE)
    answer = page.locator(".task-card .answer")
    await expect(answer).to_have_text(f"echo: {HOSTILE}")
    [task_id] = [task["task_id"] for task in (await product.api.ask("GET", "/v1/tasks")).body["tasks"]]
    await product.model.behave(status=400)
    failed = await product.api.submit([HOSTILE])
    await product.api.wait_until_final(failed)
    for path in (f"#/tasks/{task_id}", f"#/tasks/{failed[0]}"):
        page = await browsing.open(path)
        await expect(page.get_by_text(HOSTILE).first).to_be_visible()

    async def letters() -> list[str]:
        answer = await product.api.ask("GET", "/v1/operator/dead-letters")
        return [letter["id"] for letter in answer.body["dead_letters"]]

    [letter] = await until(letters, what="the dead letter")
    page = await browsing.open(f"#/dead-letters/{letter}")
    await expect(page.get_by_role("region", name="Value")).to_contain_text("<script>")
    for page in browsing.context.pages:
        assert "Promptmill" in await page.title()
        assert await page.locator("main img, main script").count() == 0


async def test_an_address_can_be_shared_and_loaded_again(product: Product, visit: Visiting) -> None:
    browsing = await visit(product.api)
    page = await browsing.open()
    await submit(page, "one", "two")
    await expect(cards(page, status="completed")).to_have_count(2)
    await page.reload()
    await expect(cards(page, status="completed")).to_have_count(2)
    elsewhere = await browsing.context.new_page()
    await elsewhere.goto(page.url)
    await expect(cards(elsewhere, status="completed")).to_have_count(2)
