"""What the next poll may ask for, so that memory stays bounded and no partition or lane crowds out another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from consumer.engine.partition import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Bounds of one lane.

    `records` ready to start, and once more as much in shares of single partitions; `bytes` of records ready or in a
    slot; `waiting_records` and `waiting_bytes` of those that wait for another attempt, evenly split over the
    partitions; `window` is in offsets of one partition. `record_bytes` is the largest single record.
    """

    records: int
    bytes: int
    waiting_records: int
    waiting_bytes: int
    window: int
    record_bytes: int


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """Partitions to poll, at most `max_records` of them in all; `complete` when no partition is left out."""

    partitions: Sequence[Partition]
    max_records: int
    complete: bool


def plan_fetch(partitions: Iterable[Partition], limits: FetchLimits, active_bytes: Callable[[str], int]) -> FetchPlan:
    """Which of the assigned partitions have room, and for how many records.

    While the lane is at most half full any partition may fill it, so that a single busy one is read at full speed. Past
    that each still has a share of its own, so that a busy one keeps no other's records from the next turn.
    One poll may return all its records from one partition: `max_records` is therefore what each of the chosen ones
    still takes, and the next poll, without the partition just filled, follows at once.
    """
    lanes: dict[str, list[Partition]] = {}
    for partition in partitions:
        lanes.setdefault(partition.topic, []).append(partition)
    chosen: list[Partition] = []
    room = limits.records
    left_out = False
    for topic, lane in lanes.items():
        share = max(2, -(-limits.records // len(lane)))
        held = sum(partition.buffered for partition in lane)
        common = limits.records - held if held <= limits.records // 2 else 0
        affordable = _affordable(limits, active_bytes(topic))
        for partition in lane:
            # Half full is full enough: a poll for a single free place costs as much as one for many.
            own = share - partition.buffered if partition.buffered <= share // 2 else 0
            takes = min(max(common, own), affordable)
            if takes > 0 and within_bounds(partition, limits, len(lane)):
                chosen.append(partition)
                room = min(room, takes)
            else:
                left_out = True
    return FetchPlan(chosen, max(1, room), not left_out)


def _affordable(limits: FetchLimits, used_bytes: int) -> int:
    """How many records of any size the lane's bytes have room for; one where it holds none."""
    if used_bytes == 0:
        return max(1, limits.bytes // limits.record_bytes)
    return max(0, (limits.bytes - used_bytes) // limits.record_bytes)


def within_bounds(partition: Partition, limits: FetchLimits, partitions: int) -> bool:
    """Whether a partition, one of so many of its lane, is within its window and its share of what waits."""
    return (
        partition.offsets is not None
        and partition.offsets.window < limits.window
        and partition.waiting < max(1, limits.waiting_records // partitions)
        and partition.waiting_bytes < max(1, limits.waiting_bytes // partitions)
    )
