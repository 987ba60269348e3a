"""The coordinator of one consumer group with eager rebalances, as Kafka's classic protocol has it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from aiokafka import TopicPartition
from aiokafka.errors import IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

NO_GENERATION = -1


@dataclass(frozen=True, slots=True)
class Joined:
    """What a member is told when the group has formed anew."""

    member_id: str
    generation: int
    partitions: Sequence[TopicPartition]


@dataclass
class _Member:
    session_seconds: float
    seen_at: float
    joining: "asyncio.Future[Joined] | None" = None


@dataclass
class KafkaGroup:
    """`partitions` are to be shared out, `now` is any clock in seconds, `on_commit` hears of a commit before it counts.

    Members that are silent for their session are put out when anybody asks the next time.
    """

    partitions: Sequence[TopicPartition]
    now: Callable[[], float]
    on_commit: Callable[[Mapping[TopicPartition, int]], None]
    generation: int = 0
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    _members: dict[str, _Member] = field(default_factory=dict)
    _join_until: float | None = None
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def is_empty(self) -> bool:
        return not self._members

    @property
    def next_deadline(self) -> float | None:
        """When somebody is to be put out, unless heard of before."""
        deadlines = [member.seen_at + member.session_seconds for member in self._members.values() if not member.joining]
        if self._join_until is not None:
            deadlines.append(self._join_until)
        return min(deadlines, default=None)

    def join(
        self, member_id: str | None, *, session_seconds: float, rebalance_seconds: float
    ) -> "asyncio.Future[Joined]":
        """A member wants to be of the next generation; a new one has no id yet."""
        self.expire()
        if member_id not in self._members:
            # Ids have no order in time, so that partitions move when a member comes back.
            number = next(self._numbers)
            member_id = f"{number * 7919 % 1000:03d}-{number}"
        joining = asyncio.get_running_loop().create_future()
        self._members[member_id] = _Member(session_seconds, self.now(), joining)
        self._begin(rebalance_seconds)
        self._form()
        return joining

    def leave(self, member_id: str) -> None:
        member = self._members.pop(member_id, None)
        if member is not None:
            self._begin(member.session_seconds * 3)
            self._form()

    def heartbeat(self, member_id: str, generation: int) -> None:
        """Raises what the member has to know: it is none, not of this generation, or has to join anew."""
        self._checked(member_id, generation)
        if self._join_until is not None:
            raise RebalanceInProgressError

    def commit(self, member_id: str | None, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        """Set offsets; raises where the member is none, or of another generation."""
        self.expire()
        if not (generation < 0 and self.is_empty):
            self._checked(member_id, generation)
        self.on_commit(offsets)
        self.committed.update(offsets)

    def expire(self) -> None:
        """Put out who is silent for too long, or keeps the others from forming the group."""
        now = self.now()
        late = self._join_until is not None and now >= self._join_until
        gone = [
            member_id
            for member_id, member in self._members.items()
            if member.joining is None and (late or now >= member.seen_at + member.session_seconds)
        ]
        for member_id in gone:
            self.leave(member_id)

    def _checked(self, member_id: str | None, generation: int) -> None:
        self.expire()
        member = self._members.get(member_id or "")
        if member is None:
            raise UnknownMemberIdError
        if generation != self.generation or member.joining is not None:
            raise IllegalGenerationError
        member.seen_at = self.now()

    def _begin(self, rebalance_seconds: float) -> None:
        if self._join_until is None:
            self._join_until = self.now() + rebalance_seconds

    def _form(self) -> None:
        if any(member.joining is None for member in self._members.values()):
            return
        self._join_until = None
        self.generation += 1
        shares: dict[str, list[TopicPartition]] = {member_id: [] for member_id in sorted(self._members)}
        if shares:
            for topic_partition, member_id in zip(sorted(self.partitions), cycle(shares)):
                shares[member_id].append(topic_partition)
        for member_id, share in shares.items():
            member = self._members[member_id]
            joining, member.joining, member.seen_at = member.joining, None, self.now()
            if joining is not None and not joining.done():
                joining.set_result(Joined(member_id, self.generation, share))
