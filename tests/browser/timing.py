"""How long the page takes by its own clock: from the event to the paint, the server's time apart."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.async_api import Page

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


@dataclass(frozen=True, slots=True)
class Timing:
    """In milliseconds; `own` is without what the page waited for answers."""

    whole: float
    waited: float

    @property
    def own(self) -> float:
        return self.whole - self.waited


async def timed(page: Page, act: Callable[[], Awaitable[object]], event: str, done: str) -> Timing:
    """Act as a user, and measure from `event` to the paint in which the JavaScript expression `done` holds."""
    await page.evaluate(f"() => {{ globalThis.measured = measureNext('{event}', () => {done}); }}")
    await act()
    result: dict[str, Any] = await page.evaluate("() => globalThis.measured")
    return Timing(result["whole"], result["waited"])


def typical(timings: list[Timing]) -> float:
    """The median of the page's own times: one of many may have met a busy machine."""
    return median(timing.own for timing in timings)
