"""`python -m tests.browser.screenshots FOLDER`: pictures of every view, light and dark, on a desktop and on a phone."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, expect

from cli.stack.kafka import running_kafka
from cli.stack.valkey import running_valkey
from tests.browser.furnishing import Furnished, furnish
from tests.browser.launching import running_browser
from tests.browser.product import Product, running_product
from tests.browser.views import views_of
from tests.browser.visit import DESKTOP, PHONE, Theme, Visit, visiting
from tests.support.backend import kafka_settings_for, redis_settings_for
from tests.support.fake_model import running_fake_model
from tests.support.processes import running_processes

_COLORS = 256
_SIZES = {"desktop": DESKTOP, "phone": PHONE}
# Each longer than what is shown of its answer.
PROMPTS = tuple(
    " ".join(words.split())
    for words in (
        """Tell me how a water mill works, from the river to the sack of flour, in words a child would understand. Begin
        at the weir, go on to the wheel, the shaft and the stones, and end with the miller, who has been up since before
        it was light and hears by the sound of the stones whether the grain runs well.""",
        """Write a letter from a miller to his brother in town, who thinks that mills have no future. Tell him of the
        three new stones, of the farmers that come from beyond the hills, and of the night in March when the water stood
        so high that the wheel turned backwards.""",
        """List what one has to look after in a mill in spring, summer, autumn and winter, each with the reason for it,
        and with what goes wrong where nobody does: the sluice, the belts, the bearings, the sieves and the cat.""",
        """Write a poem about a water mill at night, in four verses that rhyme. The first is about the water, the second
        about the stones, the third about the miller who cannot sleep, and the last about the flour that lies on all of
        it like snow.""",
    )
)
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
            settings = {"concurrency": 3, "llm__retry_base_seconds": 0, "tasks__max_attempts": 1}
            await product.deployment.start_worker(**settings)
            pictures = Pictures(browser, product, folder, only)
            await pictures.take_submitting()
            await product.deployment.start_worker(**settings)
            await pictures.take_all(await furnish(product))


@dataclass(frozen=True, slots=True)
class Pictures:
    """Takes pictures of the views whose names contain `only`, in every theme and size."""

    browser: Browser
    product: Product
    folder: Path
    only: str

    async def take_submitting(self) -> None:
        """Four prompts that were submitted in the page: of three slots each is taken, and one prompt waits."""
        if self.only not in "submit":
            return
        async for visit, name in self._visits():
            page = await visit.open("#/")
            await self.product.model.behave(hold_after=38)
            await page.get_by_label("Prompts", exact=True).fill("\n".join(PROMPTS))
            await page.get_by_role("button", name="Submit 4 prompts").click()
            await expect(page.locator(".task-card .answer", has_text="echo: ")).to_have_count(3)
            await self._take(page, f"submit-{name}")
            await self.product.model.behave()
            await self.product.model.release_all()
            await expect(page.locator(".task-card .badge", has_text="completed")).to_have_count(4)

    async def take_all(self, furnished: Furnished) -> None:
        """The other views, of a service in the middle of its work."""
        async for visit, name in self._visits():
            page = await visit.open("#/nowhere")
            for view in (view for view in views_of(furnished) if self.only in view.name and view.name != "submit"):
                await page.goto(f"{self.product.api.url}/{view.path}")
                await view.shown(page)
                await self._take(page, f"{view.name}-{name}")

    async def _visits(self) -> AsyncIterator[tuple[Visit, str]]:
        for size_name, size in _SIZES.items():
            for theme in _THEMES:
                async with visiting(self.browser, self.product.api.url, theme=theme, size=size) as visit:
                    yield visit, f"{size_name}-{theme}"

    async def _take(self, page: Page, name: str) -> None:
        taken = Image.open(BytesIO(await page.screenshot()))
        # A page has few colors: a palette of them takes a third of the room.
        few = taken.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
        few.save(self.folder / f"{name}.png", optimize=True)


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
