"""Pages of the dashboard as a test opens them. What no page may do is noted, and fails the test."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request

Theme = Literal["light", "dark"]
DESKTOP = (1280, 900)
PHONE = (390, 844)
# Their own, or none's.
_OF_NO_HOST = {"data", "blob", "about"}
_PATIENCE_MS = 60_000
_NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
_MOST_OPENINGS = 10


@dataclass
class Visit:
    """One browser of one user, at one API. `troubles` are what went wrong unseen; `disturbances` are not the page's."""

    origin: str
    context: BrowserContext
    expected: Sequence[str] = ()
    troubles: list[str] = field(default_factory=list)
    disturbances: int = 0

    async def open(self, path: str = "#/") -> Page:
        """Open a view by its address, in a page of its own.

        Raises:
            AssertionError: the machine's networks change again and again.
        """
        for _ in range(_MOST_OPENINGS):
            page, disturbances = await self.context.new_page(), self.disturbances
            try:
                await page.goto(f"{self.origin}/{path}")
            except Error as error:
                if _NETWORK_CHANGED not in error.message:
                    raise
            else:
                if self.disturbances == disturbances:
                    return page
            await page.close()
        raise AssertionError(f"{_MOST_OPENINGS} times the machine's networks changed while the page was loaded")

    def check(self) -> None:
        """Raises AssertionError where anything went wrong that was not expected."""
        unexpected = [trouble for trouble in self.troubles if not any(part in trouble for part in self.expected)]
        assert not unexpected, "\n".join(unexpected)

    def note(self, page: Page) -> None:
        """Listen to a page from its first moment."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # A container or a namespace beside us came or went: the browser drops what waits for a connection.
        if _NETWORK_CHANGED in message.text:
            self.disturbances += 1
        elif message.type in {"error", "warning"}:
            self.troubles.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in _OF_NO_HOST and f"{url.scheme}://{url.netloc}" != self.origin:
            self.troubles.append(f"a request left the origin: {request.method} {request.url}")


@asynccontextmanager
async def visiting(
    browser: Browser,
    origin: str,
    *,
    theme: Theme = "light",
    size: tuple[int, int] = DESKTOP,
    expected: Sequence[str] = (),
    without_policy: bool = False,
) -> AsyncIterator[Visit]:
    """Visit an API's dashboard while the body runs, then say what went wrong unseen.

    Args:
        browser: Real.
        origin: The API's URL.
        theme: What the system has.
        size: Of the window, in CSS pixels; that of a phone has a finger and no mouse.
        expected: Parts of what may go wrong here, as a browser reports it.
        without_policy: The page's own policy is set aside, for tools that put scripts of theirs into it.

    Raises:
        AssertionError: a page complained, failed, or sent a request elsewhere.
    """
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        has_touch=size == PHONE,
        is_mobile=size == PHONE,
        device_scale_factor=2 if size == PHONE else 1,
        color_scheme=theme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
        bypass_csp=without_policy,
    )
    context.set_default_timeout(_PATIENCE_MS)
    visit = Visit(origin, context, expected)
    context.on("page", visit.note)
    try:
        yield visit
        visit.check()
    finally:
        await context.close()
