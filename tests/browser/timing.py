"""How long the page takes for what it is asked, from the event to the paint, and how much of that is its own work."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Page

# Runs before the page's own scripts. A measurement begins with the next event that the user makes.
SCRIPT = """
globalThis.measureNext = (event, isDone) => new Promise((resolve) => {
  const painted = () => new Promise((paint) => requestAnimationFrame(() => setTimeout(paint)));
  addEventListener(event, (begun) => {
    const from = begun.timeStamp;
    const observer = new MutationObserver(check);
    let isOver = false;
    async function check() {
      if (isOver || !isDone()) return;
      isOver = true;
      observer.disconnect();
      await painted();
      const to = performance.now();
      const waits = performance.getEntriesByType("resource")
        .filter((entry) => entry.startTime >= from && entry.responseEnd <= to && entry.initiatorType === "fetch")
        .map((entry) => [entry.startTime, entry.responseEnd])
        .sort((one, other) => one[0] - other[0]);
      let waited = 0;
      let covered = from;
      for (const [start, end] of waits) {
        waited += Math.max(0, end - Math.max(start, covered));
        covered = Math.max(covered, end);
      }
      resolve({ whole: to - from, waited });
    }
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    check();
  }, { capture: true, once: true });
});
"""


_WORK = {"ScriptDuration", "RecalcStyleDuration", "LayoutDuration"}


@dataclass(frozen=True, slots=True)
class Timing:
    """In milliseconds: from the event to the paint, what of it was spent waiting for answers, and the page's own work.

    That is the time of a processor that its scripts, styles and layout took: on a busy machine much the same. What the
    browser takes to paint, here without a graphics card, and to talk to the test is not in it.
    """

    whole: float
    waited: float
    work: float


class Stopwatch:
    """Times what a user does in a page."""

    def __init__(self, page: Page, debugger: CDPSession) -> None:
        self._page = page
        self._debugger = debugger

    @classmethod
    async def of(cls, page: Page) -> "Stopwatch":
        """One for this page, which has run `SCRIPT`."""
        debugger = await page.context.new_cdp_session(page)
        await debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
        return cls(page, debugger)

    async def time(self, act: Callable[[], Awaitable[object]], event: str, done: str) -> Timing:
        """Act as a user, and measure from `event` to the paint in which the JavaScript expression `done` holds."""
        await self._page.evaluate(f"() => {{ globalThis.measured = measureNext('{event}', () => {done}); }}")
        before = await self._worked()
        await act()
        result: dict[str, Any] = await self._page.evaluate("() => globalThis.measured")
        return Timing(result["whole"], result["waited"], await self._worked() - before)

    async def _worked(self) -> float:
        metrics = (await self._debugger.send("Performance.getMetrics"))["metrics"]
        return 1000 * sum(float(metric["value"]) for metric in metrics if metric["name"] in _WORK)
