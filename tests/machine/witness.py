"""What must hold whatever happens: looked at from outside, in the broker's log, the store and the list of calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from aiokafka import TopicPartition

from common.record import UnreadableRecord, decode_task
from common.store.compression import Unpacker
from common.store.keys import Keys
from common.task import Status, Task
from common.topics import MAX_RESULT_RECORD_BYTES, TopicNames
from consumer.llm.outcomes import Answered
from tests.machine.calls import Call, Calls
from tests.support.simulation.kafka_group import KafkaGroup
from tests.support.simulation.kafka_log import KafkaLog, WrittenRecord
from tests.support.simulation.process import Clock
from tests.support.simulation.store_link import SimulatedStore

_FINAL = {status for status in Status if status.is_final}
Run = tuple[str, int]
# The store's clock shows whole ones.
_MILLISECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Stored:
    """A task's hash and its result, as they are in the store."""

    fields: Mapping[bytes, bytes]
    result: bytes | None

    @property
    def status(self) -> str | None:
        status = self.fields.get(b"status")
        return None if status is None else status.decode()

    @property
    def run(self) -> int:
        return int(self.fields.get(b"run", 0))

    @property
    def is_final(self) -> bool:
        return self.status in _FINAL

    @property
    def has_ended(self) -> bool:
        """Whether nobody can hold it any more; a claim's answer may have been on its way when it ended."""
        return self.is_final or self.status == "deleted"

    @property
    def token(self) -> str | None:
        token = self.fields.get(b"token")
        return None if token is None else token.decode()


@dataclass
class Witness:
    """Sees everything, and writes down what is broken: it is called by the code under test, which it must not end."""

    names: TopicNames
    keys: Keys
    store: SimulatedStore
    clock: Clock
    log: KafkaLog = field(init=False)
    calls: Calls = field(init=False)
    group: KafkaGroup = field(init=False)
    violations: list[str] = field(default_factory=list)
    _outcomes: dict[Run, tuple[str | None, bytes | None]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _moves: int = 0

    def __post_init__(self) -> None:
        self.log = KafkaLog(
            {self.names.interactive: 2, self.names.results: 1, self.names.dead_letters: 1},
            self.clock.wall,
            self._appended,
        )
        self.calls = Calls(self._begun)

    def stored(self, *task_ids: str) -> list[Stored]:
        """The tasks as the store has them."""
        with self.store.client.pipeline(transaction=False) as pipeline:
            for task_id in task_ids:
                task_key, result_key = self.keys.of(task_id)
                pipeline.hgetall(task_key)
                pipeline.get(result_key)
            replies = pipeline.execute()
        return [
            Stored(fields, None if result is None else Unpacker(max_bytes=MAX_RESULT_RECORD_BYTES).unpack(result))
            for fields, result in zip(replies[::2], replies[1::2], strict=True)
        ]

    def results_of(self, task_id: str) -> list[bytes | None]:
        """Values of the task's result records, in the order of the log."""
        key = task_id.encode()
        return [record.value for record in self.log.all_records(self.names.results) if record.key == key]

    def results_of_run(self, task_id: str, run: int) -> list[bytes]:
        values = [value for value in self.results_of(task_id) if value is not None]
        return [value for value in values if orjson.loads(value)["run"] == run]

    # No call without a live lease.

    def _begun(self, call: Call) -> None:
        task_id, run = call.run
        [stored] = self.stored(task_id)
        if not call.lease.runs:
            self._broken(f"call {call.number} begun after its lease had lapsed")
        elif stored.run == run and not (stored.has_ended or stored.token == call.lease.claim.token):
            self._broken(f"call {call.number} begun by {call.lease.claim.token}: the store has {stored.token}")
        for other in self.calls.all:
            if other.run != call.run:
                continue
            if other.worker.dead and other.is_open and other.lease.lapses_at > self.clock.seconds + _MILLISECONDS:
                self._broken(f"call {call.number} begun under the lease of {other.number}, whose worker was killed")
            if other.is_definite and not (other.disturbed or other.worker.is_disturbed):
                self._broken(f"call {call.number} begun though {other.number} had its answer: paid for twice")

    def look(self, tasks: Mapping[str, Task]) -> None:
        """Check what must hold at any moment."""
        for call in self.calls.all:
            if call.worker.is_disturbed:
                call.disturbed = True
            if call.was_cut_off and not (call.worker.dead or call.lease.lost):
                self._broken(f"call {call.number} was cut off")
        holding: dict[Run, list[int]] = {}
        for call in self.calls.all:
            if call.is_open and not call.worker.dead and call.lease.lost is None and call.lease.runs:
                holding.setdefault(call.run, []).append(call.number)
        for run, numbers in holding.items():
            if len(numbers) > 1:
                self._broken(f"calls {numbers} of {run} at once, each under a lease that runs")
        if self.store.moves != self._moves:
            self._moves = self.store.moves
            for task_id, stored in zip(tasks, self.stored(*tasks), strict=True):
                self._check_outcome(task_id, stored)

    # One outcome.

    def _check_outcome(self, task_id: str, stored: Stored) -> None:
        if stored.status is not None:
            self._known.add(task_id)
        elif task_id in self._known:
            self._broken(f"{task_id} is gone from the store")
        for (known_id, run), outcome in self._outcomes.items():
            if known_id == task_id and stored.run == run and stored.status not in {outcome[0], "deleted"}:
                self._broken(f"{task_id} was {outcome[0]} and is {stored.status} in the same run")
        if stored.is_final:
            outcome = (stored.status, stored.result)
            before = self._outcomes.setdefault((task_id, stored.run), outcome)
            if before != outcome:
                self._broken(f"{task_id} has another outcome than before: {before}, {outcome}")

    def _appended(self, record: WrittenRecord) -> None:
        if record.topic != self.names.results or record.value is None or record.key is None:
            return
        task_id, content = record.key.decode(), orjson.loads(record.value)
        [stored] = self.stored(task_id)
        others = self.results_of_run(task_id, content["run"])
        if any(other != record.value for other in others):
            self._broken(f"{task_id} has several results of run {content['run']}")
        if stored.status == "deleted" or stored.run != content["run"]:
            return
        if stored.status != content["status"]:
            self._broken(f"{task_id} is {stored.status}, and published as {content['status']}")
        elif stored.result is not None and stored.result != record.value:
            self._broken(f"{task_id} is published otherwise than it is stored")
        elif content["token"] is not None and content["token"] != stored.token:
            self._broken(f"{task_id} was ended by {content['token']}, and was {stored.token}'s")
        self._check_answer(task_id, content)

    def _check_answer(self, task_id: str, content: dict[str, object]) -> None:
        """A result holds what the model said to the very call that its token stands for."""
        if content["status"] != "completed":
            return
        bodies = [
            orjson.loads(call.came_to.body)
            for call in self.calls.all
            if call.lease.claim.token == content["token"] and isinstance(call.came_to, Answered)
        ]
        response = content["response"]
        if not isinstance(response, dict) or response["body"] not in bodies:
            self._broken(f"{task_id} is published with an answer that the call of {content['token']} did not get")

    # Never commit past an unfinished offset.

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """A commit was made of these; the group still has those before."""
        for topic_partition, offset in offsets.items():
            before = self.group.committed.get(topic_partition, 0)
            if offset < before:
                self._broken(f"partition {topic_partition.partition} was set back from {before} to {offset}")
            for record in self.log.records(topic_partition)[before:offset]:
                why = self._unfinished(record, offset)
                if why is not None:
                    where = f"{record.partition}:{record.offset}"
                    self._broken(f"{offset} committed past {where}, which is {why}")

    def _unfinished(self, record: WrittenRecord, committed: int) -> str | None:
        """Why a record's offset is not done; None where it is."""
        try:
            task = decode_task(record.value)
        except UnreadableRecord:
            return None if self._is_dead_letter(record) else "no task, and not dead-lettered"
        here = TopicPartition(record.topic, record.partition)
        copies = [decode_task(later.value) for later in self.log.records(here)[committed:] if later.key == record.key]
        if any((copy.task_id, copy.run) == (task.task_id, task.run) for copy in copies):
            return None
        [stored] = self.stored(task.task_id)
        if stored.status == "deleted":
            return None if self.results_of(task.task_id) else "deleted, with no null published"
        if stored.run > task.run or self._came_too_late(task, stored):
            return None
        if stored.is_final:
            return None if self.results_of_run(task.task_id, task.run) else "final, with no result published"
        return f"{stored.status} and has no copy at the tail"

    def _came_too_late(self, task: Task, stored: Stored) -> bool:
        """Whether the store never knew the task: its API did not say so, and its record was reached after its end."""
        return stored.status is None and self.clock.wall() >= task.expires_at

    def _is_dead_letter(self, record: WrittenRecord) -> bool:
        place = {"source-partition": str(record.partition).encode(), "source-offset": str(record.offset).encode()}
        letters = [dict(letter.headers) for letter in self.log.all_records(self.names.dead_letters)]
        return any(place.items() <= headers.items() for headers in letters)

    # Nothing lost.

    def unsettled(self, tasks: Mapping[str, Task]) -> list[str]:
        """What is not at its end yet."""
        found = []
        for task_id, stored in zip(tasks, self.stored(*tasks), strict=True):
            results = self.results_of(task_id)
            if stored.status == "deleted":
                if results[-1:] != [None]:
                    found.append(f"{task_id} is deleted, and its result still published")
            elif self._came_too_late(tasks[task_id], stored):
                continue
            elif not stored.is_final:
                found.append(f"{task_id} is {stored.status}")
            elif not self.results_of_run(task_id, stored.run):
                found.append(f"{task_id} is {stored.status}, and its result not published")
        for topic_partition in self.log.topic_partitions(self.names.interactive):
            end = self.log.end(topic_partition)
            committed = self.group.committed.get(topic_partition, 0)
            if committed != end:
                found.append(f"{committed} of {end} offsets of partition {topic_partition.partition} are committed")
        return found

    def _broken(self, what: str) -> None:
        self.violations.append(f"at {self.clock.seconds:.3f}: {what}")
