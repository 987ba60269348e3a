"""Overview, workers, topics and dead letters, in a browser."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visiting
from tests.browser.product import Product
from tests.support.waiting import until


def tile(page: Page, name: str) -> Locator:
    return page.locator(".tile", has=page.get_by_text(name, exact=True)).locator(".tile-value")


async def test_the_overview_goes_on_by_itself_while_prompts_run(product: Product, visit: Visiting) -> None:
    page = await (await visit(product.api)).open("#/overview")
    await expect(page.locator(".live-sign")).to_have_text("Live")
    await expect(tile(page, "Workers")).to_have_text("1")
    await product.model.hold()
    ids = await product.api.submit(["one", "two", "three", "four"])
    await expect(tile(page, "Calls in flight")).to_have_text("3")
    await expect(page.get_by_role("meter", name="Calls in flight")).to_have_attribute("aria-valuetext", "of 3 slots")
    await expect(tile(page, "Accepted")).to_have_text("4")
    await product.model.release_all()
    await product.api.wait_until_completed(ids)
    await expect(tile(page, "Completed")).to_have_text("4")
    await expect(tile(page, "Calls in flight")).to_have_text("0")
    await expect(tile(page, "Backlog, interactive")).to_have_text("0")


async def test_a_chart_is_read_by_keyboard_by_pointer_and_as_a_table(product: Product, visit: Visiting) -> None:
    page = await (await visit(product.api)).open("#/overview")
    await product.api.wait_until_completed(await product.api.submit(["a", "b"]))
    chart = page.locator("figure", has=page.get_by_role("heading", name="Throughput"))
    plot = chart.get_by_role("slider")
    told = re.compile(r"completed 2\b.*accepted 2\b")
    # What was counted may be of the minute before by now.
    await plot.focus()

    async def found_by_keys() -> bool:
        await page.keyboard.press("End")
        for _ in range(3):
            if told.search(await plot.get_attribute("aria-valuetext") or ""):
                return True
            await page.keyboard.press("ArrowLeft")
        return False

    await until(found_by_keys, what="the minute by arrow keys")
    await expect(chart.locator(".chart-tooltip")).to_contain_text("completed2")
    await page.keyboard.press("Escape")
    await expect(chart.locator(".chart-tooltip")).to_be_hidden()
    await plot.hover(position={"x": 200, "y": 60})
    await expect(chart.locator(".chart-tooltip")).to_be_visible()
    await chart.get_by_text("As a table").click()
    await expect(chart.get_by_role("row", name=re.compile(r"completed|\b2\b.*\b2\b")).first).to_be_visible()


async def test_workers_show_what_they_hold_and_one_that_dies_falls_silent(product: Product, visit: Visiting) -> None:
    page = await (await visit(product.api)).open("#/workers")
    row = page.get_by_role("table", name="Workers").get_by_role("row").nth(1)
    await expect(row).to_contain_text("working")
    await product.model.hold()
    await product.api.submit(["one", "two"])
    await expect(row).to_contain_text("2 of 3")
    await row.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(r"#/workers\?worker="))
    partitions = page.get_by_role("table", name="Partitions of this worker").get_by_role("row")
    await expect(partitions).to_have_count(13)
    await page.reload()
    await expect(partitions).to_have_count(13)
    await product.deployment.workers[0].kill()
    await expect(row).to_contain_text("silent")


async def test_topics_show_records_and_their_content_only_when_it_is_asked_for(
    product: Product, visit: Visiting
) -> None:
    prompt = "what nobody need see"
    await product.api.wait_until_completed(await product.api.submit([prompt]))
    # In the end a partition is asked for that there is not.
    page = await (await visit(product.api, expected=["status of 400"])).open("#/topics")
    table = page.get_by_role("table", name="Topics")
    await expect(table.get_by_role("row")).to_have_count(5)
    await table.get_by_role("link", name=re.compile("interactive$")).click()
    record = page.locator(".kafka-record")
    await expect(record).to_have_count(1)
    await expect(record).to_contain_text("offset 0")
    assert prompt not in await page.content()
    await page.get_by_role("checkbox", name=re.compile("content")).check()
    await expect(record.get_by_role("region", name="Value")).to_contain_text(prompt)
    await page.reload()
    await expect(record).to_have_count(1)
    assert prompt not in await page.content()
    await page.get_by_role("spinbutton", name="Partition").fill("99")
    await page.get_by_role("button", name="Read again").click()
    await expect(page.get_by_role("alert")).to_contain_text("6 partitions")


async def fail(product: Product, prompts: list[str], *, code: str | None = None, before: int = 0) -> list[str]:
    """Submit prompts that become dead letters, behind those that there were `before`."""
    await product.model.behave(status=400, error_code=code)
    ids = await product.api.submit(prompts)
    await product.api.wait_until_final(ids)

    async def all_written() -> bool:
        answer = await product.api.ask("GET", "/v1/operator/dead-letters", params={"limit": "500"})
        return len(answer.body["dead_letters"]) == before + len(prompts)

    await until(all_written, what="the dead letters")
    await product.model.behave()
    return ids


async def test_a_dead_letter_is_looked_at_redriven_and_completes(product: Product, visit: Visiting) -> None:
    [task_id] = await fail(product, ["<b>once more</b>"])
    page = await (await visit(product.api)).open("#/dead-letters")
    await expect(page.get_by_role("table", name="Dead letters by reason")).to_contain_text("rejected_by_model")
    await page.get_by_role("link", name=re.compile(r"^Letter \d-0$")).click()
    await expect(page.get_by_role("region", name="Value")).to_contain_text("<b>once more</b>")
    await page.get_by_role("button", name="Look only").click()
    await expect(page.locator(".redrive")).to_contain_text("1 letter queued to run again")
    assert (await product.api.task(task_id))["status"] == "failed"
    await page.get_by_role("button", name="Redrive").click()
    await expect(page.locator(".redrive")).to_have_text("1 letter queued to run again.")
    [entry] = await product.api.wait_until_completed([task_id])
    assert entry["result"] == "echo: <b>once more</b>"
    await page.get_by_role("button", name="Redrive").click()
    await expect(page.locator(".redrive")).to_contain_text("1 letter under way, or in another run")


async def test_all_dead_letters_are_redriven_page_by_page(product: Product, visit: Visiting) -> None:
    ids = await fail(product, [f"prompt {number}" for number in range(250)])
    page = await (await visit(product.api)).open("#/dead-letters")
    await expect(page.get_by_text("250 letters looked at.")).to_be_visible()
    await expect(page.get_by_text("100 of 250 shown.")).to_be_visible()
    await page.get_by_role("button", name="Show more").click()
    await expect(page.get_by_role("table", name="Dead letters", exact=True).get_by_role("row")).to_have_count(201)
    await page.get_by_role("button", name="Redrive all").click()
    await page.get_by_role("dialog").get_by_role("button", name="Redrive all").click()
    await expect(page.locator(".redrive")).to_have_text("250 letters queued to run again.")
    await product.api.wait_until_completed(ids)


async def test_letters_of_one_reason_are_shown_by_an_address_and_redriven_together(
    product: Product, visit: Visiting
) -> None:
    together = await fail(product, ["a", "b"], code="too_long")
    [other] = await fail(product, ["c"], code="too_rude", before=2)
    page = await (await visit(product.api)).open("#/dead-letters")
    await page.get_by_role("link", name=re.compile("too_long")).click()
    letters = page.get_by_role("table", name="Dead letters", exact=True).get_by_role("row")
    await expect(letters).to_have_count(3)
    await page.reload()
    await expect(letters).to_have_count(3)
    await page.get_by_role("link", name="All reasons").click()
    await expect(letters).to_have_count(4)
    await page.go_back()
    await expect(letters).to_have_count(3)
    await page.get_by_role("button", name=re.compile("Redrive:.*too_long")).click()
    await page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    await expect(page.locator(".redrive")).to_have_text("2 letters queued to run again.")
    await product.api.wait_until_completed(together)
    assert (await product.api.task(other))["status"] == "failed"
