"""`python -m tests.browser.screenshots FOLDER`: pictures of every view, light and dark, on a desktop and on a phone."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser

from cli.stack.kafka import running_kafka
from cli.stack.valkey import running_valkey
from tests.browser.furnishing import Furnished, furnish
from tests.browser.launching import running_browser
from tests.browser.product import Product, running_product
from tests.browser.views import View, views_of
from tests.browser.visit import DESKTOP, PHONE, Theme, visiting
from tests.support.backend import kafka_settings_for, redis_settings_for
from tests.support.fake_model import running_fake_model
from tests.support.processes import running_processes

_SIZES = {"desktop": DESKTOP, "phone": PHONE}
_THEMES: tuple[Theme, ...] = ("light", "dark")


async def take(folder: Path, *, only: str) -> None:
    """Start everything, let it work, and take the pictures of the views whose names contain `only`."""
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary)
        async with (
            running_kafka(data / "kafka") as bootstrap,
            running_valkey(data / "valkey") as url,
            running_fake_model() as model,
            running_processes() as processes,
            running_product(
                processes,
                kafka_settings_for(bootstrap, "promptmill."),
                redis_settings_for(url, "pm:"),
                model,
                data,
            ) as product,
            running_browser() as browser,
        ):
            await product.deployment.start_workers(2, concurrency=3, llm__retry_base_seconds=0, tasks__max_attempts=1)
            furnished = await furnish(product)
            await _take_all(browser, product, furnished, folder, only)


async def _take_all(browser: Browser, product: Product, furnished: Furnished, folder: Path, only: str) -> None:
    for size_name, size in _SIZES.items():
        for theme in _THEMES:
            async with visiting(browser, product.api.url, theme=theme, size=size) as visit:
                page = await visit.open("#/nowhere")
                for view in (view for view in views_of(furnished) if only in view.name):
                    await page.goto(f"{product.api.url}/{view.path}")
                    await view.shown(page)
                    await page.screenshot(path=folder / _file(view, theme, size_name), full_page=size == PHONE)


def _file(view: View, theme: Theme, size: str) -> str:
    return f"{view.name}-{size}-{theme}.png"


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where they go")
    parser.add_argument("--only", default="", help="a part of the views' names")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(asked.folder, only=asked.only))
    return 0


if __name__ == "__main__":
    sys.exit(main())
