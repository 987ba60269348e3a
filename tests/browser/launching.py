"""A real browser without a window."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

from tests.browser.program import browser_program

# It is to speak to our own servers, and to nobody of its maker's.
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_PATIENCE_MS = 60_000


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """Run a browser while the body runs.

    Raises:
        NoBrowser: there is none here, and none could be installed.
    """
    async with async_playwright() as playwright:
        program = await browser_program(Path(playwright.chromium.executable_path))
        # As root it cannot make its sandbox.
        sandbox = () if os.geteuid() else ("--no-sandbox",)
        browser = await playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *sandbox])
        expect.set_options(timeout=_PATIENCE_MS)
        try:
            yield browser
        finally:
            await browser.close()
