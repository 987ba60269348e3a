"""The texts of streamed answers on their way to the store: all of a worker's in few round trips, each in few parts."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from common.store.claims import Hold, MoreText
from common.store.leases import Leases
from common.store.scripts import StoreUnavailable
from common.store.texts import MOST_BYTES, MOST_PARTS
from common.task import Progress, Task
from consumer.llm.lease_keeper import HeldLease
from consumer.llm.metrics import LlmMetrics
from consumer.llm.store_pace import StorePace

# Twenty parts of one text a second, at most; what comes of others meanwhile goes out sooner.
_BETWEEN_PARTS_SECONDS = 0.05
_GATHER_SECONDS = 0.01
_TEXTS_PER_ROUND_TRIP = 256


class TextFlow:
    """The text of one call, as it comes; `asked_at` is when the call began, `due_at` when more of it may be told."""

    def __init__(self, lease: HeldLease, flows: "TextFlows", asked_at: float) -> None:
        self.lease = lease
        self.asked_at = asked_at
        self.due_at = 0.0
        self._flows = flows
        self._is_silent = True
        self._limit = token_limit(lease.claim.task)
        self._told_bytes = 0
        self._told_parts = 0
        self._untold: list[bytes] = []
        self._untold_bytes = 0
        self._tokens = 0

    def add(self, text: str, tokens: int) -> None:
        """More text; `tokens` as received so far. Of a very long one the rest is told with the answer."""
        self._tokens = tokens
        if self._is_silent:
            self._is_silent = False
            self._flows.begun(self)
        if self._told_parts < MOST_PARTS and self._told_bytes + self._untold_bytes < MOST_BYTES:
            content = text.encode()
            self._untold.append(content)
            self._untold_bytes += len(content)
            self._flows.wake(self)

    def untold(self) -> MoreText:
        """What is to be told next."""
        progress = progress_at(self._tokens, self._limit)
        return MoreText(self.lease.claim, self._told_bytes, b"".join(self._untold), self._tokens, progress)

    def told(self, more: MoreText) -> None:
        """The store has this."""
        self._told_bytes += len(more.content)
        self._told_parts += 1
        later = b"".join(self._untold)[len(more.content) :]
        self._untold, self._untold_bytes = ([later] if later else []), len(later)
        if later:
            self._flows.wake(self)


class TextFlows:
    """Those of one worker; `run` tells the store of them until it is cancelled. `clock` is monotonic."""

    def __init__(self, leases: Leases, *, pace: StorePace, clock: Callable[[], float], metrics: LlmMetrics) -> None:
        self._leases = leases
        self._clock = clock
        self._pace = pace
        self._metrics = metrics
        self._waiting: dict[TextFlow, None] = {}
        self._woken = asyncio.Event()
        self._failures = 0
        self._log = structlog.get_logger(__name__)

    @contextmanager
    def flowing(self, lease: HeldLease) -> Iterator[TextFlow]:
        """A text whose parts are told while the body runs; what is left then comes with the answer."""
        flow = TextFlow(lease, self, self._clock())
        try:
            yield flow
        finally:
            self._waiting.pop(flow, None)

    def begun(self, flow: TextFlow) -> None:
        """The first of this text has come."""
        self._metrics.first_text_seconds.observe(self._clock() - flow.asked_at)

    def wake(self, flow: TextFlow) -> None:
        """There is more of this text."""
        self._waiting[flow] = None
        self._woken.set()

    async def run(self) -> None:
        """Tell of what is due, then let more gather."""
        while True:
            await self._woken.wait()
            now = self._clock()
            due = [flow for flow in self._waiting if flow.due_at <= now]
            for first in range(0, len(due), _TEXTS_PER_ROUND_TRIP):
                await self._tell(due[first : first + _TEXTS_PER_ROUND_TRIP])
            if not self._waiting:
                self._woken.clear()
            await asyncio.sleep(self._pace.delay_seconds(self._failures) if self._failures else _GATHER_SECONDS)

    async def _tell(self, flows: Sequence[TextFlow]) -> None:
        for flow in flows:
            self._waiting.pop(flow, None)
            flow.due_at = self._clock() + _BETWEEN_PARTS_SECONDS
        texts = [flow.untold() for flow in flows]
        runs = [flow.lease.runs for flow in flows]
        try:
            holds = await self._leases.stream(list(zip(texts, runs, strict=True)))
        except StoreUnavailable as error:
            self._failures += 1
            self._metrics.store_failures.labels("stream").inc()
            if self._failures == 1:
                self._log.warning("texts not told", texts=len(texts), reason=str(error))
            for flow in flows:
                self.wake(flow)
            return
        self._failures = 0
        for flow, more, hold in zip(flows, texts, holds, strict=True):
            # Of one that is no longer ours the keeper hears by itself.
            if hold is Hold.HELD:
                flow.told(more)


def token_limit(task: Task) -> int | None:
    """How many tokens the request allows the answer to have, if it says so."""
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        limit = task.body.get(name)
        if isinstance(limit, int) and limit > 0:
            return limit
    return None


def progress_at(tokens: int, limit: int | None) -> int:
    """Percent, from the call to the answer, by tokens received; no guess where nobody knows how many there will be."""
    if limit is None:
        return Progress.CALLED
    return Progress.CALLED + (Progress.ANSWERED - Progress.CALLED) * min(tokens, limit) // limit
