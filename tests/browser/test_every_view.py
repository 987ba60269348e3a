"""What is asked of every view alike, on a service that is in the middle of its work."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.accessibility import violations
from tests.browser.conftest import Visiting
from tests.browser.furnishing import Furnished, furnish
from tests.browser.product import Product, running_product
from tests.browser.views import View, views_of
from tests.browser.visit import DESKTOP, PHONE
from tests.support.backend import kafka_settings_for, redis_settings_for, topics_deleted_afterwards, unique_prefix
from tests.support.fake_model import running_fake_model
from tests.support.processes import running_processes

PLACES = Furnished("ID", "ID", "ID", "0-0", "TOPIC", "WORKER", ("ID",))
NAMES = [view.name for view in views_of(PLACES)]


@pytest.fixture(scope="module")
async def furnished(
    kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Product, Furnished]]:
    redis = redis_settings_for(redis_url, unique_prefix())
    async with (
        topics_deleted_afterwards(kafka_settings_for(kafka_bootstrap, unique_prefix())) as kafka,
        running_fake_model() as model,
        running_processes() as processes,
        running_product(processes, kafka, redis, model, tmp_path_factory.mktemp("furnished")) as product,
    ):
        await product.deployment.start_workers(2, concurrency=3, llm__retry_base_seconds=0, tasks__max_attempts=1)
        yield product, await furnish(product)


def view_named(name: str, furnished: Furnished) -> View:
    [view] = [view for view in views_of(furnished) if view.name == name]
    return view


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", NAMES)
async def test_axe_finds_nothing_in_light_and_in_dark(
    furnished: tuple[Product, Furnished], visit: Visiting, name: str, size: tuple[int, int]
) -> None:
    product, places = furnished
    view = view_named(name, places)
    # axe is a script from elsewhere, which the page's own policy would not let in.
    page = await (await visit(product.api, size=size, without_policy=True)).open(view.path)
    await view.shown(page)
    assert await violations(page) == []
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert await violations(page) == []


@pytest.mark.parametrize("name", NAMES)
async def test_an_address_loads_again_fits_a_phone_and_breaks_no_policy(
    furnished: tuple[Product, Furnished], visit: Visiting, name: str
) -> None:
    product, places = furnished
    view = view_named(name, places)
    page = await (await visit(product.api, size=PHONE)).open(view.path)
    await view.shown(page)
    await page.reload()
    await view.shown(page)
    assert page.url.endswith(view.path)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE[0]


async def test_a_script_that_is_not_ours_does_not_run(furnished: tuple[Product, Furnished], browser: Browser) -> None:
    product, _ = furnished
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(f"{product.api.url}/#/nowhere")
    await page.locator("main .state-title").wait_for()
    await page.evaluate(
        "document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/'}))"
    )
    for way in (
        "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))",
        "document.body.innerHTML = '<p>text</p>'",
        "fetch('http://127.0.0.1:9/')",
        "document.body.setAttribute('onclick', 'document.title = 1')",
    ):
        refused = await page.evaluate(
            f"(async () => {{ try {{ await ({way}) }} catch (error) {{ return error.name }} }})()"
        )
        assert refused == "TypeError" or any("Content Security Policy" in text for text in said), (way, said)
    assert "Promptmill" in await page.title()
    await page.close()
