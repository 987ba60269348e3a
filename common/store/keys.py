import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of every key there is, under one prefix; the id stands as text in its `{}` tag."""

    prefix: str

    def task(self, task_id: str) -> str:
        """The hash of a task."""
        return f"{self.prefix}task:{{{task_id}}}"

    def result(self, task_id: str) -> str:
        """The result record of a task's final run."""
        return f"{self.prefix}task:{{{task_id}}}:result"

    def text(self, task_id: str) -> str:
        """What came so far of a streamed answer's text, by attempt."""
        return f"{self.prefix}task:{{{task_id}}}:text"

    def with_text(self, task_id: str) -> tuple[str, str, str]:
        """Those that `of` gives, and its text."""
        return *self.of(task_id), self.text(task_id)

    def redriven(self, task_id: str) -> str:
        """The latest run of a task that an operator started, kept for as long as its dead letters."""
        return f"{self.prefix}task:{{{task_id}}}:redriven"

    def of(self, task_id: str) -> tuple[str, str]:
        """Both keys, in the order in which every script takes them."""
        return self.task(task_id), self.result(task_id)

    def idempotency(self, tenant: str, idempotency_key: str) -> str:
        """The record of a request that may be repeated. The key is the client's text: only its hash is named."""
        named = hashlib.sha256(f"{tenant}\0{idempotency_key}".encode()).hexdigest()
        return f"{self.prefix}idempotency:{{{named}}}"

    def task_index(self, tenant: str) -> str:
        """The ids of a tenant's newest tasks."""
        return f"{self.prefix}tenant:{{{tenant}}}:tasks"

    @property
    def workers(self) -> str:
        """The workers by the time of their last word."""
        return f"{self.prefix}{{workers}}"

    def worker(self, worker: str) -> str:
        """A worker's last word."""
        return f"{self.prefix}{{workers}}:{worker}"

    def minute(self, minute: int) -> str:
        """The sums of a minute, which is Unix time in minutes."""
        return f"{self.prefix}{{minutes}}:{minute}"

    def counted(self, process: str) -> str:
        """The number of what a process has last added to the sums of minutes."""
        return f"{self.prefix}{{minutes}}:counted:{process}"

    @property
    def marker(self) -> str:
        """What tells a store that is whole from one that was lost or went back in time."""
        return f"{self.prefix}marker"

    @property
    def rebuild_lease(self) -> str:
        """Held by the one worker that rebuilds the store."""
        return f"{self.prefix}rebuild"

    @property
    def rebuild_progress(self) -> str:
        """How far the rebuild is."""
        return f"{self.prefix}rebuild:progress"

    @property
    def forgotten(self) -> str:
        """Ids of deleted tasks whose result record a worker still has to null."""
        return f"{self.prefix}forgotten"

    @property
    def cancellations(self) -> str:
        """The channel that tells workers of cancelled and deleted tasks: a wake-up, the hash decides."""
        return f"{self.prefix}cancellations"

    @property
    def models(self) -> str:
        """The models that can be named, as the workers last saw them."""
        return f"{self.prefix}models"
