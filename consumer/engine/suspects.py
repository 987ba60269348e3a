"""Which record is it that makes polls fail? aiokafka says neither record nor partition, and fails again each time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import IntEnum

from consumer.engine.fetch_plan import FetchPlan
from consumer.engine.partition import Partition


class Suspicion(IntEnum):
    """How closely a partition is looked at."""

    NONE = 0
    # It was in a poll that failed: polled alone.
    ALONE = 1
    # Alone it failed: polled record by record, until the next one is what fails.
    RECORD_BY_RECORD = 2


class Suspects:
    """Narrows failing polls down to one record, in turns with polls of the partitions beyond suspicion."""

    def __init__(self) -> None:
        self._suspects_turn = False

    def narrow(self, plan: FetchPlan) -> FetchPlan:
        """The plan itself, or while there are suspects either one of them alone or all of the others."""
        suspects = [partition for partition in plan.partitions if partition.suspicion]
        if not suspects:
            return plan
        self._suspects_turn = not self._suspects_turn
        if not self._suspects_turn:
            others = [partition for partition in plan.partitions if not partition.suspicion]
            return replace(plan, partitions=others, complete=False)
        one_record = suspects[0].suspicion == Suspicion.RECORD_BY_RECORD
        return FetchPlan(suspects[:1], 1 if one_record else plan.max_records, complete=False)

    @staticmethod
    def failed(polled: Sequence[Partition]) -> Partition | None:
        """A poll of these failed: the partition whose next record cannot be read, if that is known by now."""
        if len(polled) == 1 and polled[0].suspicion == Suspicion.RECORD_BY_RECORD:
            polled[0].suspicion = Suspicion.ALONE
            return polled[0]
        for partition in polled:
            alone = len(polled) == 1 and partition.suspicion == Suspicion.ALONE
            partition.suspicion = Suspicion.RECORD_BY_RECORD if alone else Suspicion.ALONE
        return None

    @staticmethod
    def passed(polled: Sequence[Partition], *, records: bool, read_up: Callable[[Partition], bool]) -> None:
        """A poll of these went well, with `records` or without; `read_up` says whether a partition has no more."""
        for partition in polled:
            proven = records and partition.suspicion == Suspicion.ALONE
            if partition.suspicion and (proven or read_up(partition)):
                partition.suspicion = Suspicion.NONE
