"""The dead letters while more are written, and what is said of those that were redriven."""

import re
from collections.abc import Sequence

from playwright.async_api import Locator, Page, expect

from common.connections import create_producer
from common.topics import MAX_DEAD_LETTER_BYTES, TopicNames
from tests.browser.conftest import Visiting
from tests.browser.product import Product
from tests.support.waiting import until

# More than the page looks at of itself.
MANY = 5_100


def letters(page: Page) -> Locator:
    return page.get_by_role("table", name="Dead letters", exact=True).locator("tbody tr")


async def fail(product: Product, prompts: list[str], *, code: str = "too_long") -> list[str]:
    """Submit prompts that become dead letters."""
    before = await count(product)
    await product.model.behave(status=400, error_code=code)
    ids = await product.api.submit(prompts)
    await wait_for_letters(product, before + len(prompts))
    await product.model.behave()
    return ids


async def count(product: Product) -> int:
    answer = await product.api.ask("GET", "/v1/operator/dead-letters", params={"limit": "500"})
    return len(answer.body["dead_letters"])


async def wait_for_letters(product: Product, number: int) -> None:
    async def all_written() -> bool:
        return await count(product) == number

    await until(all_written, what=f"{number} dead letters")


async def bury(product: Product, reasons: Sequence[str]) -> None:
    """Write letters that hold no task, as strangers may, in the order of one partition."""
    topic = TopicNames(product.kafka.topic_prefix).dead_letters
    async with create_producer(product.kafka, "test", max_record_bytes=MAX_DEAD_LETTER_BYTES) as producer:
        sent = [
            await producer.send(topic, b"no task", headers=[("reason", reason.encode())], partition=0)
            for reason in reasons
        ]
        for written in sent:
            await written


async def test_what_dies_comes_in_by_itself_and_what_was_redriven_is_said_to_be(
    product: Product, visit: Visiting
) -> None:
    page = await (await visit(product.api)).open("#/dead-letters")
    await expect(page.get_by_text("No dead letters")).to_be_visible()
    await expect(page.locator(".live-sign")).to_have_text("Live")
    [first] = await fail(product, ["one"])
    await expect(letters(page)).to_have_count(1)
    second = await fail(product, ["two"])
    await expect(letters(page)).to_have_count(2)
    [dying, living] = [letters(page).nth(0), letters(page).nth(1)]
    await living.get_by_role("button", name="Redrive").click()
    await expect(living).to_contain_text("redriven as run 2")
    await expect(living.get_by_role("button")).to_have_count(0)
    await product.api.wait_until_completed(second)
    await page.reload()
    await expect(living).to_contain_text("run 2 completed")
    # The next one dies of the same again.
    await product.model.behave(status=400, error_code="too_long")
    await dying.get_by_role("button", name="Redrive").focus()
    await page.keyboard.press("Enter")
    await expect(dying).to_contain_text(re.compile(r"run 2 died too: \d+-\d+"))
    await expect(letters(page)).to_have_count(3)
    last = letters(page).nth(2)
    await expect(last.get_by_role("button", name="Redrive")).to_be_visible()
    await dying.get_by_role("link", name=re.compile("Letter")).last.click()
    await expect(page.get_by_role("link", name=first)).to_be_visible()
    await expect(page.locator(".facts > div", has_text="Run")).to_have_text("Run2")


async def test_a_redrive_keeps_the_focus_in_its_row(product: Product, visit: Visiting) -> None:
    await fail(product, ["one"])
    page = await (await visit(product.api)).open("#/dead-letters")
    await letters(page).get_by_role("button", name="Redrive").focus()
    await page.keyboard.press("Enter")
    mark = letters(page).get_by_text("redriven as run 2")
    await expect(mark).to_be_focused()


async def test_a_reason_is_redriven_as_it_was_counted(product: Product, visit: Visiting) -> None:
    counted = await fail(product, ["a", "b"])
    page = await (await visit(product.api)).open("#/dead-letters")
    await expect(letters(page)).to_have_count(2)
    await page.get_by_role("button", name=re.compile("Redrive:")).click()
    dialog = page.get_by_role("dialog", name="Redrive 2 letters?")
    await expect(dialog).to_contain_text("died of exactly this")
    await expect(dialog).not_to_contain_text("not looked at")
    [since] = await fail(product, ["c"])
    await expect(letters(page)).to_have_count(3)
    await dialog.get_by_role("button", name="Redrive", exact=True).click()
    await expect(page.locator(".redrive")).to_have_text("2 letters queued to run again.")
    await product.api.wait_until_completed(counted)
    assert (await product.api.task(since))["status"] == "failed"
    await expect(letters(page).get_by_text("redriven as run 2")).to_have_count(2)


async def test_letters_that_were_not_looked_at_are_redriven_only_where_that_is_chosen(
    product: Product, visit: Visiting
) -> None:
    await bury(product, ["rare", *["frequent"] * MANY, "rare as well", "rare"])
    page = await (await visit(product.api)).open("#/dead-letters")
    await expect(page.get_by_text("5,000 letters looked at, 103 to go.")).to_be_visible()
    redrive = page.get_by_role("button", name="Redrive: rare", exact=True)
    dialog = page.get_by_role("dialog", name="Redrive 1 letter?")
    for choice, found in (("Redrive", "1 letter that"), ("Redrive these and those not looked at", "2 letters")):
        await redrive.click()
        await expect(dialog).to_contain_text("103 further letters were not looked at")
        await dialog.get_by_role("button", name=choice, exact=True).click()
        await expect(page.locator(".redrive .note")).to_contain_text(found)
    await page.get_by_role("button", name="Look at more").click()
    await expect(page.get_by_text("5,103 letters looked at.")).to_be_visible()
    await bury(product, ["rare"])
    await expect(page.get_by_text("5,104 letters looked at.")).to_be_visible()
