"""The list of tasks: live, filtered, paged, and what is done to many at once."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visiting
from tests.browser.product import Product


def rows(page: Page) -> Locator:
    return page.get_by_role("table", name="Tasks").locator("tbody tr")


def row(page: Page, task_id: str) -> Locator:
    return rows(page).filter(has=page.locator(f'a[href="#/tasks/{task_id}"]'))


async def test_new_tasks_come_in_and_those_that_are_shown_move(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    page = await (await visit(product.api)).open("#/tasks")
    await expect(page.get_by_text("No tasks yet")).to_be_visible()
    ids = await product.api.submit(["one", "two", "three", "four"])
    await expect(rows(page)).to_have_count(4)
    # The newest first.
    await expect(rows(page).first.get_by_role("link")).to_have_attribute("href", f"#/tasks/{ids[-1]}")
    await expect(page.locator(".badge-processing")).to_have_count(3)
    await product.model.release_all()
    await expect(page.locator("tbody .badge-completed")).to_have_count(4)
    await expect(row(page, ids[0]).get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")


async def test_rows_stay_where_they_are_under_a_pointer(product: Product, visit: Visiting) -> None:
    [first] = await product.api.submit(["one"])
    page = await (await visit(product.api)).open("#/tasks")
    await row(page, first).hover()
    [second] = await product.api.submit(["two"])
    news = page.get_by_role("button", name="Show 1 new task")
    await expect(news).to_be_visible()
    await expect(rows(page)).to_have_count(1)
    await news.click()
    await expect(row(page, second)).to_be_visible()
    await expect(rows(page)).to_have_count(2)


async def test_a_filter_is_in_the_address_and_the_address_is_a_filter(product: Product, visit: Visiting) -> None:
    done = await product.api.submit(["one"], lane="batch")
    failed = await product.api.submit(["[[error-code=too_rude]]"], model="heron")
    await product.api.wait_until_final([*done, *failed])
    page = await (await visit(product.api)).open("#/tasks")
    await expect(rows(page)).to_have_count(2)
    await page.get_by_role("checkbox", name="failed").check()
    await expect(rows(page)).to_have_count(1)
    await expect(row(page, failed[0])).to_be_visible()
    await expect(page).to_have_url(re.compile(r"#/tasks\?status=failed$"))
    await page.reload()
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_role("checkbox", name="failed")).to_be_checked()
    await page.get_by_role("button", name="Clear").click()
    await expect(rows(page)).to_have_count(2)
    await page.get_by_label("Lane").select_option("batch")
    await expect(rows(page)).to_have_count(1)
    await expect(row(page, done[0])).to_be_visible()
    await page.goto(f"{product.api.url}/#/tasks?model=heron")
    await expect(row(page, failed[0])).to_be_visible()
    await expect(rows(page)).to_have_count(1)
    await page.get_by_label("Id").fill(done[0])
    await expect(row(page, done[0])).to_be_visible()
    await page.get_by_label("Id").fill("there-is-none")
    await expect(page.locator("tbody .badge")).to_have_text("not found")


async def test_pages_follow_each_other_and_the_back_button_goes_back(product: Product, visit: Visiting) -> None:
    ids = await product.api.submit([f"prompt {number}" for number in range(120)])
    await product.api.wait_until_completed(ids)
    page = await (await visit(product.api)).open("#/tasks")
    await expect(row(page, ids[-1])).to_be_visible()
    await expect(page.get_by_role("button", name="Newer")).to_be_disabled()
    seen = []
    for size in (50, 50, 20):
        await expect(rows(page)).to_have_count(size)
        seen += [str(await link.get_attribute("href")) for link in await rows(page).get_by_role("link").all()]
        if size == 50:
            last = seen[-1]
            await page.get_by_role("button", name="Older").click()
            await expect(page.locator(f'tbody a[href="{last}"]')).to_have_count(0)
    assert seen == [f"#/tasks/{task_id}" for task_id in reversed(ids)]
    await expect(page.get_by_role("button", name="Older")).to_be_disabled()
    await page.reload()
    await expect(rows(page)).to_have_count(20)
    await page.get_by_role("button", name="Newer").click()
    await expect(row(page, ids[69])).to_be_visible()
    await page.go_back()
    await expect(row(page, ids[0])).to_be_visible()


async def test_several_are_cancelled_and_retried_together(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    ids = await product.api.submit(["one", "two", "three", "four", "five"])
    page = await (await visit(product.api)).open("#/tasks")
    await expect(page.locator(".badge-processing")).to_have_count(3)
    # From the second to the fourth.
    await rows(page).nth(1).get_by_role("checkbox").click()
    await rows(page).nth(3).get_by_role("checkbox").click(modifiers=["Shift"])
    await expect(page.get_by_text("3 tasks selected")).to_be_visible()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cancel 3 tasks?")
    await dialog.get_by_role("button", name="Leave them").click()
    await expect(page.locator(".badge-cancelled")).to_have_count(0)
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await dialog.get_by_role("button", name="Cancel them").click()
    await expect(page.get_by_text("3 tasks cancelled.")).to_be_visible()
    await expect(page.locator("tbody .badge-cancelled")).to_have_count(3)
    await product.model.release_all()
    await product.api.wait_until_completed([ids[0], ids[4]])
    await page.get_by_label("All on this page").check()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_text("3 tasks started again.")).to_be_visible()
    await product.api.wait_until_completed(ids)
    await expect(page.locator("tbody .badge-completed")).to_have_count(5)


async def test_the_focus_stays_on_a_row_that_moves(product: Product, visit: Visiting) -> None:
    await product.model.hold()
    [task_id] = await product.api.submit(["one"])
    page = await (await visit(product.api)).open("#/tasks")
    link = row(page, task_id).get_by_role("link")
    await link.focus()
    await product.model.release_all()
    await expect(row(page, task_id).locator(".badge")).to_have_text("completed")
    await expect(link).to_be_focused()


async def test_a_rare_kind_is_looked_for_further_back(product: Product, visit: Visiting) -> None:
    [rare] = await product.api.submit(["rare"], lane="batch")
    ids = await product.api.submit([f"prompt {number}" for number in range(1_200)])
    page = await (await visit(product.api)).open("#/tasks?lane=batch")
    await expect(row(page, rare)).to_be_visible()
    await expect(rows(page)).to_have_count(1)
    await product.api.wait_until_completed(ids)
