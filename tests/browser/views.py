"""Every view of the dashboard, with its address on a service that is furnished, and what says that it is all there."""

from dataclasses import dataclass

from playwright.async_api import Page, expect

from tests.browser.furnishing import Furnished


@dataclass(frozen=True, slots=True)
class View:
    """`path` is the address behind the API's; `sign` and `text`, where one is given, are there once it is whole."""

    name: str
    path: str
    sign: str
    text: str | None = None

    async def shown(self, page: Page) -> None:
        """Wait until it is whole."""
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        sign = page.locator(self.sign) if self.text is None else page.locator(self.sign, has_text=self.text)
        await expect(sign.first).to_be_visible()


def views_of(furnished: Furnished) -> tuple[View, ...]:
    """All of them, in the order of the navigation."""
    shared = ",".join(furnished.shown)
    return (
        View("submit", f"#/?task_ids={shared}", ".task-card .badge", "processing"),
        View("tasks", "#/tasks", "main table tbody tr"),
        View("task", f"#/tasks/{furnished.completed}", "main .answer", "echo"),
        View("task-failed", f"#/tasks/{furnished.failed}", "main .note-bad"),
        View("overview", "#/overview", ".chart-bar"),
        View("workers", "#/workers", "main .badge", "working"),
        View("worker", f"#/workers?worker={furnished.worker}", "main .facts"),
        View("topics", "#/topics", "main .badge", "in sync"),
        View("topic", f"#/topics/{furnished.topic}", "main .kafka-record"),
        View("dead-letters", "#/dead-letters", "main .badge", "context_length_exceeded"),
        View("dead-letter", f"#/dead-letters/{furnished.letter}", "main .value"),
        View("unknown", "#/nowhere", "main .state-title"),
    )
