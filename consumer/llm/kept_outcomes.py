"""What this worker recorded lately, for a store that loses it: bounded, and let go once it is safe elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

from common.store.restoring import Outcome, Restoring
from consumer.llm.metrics import LlmMetrics

# Redis may lose the last second of writes, or more with snapshots; a commit alone does not bring them back.
_KEEP_SECONDS = 10.0
_MAX_OUTCOMES = 10_000
_MAX_BYTES = 32 * 1024 * 1024
_OUTCOMES_PER_ROUND_TRIP = 64

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class _Kept:
    outcome: Outcome
    since: float


class KeptOutcomes:
    """Outcomes by the place (topic, partition, offset) of their task's record.

    One is kept until its offset is committed and at least 10 s. Beyond the bounds the oldest go: their records are
    published by then, so that a rebuild has them. `epoch` counts the losses of the store: who records an outcome says
    under which epoch it began to, for a store that is lost meanwhile may have it or not.
    """

    def __init__(
        self,
        restoring: Restoring,
        *,
        clock: Callable[[], float],
        metrics: LlmMetrics,
        max_outcomes: int = _MAX_OUTCOMES,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self.epoch = 0
        self._restoring = restoring
        self._clock = clock
        self._metrics = metrics
        self._max_outcomes = max_outcomes
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: dict[Place, _Kept] = {}
        self._uncommitted: dict[tuple[str, int], set[Place]] = {}
        self._committed: dict[Place, None] = {}
        self._unsure: dict[Place, None] = {}
        metrics.kept_outcomes.set_function(lambda: len(self._kept))

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    @property
    def unsure(self) -> bool:
        """Whether the store may lack one of them."""
        return bool(self._unsure)

    def keep(self, place: Place, outcome: Outcome, *, epoch: int) -> None:
        """Keep an outcome that the store has recorded, which was begun under `epoch`."""
        self._drop(place)
        self._kept[place] = _Kept(outcome, self._clock())
        self._bytes += len(outcome.value)
        self._uncommitted.setdefault(place[:2], set()).add(place)
        if epoch != self.epoch:
            self._unsure[place] = None
        self.let_go()

    def committed(self, topic: str, partition: int, offset: int) -> None:
        """The group has committed `offset`: all records before it are done."""
        for place in sorted(place for place in self._uncommitted.get((topic, partition), ()) if place[2] < offset):
            self._forget_uncommitted(place)
            self._committed[place] = None
        self.let_go()

    def doubt(self) -> None:
        """The store has lost something, nobody knows what."""
        self.epoch += 1
        self._unsure = dict.fromkeys(self._kept)

    async def write_back(self) -> None:
        """Write what the store may lack. What it knows better stands: a later run, or that the task is deleted.

        Raises:
            StoreUnavailable: Redis is out of reach; what is left is written the next time.
        """
        while self._unsure:
            epoch, places = self.epoch, list(self._unsure)[:_OUTCOMES_PER_ROUND_TRIP]
            restored = await self._restoring.restore([self._kept[place].outcome for place in places])
            self._metrics.written_back.labels("outcome").inc(restored)
            if epoch == self.epoch:
                for place in places:
                    self._unsure.pop(place, None)

    def let_go(self) -> None:
        """Let go what is safe elsewhere, and what there is no room for."""
        enough = self._clock() - _KEEP_SECONDS
        while self._committed and self._kept[place := next(iter(self._committed))].since <= enough:
            self._drop(place)
        while len(self._kept) > self._max_outcomes or self._bytes > self._max_bytes:
            self._metrics.outcomes_let_go.inc()
            self._drop(next(iter(self._committed or self._kept)))

    def _drop(self, place: Place) -> None:
        kept = self._kept.pop(place, None)
        if kept is None:
            return
        self._bytes -= len(kept.outcome.value)
        self._committed.pop(place, None)
        self._unsure.pop(place, None)
        self._forget_uncommitted(place)

    def _forget_uncommitted(self, place: Place) -> None:
        places = self._uncommitted.get(place[:2], set())
        places.discard(place)
        if not places:
            self._uncommitted.pop(place[:2], None)
