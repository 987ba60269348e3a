"""The simulation as one thing: workers, broker, store, model, clients; each method is something that can happen."""

from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import redis as blocking_redis

from common.record import encode_task, task_headers
from common.store.ending import Ending, Endings
from common.store.forgetting import Forgotten
from common.store.keys import Keys
from common.store.marker import Marker
from common.store.reading import TaskReader
from common.store.redriving import Redriven, Redriving
from common.store.submissions import Submissions, Written
from common.task import Task
from common.topics import TopicNames
from consumer.llm.outcomes import CallOutcome
from consumer.settings import Settings
from tests.machine.calls import Call
from tests.machine.witness import Witness
from tests.machine.worker import Worker
from tests.support.simulation.kafka_group import KafkaGroup
from tests.support.simulation.link import Link, Way
from tests.support.simulation.process import Process, Processes
from tests.support.simulation.store_link import SimulatedStore, store_link

TENANT = "local"
_DAY = 24 * 3600.0
_ROUND_SECONDS = 2.0
_MOST_ROUNDS = 300


def machine_settings(prefix: str) -> Settings:
    """Short leases and sessions, so that little has to happen while time passes; all else as in production."""
    return Settings.model_validate(
        {
            "kafka": {"topic_prefix": prefix},
            "redis": {"key_prefix": prefix},
            "worker": {
                "concurrency": 2,
                "lease_seconds": 6,
                "session_timeout_seconds": 6,
                "commit_interval_seconds": 0.5,
                "tail_after_seconds": 3,
                "drain_timeout_seconds": 20,
                "shutdown_grace_seconds": 30,
            },
            "llm": {"call_timeout_seconds": 15, "api_key": None},
            "tasks": {"max_attempts": 3, "max_crashes": 3},
        }
    )


class World:
    """One play of the machine, in a store that holds nothing under `prefix`."""

    def __init__(self, valkey: blocking_redis.Redis, prefix: str, seed: int) -> None:
        self.settings = machine_settings(prefix)
        self.store = SimulatedStore(valkey)
        self.clock = self.store.clock
        self.processes = Processes(self.clock, seed)
        self.names, self.keys = TopicNames(prefix), Keys(prefix)
        self.witness = Witness(self.names, self.keys, self.store, self.clock)
        self.log, self.calls = self.witness.log, self.witness.calls
        partitions = self.log.topic_partitions(self.names.interactive)
        self.group = KafkaGroup(partitions, self.clock.monotonic, self.witness.committed)
        self.witness.group = self.group
        self.tasks: dict[str, Task] = {}
        self.unaccepted: dict[str, Written] = {}
        self.workers: list[Worker] = []
        self._numbers = count(1)
        self._api = Process(self.clock)
        redis = store_link(self.store, Link(), lambda: 0.5)
        self._marker = Marker(redis, self.keys)
        self._submissions = Submissions(redis, self.keys, result_ttl_seconds=_DAY)
        self._endings = Endings(redis, self.keys, result_ttl_seconds=_DAY)
        self._forgotten = Forgotten(redis, self.keys)
        self._redriving = Redriving(redis, self.keys, result_ttl_seconds=_DAY)
        self._reader = TaskReader(redis, self.keys, result_ttl_seconds=_DAY, now=self.clock.wall)
        self._serve(self._say_whole())

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.processes.close()
        self._api.bury(self.clock)
        keys = [key for task_id in self.tasks for key in (*self.keys.of(task_id), self.keys.redriven(task_id))]
        self.store.client.delete(self.keys.marker, self.keys.forgotten, *keys)
        self.store.close()

    # Clients.

    def submit(self, partition: int, *, life_seconds: float, accepted: bool) -> Task:
        """The record is written; whether the API says so in the store at once, or a worker may be first."""
        number = next(self._numbers)
        now = self.clock.wall()
        task = Task(
            task_id=str(UUID(int=number)),
            tenant=TENANT,
            body={"messages": [], "prompt": number},
            created_at=now,
            expires_at=now + life_seconds,
        )
        self.tasks[task.task_id] = task
        self.unaccepted[task.task_id] = Written(task, partition, self.write(task, partition))
        if accepted:
            self.accept(task.task_id)
        return task

    def write(self, task: Task, partition: int) -> int:
        """Write a task's record, be it for the first time or once more: an API may have to; its offset."""
        return self.log.append(
            self.names.interactive,
            key=task.task_id.encode(),
            value=encode_task(task),
            headers=task_headers(task),
            partition=partition,
        ).offset

    def write_garbage(self, partition: int) -> None:
        self.log.append(self.names.interactive, key=b"garbage", value=b"{", headers=(), partition=partition)

    def accept(self, task_id: str) -> None:
        self._serve(self._submissions.accept([self.unaccepted.pop(task_id)]))

    def cancel(self, task_id: str, *, told: bool) -> None:
        """Cancel a task; whether the workers hear of it at once."""
        [ending] = self._serve(self._endings.cancel([task_id], tenant=TENANT))
        if ending is Ending.CANCELLED and told:
            self._tell(task_id)

    def delete(self, task_id: str, *, told: bool) -> None:
        [ending] = self._serve(self._endings.delete([task_id], tenant=TENANT, token=f"request-{next(self._numbers)}"))
        if ending is Ending.ABSENT:
            return
        self._serve(self._forgotten.add(task_id, now=self.clock.wall()))
        if told:
            self._tell(task_id)

    def read(self) -> None:
        """A client polls: what has expired unseen is ended."""
        self._serve(self._reader.read(list(self.tasks)))

    # Operators.

    def redrive(self, task_id: str) -> None:
        """Start the next run of a task that has ended."""
        ended = self.tasks[task_id]
        [reply] = self._serve(self._redriving.redrive([replace(ended, expires_at=self.clock.wall() + _DAY)]))
        if reply.redriven is Redriven.STARTED:
            task = replace(ended, run=reply.run, expires_at=self.clock.wall() + _DAY)
            self.tasks[task_id] = task
            self.write(task, task.run % 2)
            self._serve(self._redriving.remember([task]))

    def reset_offsets(self) -> None:
        """Set the group back to the beginning; Kafka lets operators only while it has no member."""
        self.group.expire()
        if self.group.is_empty:
            self.group.committed.clear()

    # Workers.

    @property
    def running(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.runs and not worker.working.done()]

    @property
    def alive(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.dead and not worker.working.done()]

    def start_worker(self) -> Worker:
        worker = Worker(
            f"w{len(self.workers) + 1}",
            self.settings,
            self.clock,
            log=self.log,
            group=self.group,
            store=self.store,
            calls=self.calls,
        )
        self.workers.append(worker)
        self.processes.add(worker)
        return worker

    def answer(self, call: Call, outcome: CallOutcome) -> None:
        call.answer.set_result(outcome)

    # Time.

    def rest(self) -> None:
        """Run until nothing happens by itself."""
        self.processes.settle()
        self.check()

    def advance(self, seconds: float) -> None:
        self.processes.advance(seconds)
        self.check()

    def check(self) -> None:
        self.witness.look(self.tasks)
        for worker in self.workers:
            if worker.error is not None:
                self.witness.violations.append(f"{worker.name} failed: {worker.error!r}")
            if worker.records_repeated:
                self.witness.violations.append(f"{worker.name} was given records again that it had")

    def settle(self) -> None:
        """Nothing bad happens any more: what is alive can do what it has to, and the model answers."""
        for worker in self.alive:
            worker.halted = False
            worker.kafka.turn(Way.OPEN)
            worker.redis.turn(Way.OPEN)
        if not any(not worker.draining for worker in self.alive):
            self.start_worker()
        for _ in range(_MOST_ROUNDS):
            self.rest()
            for call in self.calls.open:
                self.answer(call, self.calls.answered())
            if self.witness.violations or not self.witness.unsettled(self.tasks):
                return
            self.advance(_ROUND_SECONDS)

    async def _say_whole(self) -> None:
        await self._marker.set((await self._marker.identity()).run_id)

    def _tell(self, task_id: str) -> None:
        for worker in self.running:
            if worker.redis.way is Way.OPEN:
                worker.hear_of(task_id)

    def _serve(self, request: Any) -> Any:
        return self.processes.complete(self._api, request)
