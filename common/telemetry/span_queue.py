"""Spans on their way to their receiver: a bounded queue in memory, sent in batches by a thread of its own.

Neither a span's end nor the event loop waits for the receiver. What finds no room, or is not taken, is counted and
given up: traces are for looking at, and no task depends on one.
"""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import structlog
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_MOST_SPANS = 4_096
_SPANS_PER_BATCH = 512
_GATHER_SECONDS = 1.0


class SpanCounts(Protocol):
    """Is told what became of spans."""

    def exported(self, spans: int) -> None:
        """The receiver took them."""

    def lost(self, spans: int, why: str) -> None:
        """They were given up: `refused` by the receiver or never taken to it, or `no_room` for them here."""


class SpanQueue(SpanProcessor):
    """Takes what has ended, on the event loop's thread alone; `run` sends it until it is told to finish."""

    def __init__(self, exporter: SpanExporter, counts: SpanCounts) -> None:
        self._exporter = exporter
        self._counts = counts
        self._waiting: deque[ReadableSpan] = deque()
        self._finishing = False
        self._due = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="export spans")
        self._failures = 0
        self._log = structlog.get_logger(__name__)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is to be done yet."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span, where there is room."""
        if len(self._waiting) >= _MOST_SPANS:
            self._counts.lost(1, "no_room")
            return
        self._waiting.append(span)
        if len(self._waiting) >= _SPANS_PER_BATCH:
            self._due.set()

    async def run(self) -> None:
        """Send batches as they fill, and every second what there is; at the end all that is left."""
        while not self._finishing or self._waiting:
            if len(self._waiting) < _SPANS_PER_BATCH and not self._finishing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_GATHER_SECONDS):
                        await self._due.wait()
            if not self._finishing:
                self._due.clear()
            await self._send_batch()

    def finish(self) -> None:
        """Let `run` send what is left and end."""
        self._finishing = True
        self._due.set()

    def close(self) -> None:
        """Give up what was not sent. A batch that is still being sent ends by its own timeout; nobody waits for it."""
        if self._waiting:
            self._lose(len(self._waiting))
            self._waiting.clear()
        self._exporter.shutdown()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _send_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _SPANS_PER_BATCH))]
        if not batch:
            return
        taken = False
        try:
            taken = await asyncio.get_running_loop().run_in_executor(self._thread, self._export, batch)
        finally:
            if taken:
                self._count(len(batch))
            else:
                self._lose(len(batch))

    def _export(self, batch: list[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - whatever the library makes of an odd receiver: these spans are lost, no more
            return False

    def _count(self, spans: int) -> None:
        self._counts.exported(spans)
        if self._failures:
            self._log.info("traces are exported again", failures=self._failures)
            self._failures = 0

    def _lose(self, spans: int) -> None:
        self._counts.lost(spans, "refused")
        self._failures += 1
        if self._failures.bit_count() == 1:
            # The first and every doubling: a receiver that is away shall not fill the log.
            self._log.warning("traces not exported: see PROMPTMILL_TRACING__ENDPOINT", spans=spans)
