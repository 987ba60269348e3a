"""What axe-core finds on a page: every rule of it, not only those of WCAG."""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page


async def violations(page: Page) -> list[str]:
    """The rules that are broken, each with where and why; the page's own policy must be set aside for it."""
    found: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{rule['id']} ({rule['impact']}): {node['html']}\n  {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
