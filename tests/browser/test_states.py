"""What a view says where there is nothing to show: nothing yet, no API, no right to see it."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Running, Visiting
from tests.browser.product import Product

TOKEN = "the operators' own token"
UNKNOWN = "00000000-0000-7000-8000-000000000000"
# What a browser says of every answer that is an error.
OF_ERRORS = ("Failed to load resource",)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("#/", "Nothing submitted here yet"),
        ("#/tasks", "No tasks yet"),
        ("#/tasks?status=failed&lane=batch", "No task is like that"),
        ("#/dead-letters", "No dead letters"),
        ("#/nowhere", "There is no such page"),
    ],
)
async def test_a_view_without_anything_to_show_says_so(product: Product, visit: Visiting, path: str, text: str) -> None:
    page = await (await visit(product.api)).open(path)
    await expect(page.get_by_text(text)).to_be_visible()


async def test_what_does_not_exist_is_said_to_and_how_to_go_on(product: Product, visit: Visiting) -> None:
    browsing = await visit(product.api, expected=OF_ERRORS)
    for path, text in (
        (f"#/tasks/{UNKNOWN}", "There is no such task"),
        ("#/dead-letters/0-17", "There is no such dead letter"),
        ("#/topics/nobodys", "There is no such topic"),
        ("#/workers?worker=nobody", "not heard of in the last minute"),
    ):
        page = await browsing.open(path)
        await expect(page.locator("main").get_by_text(text).first).to_be_visible()


async def test_without_workers_the_overview_says_what_that_means(run_product: Running, visit: Visiting) -> None:
    page = await (await visit((await run_product()).api)).open("#/overview")
    await expect(page.get_by_text("No worker was heard of in the last minute")).to_be_visible()
    await page.get_by_role("link", name="See the workers").click()
    await expect(page.get_by_text("Start a worker")).to_be_visible()


async def test_an_api_that_goes_away_is_said_to_and_the_page_goes_on_by_itself_when_it_is_back(
    product: Product, visit: Visiting
) -> None:
    browsing = await visit(product.api, expected=(*OF_ERRORS, "ERR_"))
    page = await browsing.open("#/overview")
    tasks = await browsing.open("#/tasks")
    sign = page.locator(".live-sign")
    await expect(sign).to_have_text("Live")
    await expect(tasks.get_by_text("No tasks yet")).to_be_visible()
    [api] = product.deployment.apis
    await api.stop()
    await expect(page.get_by_text("The API does not answer")).to_be_visible()
    await expect(sign).to_have_text(re.compile("^As of"))
    await expect(tasks.get_by_text("The API does not answer")).to_be_visible()
    # What was seen last stays in sight.
    await expect(page.get_by_role("heading", name="Throughput")).to_be_visible()
    await api.start()
    await expect(sign).to_have_text("Live")
    await expect(page.get_by_text("The API does not answer")).to_have_count(0)
    await expect(tasks.get_by_text("The API does not answer")).to_have_count(0)


async def test_an_operators_token_is_asked_for_once_and_kept_out_of_sight(
    run_product: Running, visit: Visiting
) -> None:
    product = await run_product(api__operator_token=TOKEN)
    browsing = await visit(product.api, expected=OF_ERRORS)
    # As a proxy would send it: so it is no request from this machine.
    await browsing.context.set_extra_http_headers({"x-forwarded-for": "203.0.113.9"})
    page = await browsing.open("#/overview")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await dialog.get_by_label(re.compile("Operators. token")).fill("something else")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading")).to_have_text(re.compile("That is not the operators. token"))
    await dialog.get_by_role("button", name="Not now").click()
    await expect(page.get_by_role("alert")).to_contain_text("token")
    await page.get_by_role("button", name=re.compile("Enter the operators. token")).click()
    await dialog.get_by_label(re.compile("Operators. token")).fill(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page.locator(".live-sign")).to_have_text("Live")
    await page.reload()
    await expect(page.locator(".live-sign")).to_have_text("Live")
    await page.get_by_role("link", name="Dead letters").click()
    await expect(page.get_by_text("No dead letters")).to_be_visible()
    assert TOKEN not in page.url + await page.content()
    # Another tab is another operator.
    other = await browsing.open("#/workers")
    await expect(other.get_by_role("dialog")).to_be_visible()


async def test_where_operators_are_let_in_from_their_machine_alone_that_is_said(
    product: Product, visit: Visiting
) -> None:
    browsing = await visit(product.api, expected=OF_ERRORS)
    await browsing.context.set_extra_http_headers({"x-forwarded-for": "203.0.113.9"})
    page = await browsing.open("#/overview")
    await expect(page.get_by_role("alert")).to_contain_text("PROMPTMILL_API__OPERATOR_TOKEN")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    tasks = await browsing.open("#/tasks")
    await expect(tasks.get_by_text("No tasks yet")).to_be_visible()


async def test_where_no_stream_gets_through_a_view_is_asked_for_again_and_again(
    product: Product, visit: Visiting
) -> None:
    browsing = await visit(product.api, expected=OF_ERRORS)
    refusal = {"error": {"message": "no streams here", "type": "invalid_request_error", "code": "unknown_url"}}
    await browsing.context.route("**/overview/events", lambda route: route.fulfill(status=404, json=refusal))
    page = await browsing.open("#/overview")
    await expect(page.locator(".live-sign")).to_have_text("Live")
    accepted = page.locator(".tile", has_text="Accepted").locator(".tile-value")
    await expect(accepted).to_have_text("0")
    await product.api.submit(["one", "two"])
    await expect(accepted).to_have_text("2")
