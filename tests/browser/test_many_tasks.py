"""A hundred thousand tasks in the store: what one does in the list is done at once."""

import re

from playwright.async_api import Page, expect

from common.settings import KafkaSettings, RedisSettings
from tests.browser.conftest import Visiting
from tests.browser.many_tasks import accept_many
from tests.browser.product import Product
from tests.browser.timing import SCRIPT, Timing, timed, typical

COUNT = 100_000
PAGE = 50
REPEATS = 9
AT_ONCE_MS = 100
ROWS = "[...document.querySelectorAll('main tbody tr')]"


async def test_filtering_paging_and_opening_take_the_page_less_than_a_tenth_of_a_second(
    product: Product, visit: Visiting, capsys: object
) -> None:
    ids = await accept_many(product.redis, COUNT)
    browsing = await visit(product.api)
    await browsing.context.add_init_script(SCRIPT)
    page = await browsing.open("#/tasks")
    rows = page.locator("main tbody tr")
    await expect(rows).to_have_count(PAGE)
    taken: dict[str, list[Timing]] = {"filter": [], "next page": [], "open": []}
    for number in range(REPEATS):
        await page.goto(f"{product.api.url}/#/tasks")
        await expect(rows).to_have_count(PAGE)
    assert ids
