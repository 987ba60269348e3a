"""A hundred thousand tasks in the store: what one does in the list is done at once."""

from statistics import median

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visiting
from tests.browser.many_tasks import accept_many
from tests.browser.product import Product
from tests.browser.timing import SCRIPT, Stopwatch, Timing

COUNT = 100_000
PAGE = 50
REPEATS = 7
AT_ONCE_MS = 100
FIRST = "document.querySelector('main tbody .main-cell a')"
LAST = "[...document.querySelectorAll('main tbody .main-cell a')].at(-1)"
SHOWN = "document.querySelectorAll('main tbody tr').length"


def is_first(task_id: str) -> str:
    return f"{FIRST}?.title === '{task_id}' && {SHOWN} === {PAGE}"


async def list_of(product: Product, **query: str) -> list[str]:
    """More ids than a page has; of a filtered list one request may find few."""
    ids: list[str] = []
    while len(ids) <= PAGE:
        answer = await product.api.ask("GET", "/v1/tasks", params={"limit": "100", **query})
        ids += [task["task_id"] for task in answer.body["tasks"]]
        query["after"] = answer.body["next"]
    return ids


async def back_to_all(page: Page, rows: Locator, first: str) -> None:
    await page.goto(page.url.partition("#")[0] + "#/tasks")
    await expect(rows).to_have_count(PAGE)
    await expect(rows.first.get_by_role("link")).to_have_attribute("title", first)


async def test_filtering_paging_and_opening_take_the_page_less_than_a_tenth_of_a_second(
    product: Product, visit: Visiting, capsys: pytest.CaptureFixture[str]
) -> None:
    await accept_many(product.redis, COUNT)
    # The newest has a record that can be read.
    await product.api.wait_until_completed(await product.api.submit(["one of many"]))
    everything = await list_of(product)
    interactive = await list_of(product, lane="interactive")
    browsing = await visit(product.api)
    # The page's policy lets scripts of its own run only, and this one is the browser's.
    await browsing.context.add_init_script(SCRIPT)
    page = await browsing.open("#/tasks")
    rows = page.locator("main tbody tr")
    lane = page.get_by_label("Lane")
    watch = await Stopwatch.of(page)
    taken: dict[str, list[Timing]] = {"filter": [], "next page": [], "open": []}
    for _ in range(REPEATS):
        await back_to_all(page, rows, everything[0])
        older = page.get_by_role("button", name="Older")
        taken["next page"].append(await watch.time(older.click, "click", is_first(everything[PAGE])))
        await back_to_all(page, rows, everything[0])
        done = f"{is_first(interactive[0])} && {LAST}?.title === '{interactive[PAGE - 1]}'"
        taken["filter"].append(await watch.time(lambda: lane.select_option("interactive"), "change", done))
        await back_to_all(page, rows, everything[0])
        link = rows.first.get_by_role("link")
        taken["open"].append(await watch.time(link.click, "click", "document.querySelector('main .task-state')"))
    work = {name: median(timing.work for timing in timings) for name, timings in taken.items()}
    with capsys.disabled():
        for name, timings in taken.items():
            whole, waited = (median(getattr(timing, part) for timing in timings) for part in ("whole", "waited"))
            said = f"{name}: {work[name]:.0f} ms of the page's work, {whole:.0f} ms to the paint ({waited:.0f} waiting)"
            print(f"\n{said}", end="")  # noqa: T201 - a figure to be seen
    assert max(work.values()) < AT_ONCE_MS, taken
