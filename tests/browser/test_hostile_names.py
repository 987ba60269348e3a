"""Names that their owners chose without a thought for phones: no view is wider than one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visiting
from tests.browser.furnishing import Furnished
from tests.browser.product import Product, running_product
from tests.browser.views import View, views_of
from tests.support.backend import kafka_settings_for, redis_settings_for, topics_deleted_afterwards, unique_prefix
from tests.support.fake_model import running_fake_model
from tests.support.processes import running_processes
from tests.support.waiting import until

# As long as each may be, or longer than any phone is wide, and without a place to be broken at.
PREFIX = f"{'e' * 52}."
MODEL = "m" * 200
METADATA = {"k" * 60: "v" * 512, "short": "1"}
PROMPT = "p" * 400
CODE = "c" * 64
WIDTHS = (360, 390)
NAMES = [view.name for view in views_of(Furnished("ID", "ID", "ID", "0-0", "TOPIC", "WORKER", ("ID",)))]


@pytest.fixture(scope="module")
async def places(
    kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Product, Furnished]]:
    async with AsyncExitStack() as running:
        settings = kafka_settings_for(kafka_bootstrap, f"{unique_prefix()}{PREFIX}")
        kafka = await running.enter_async_context(topics_deleted_afterwards(settings))
        model = await running.enter_async_context(running_fake_model())
        processes = await running.enter_async_context(running_processes())
        redis, folder = redis_settings_for(redis_url, unique_prefix()), tmp_path_factory.mktemp("hostile")
        product = await running.enter_async_context(running_product(processes, kafka, redis, model, folder))
        await product.deployment.start_worker(concurrency=3, llm__retry_base_seconds=0, tasks__max_attempts=1)
        yield product, await furnished_by_a_stranger(product)


async def furnished_by_a_stranger(product: Product) -> Furnished:
    api = product.api
    prompt = {"messages": [{"role": "user", "content": PROMPT}], "model": MODEL, "metadata": METADATA, "n" * 60: PROMPT}
    [completed] = await api.submit([prompt])
    await api.wait_until_completed([completed])
    await product.model.behave(error_code=CODE, error_message="w" * 300)
    [failed] = await api.submit([prompt])
    await api.wait_until_final([failed])

    async def letter() -> str | None:
        answer = await api.ask("GET", "/v1/operator/dead-letters")
        return next((str(one["id"]) for one in answer.body["dead_letters"]), None)

    found = await until(letter, what="the dead letter")
    [worker] = (await api.ask("GET", "/v1/operator/workers")).body["workers"]
    topic = f"{product.kafka.topic_prefix}tasks.interactive"
    return Furnished(completed, failed, completed, str(found), topic, worker["worker"], (completed, failed))


def view_named(name: str, places: Furnished) -> View:
    [view] = [view for view in views_of(places) if view.name == name]
    # What is there once a view is whole is another's words here.
    return View(name, view.path, "main h1") if name in {"submit", "dead-letters"} else view


async def too_wide(page: Page) -> list[str]:
    """What stands out of the window, and the width of the page where it is wider."""
    found: list[str] = await page.evaluate(
        """() => {
          const wide = document.documentElement.scrollWidth;
          if (wide <= innerWidth) return [];
          const out = [...document.querySelectorAll("main *")].filter(
            (one) => one.getBoundingClientRect().right > innerWidth + 1);
          return [`${wide} of ${innerWidth}`, ...out.slice(0, 8).map((one) => `${one.tagName}.${one.className}`)];
        }"""
    )
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
async def test_no_view_is_wider_than_a_phone(
    places: tuple[Product, Furnished], visit: Visiting, name: str, width: int
) -> None:
    product, where = places
    view = view_named(name, where)
    page = await (await visit(product.api, size=(width, 740))).open(view.path)
    await view.shown(page)
    await expect(page.locator(".state-loading")).to_have_count(0)
    if name == "topic":
        await page.get_by_role("checkbox").check()
        await expect(page.locator(".value")).to_have_count(2)
    assert await too_wide(page) == []


async def test_a_code_is_broken_at_its_underscores_alone(product: Product, visit: Visiting) -> None:
    await product.model.behave(status=400, error_code="context_length_exceeded_by_far")
    [task_id] = await product.api.submit(["one"])
    await product.api.wait_until_final([task_id])
    page = await (await visit(product.api, size=(360, 740))).open("#/dead-letters")
    await page.get_by_role("link", name="Letter").click()
    code = page.locator(".facts code")
    await expect(code).to_have_text("context_length_exceeded_by_far")
    lines = await code.evaluate(
        """(code) => {
          const range = document.createRange();
          const lines = [];
          let top = null;
          for (const text of [...code.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
            for (let index = 0; index < text.length; index += 1) {
              range.setStart(text, index);
              range.setEnd(text, index + 1);
              const box = range.getBoundingClientRect();
              if (top === null || box.top > top + 2) lines.push("");
              top = box.top;
              lines[lines.length - 1] += text.data[index];
            }
          }
          return lines;
        }"""
    )
    assert len(lines) > 1
    assert all(line.endswith("_") for line in lines[:-1]), lines
