"""How much is measured: all of it, or as little as shows that everything works."""

from dataclasses import dataclass

from benchmarks.model.answers import STREAMED_PIECES


@dataclass(frozen=True, slots=True)
class WorkerCase:
    """Seconds of one call and the share by which it varies; calls at once; calls in all."""

    latency: float
    jitter: float
    concurrency: int
    tasks: int

    @property
    def name(self) -> str:
        """What tables call it."""
        seconds = f"{self.latency:g} s" if self.latency >= 1 else f"{1000 * self.latency:g} ms"
        return f"{seconds}, {self.concurrency} at once"

    @property
    def ceiling(self) -> float:
        """Calls in a second when every slot is always busy."""
        return self.concurrency / self.latency


@dataclass(frozen=True, slots=True)
class IngestCase:
    """Prompts in a request, requests in all, requests at once."""

    prompts_a_request: int
    requests: int
    at_once: int

    @property
    def name(self) -> str:
        """What tables call it."""
        prompts = "1 prompt" if self.prompts_a_request == 1 else f"{self.prompts_a_request:,} prompts"
        return f"{prompts} a request, {self.at_once} requests at once"


@dataclass(frozen=True, slots=True)
class CancelCase:
    """Tasks that are cancelled at random moments of the `seconds` over which they are spread; slots of each worker."""

    tasks: int
    seconds: float
    workers: int
    concurrency: int

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.tasks:,} tasks in {self.seconds:g} s, {self.workers} workers of {self.concurrency}"


@dataclass(frozen=True, slots=True)
class FollowersCase:
    """Answers that stream at once, clients that follow one of them each, seconds of an answer in 50 pieces."""

    streams: int
    followers: int
    seconds: float

    @property
    def name(self) -> str:
        """What tables call it."""
        pieces = STREAMED_PIECES / self.seconds
        return f"{self.followers:,} followers of {self.streams} answers, {pieces:g} pieces a second each"


@dataclass(frozen=True, slots=True)
class WaitsCase:
    """Clients that wait for a task each, for how long, and how many ends are looked for one at a time."""

    clients: int
    seconds: float
    ends: int

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.clients:,} clients for {self.seconds:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rounds of every suite, and the suites' own numbers.

    Args:
        rounds: How often each contender is measured.
        worker: The case that all contenders run, and the cases of the few that matter most.
        streamed: The case of streamed answers.
        ingest: In bulk and one by one.
        reads: GETs of one id; of a hundred ids a fifth of it.
        probes: Tasks that are followed from request to result, one at a time.
        capacity: What tells how much a worker can do, before half of it is asked of it.
        worker_counts: Workers side by side.
        side_by_side: The case that each of them runs its share of.
        backlogs: Tasks that wait while the cost of one is measured.
        backlog: The case that is run over each backlog.
        concurrencies: Slots of a worker whose memory is measured.
        cancel: Calls that are ended in the middle.
        followers: Streams of events.
        waits: GETs that wait.
    """

    rounds: int
    worker: tuple[WorkerCase, ...]
    streamed: WorkerCase
    ingest: tuple[IngestCase, ...]
    reads: int
    probes: int
    capacity: WorkerCase
    worker_counts: tuple[int, ...]
    side_by_side: WorkerCase
    backlogs: tuple[int, ...]
    backlog: WorkerCase
    concurrencies: tuple[int, ...]
    cancel: CancelCase
    followers: FollowersCase
    waits: WaitsCase


def full() -> Sizes:
    """Return what the published figures are measured with."""
    return Sizes(
        rounds=3,
        worker=(
            WorkerCase(latency=0.1, jitter=0.2, concurrency=200, tasks=4000),
            WorkerCase(latency=0.01, jitter=0.2, concurrency=200, tasks=4000),
            WorkerCase(latency=1.0, jitter=0.2, concurrency=200, tasks=2000),
        ),
        streamed=WorkerCase(latency=1.0, jitter=0.2, concurrency=100, tasks=800),
        ingest=(
            IngestCase(prompts_a_request=1000, requests=100, at_once=4),
            IngestCase(prompts_a_request=1, requests=5000, at_once=64),
        ),
        reads=5000,
        probes=200,
        capacity=WorkerCase(latency=0.1, jitter=0.2, concurrency=200, tasks=2000),
        worker_counts=(1, 2, 4),
        side_by_side=WorkerCase(latency=1.0, jitter=0.2, concurrency=50, tasks=400),
        backlogs=(1_000, 10_000, 100_000, 1_000_000),
        backlog=WorkerCase(latency=0.1, jitter=0.2, concurrency=100, tasks=1000),
        concurrencies=(10, 100, 1000),
        cancel=CancelCase(tasks=500, seconds=10.0, workers=2, concurrency=250),
        followers=FollowersCase(streams=200, followers=1000, seconds=10.0),
        waits=WaitsCase(clients=1000, seconds=20.0, ends=200),
    )


def quick() -> Sizes:
    """Return what only shows that everything works; its figures mean nothing."""
    few = WorkerCase(latency=0.05, jitter=0.2, concurrency=10, tasks=60)
    return Sizes(
        rounds=1,
        worker=(few,),
        streamed=few,
        ingest=(
            IngestCase(prompts_a_request=100, requests=4, at_once=2),
            IngestCase(prompts_a_request=1, requests=20, at_once=4),
        ),
        reads=20,
        probes=5,
        capacity=few,
        worker_counts=(1, 2),
        side_by_side=few,
        backlogs=(60, 200),
        backlog=few,
        concurrencies=(10, 20),
        cancel=CancelCase(tasks=60, seconds=1.0, workers=2, concurrency=10),
        followers=FollowersCase(streams=10, followers=30, seconds=1.0),
        waits=WaitsCase(clients=10, seconds=2.0, ends=5),
    )
