"""The model, as the machine plays it: every call waits until the machine says what it comes to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from common.result import ApiError
from consumer.llm.lease_keeper import HeldLease
from consumer.llm.outcomes import Answered, CallOutcome, Cause, Faulted, OnText, Rejected

if TYPE_CHECKING:
    from tests.machine.worker import Worker

_TIMED_OUT = ApiError(message="The model server took too long.", type="server_error", code="timeout")
_FAILED = ApiError(message="The model server failed.", type="server_error", code="server_error")
_REJECTED = ApiError(message="The model server rejected the request.", type="invalid_request_error", code="rejected")
_BUSY = ApiError(message="The model server is at its limit.", type="server_error", code="rate_limited")
# Over the bound from which a wait is spent at the tail of the topic.
_RETRY_AFTER_SECONDS = 5.0


@dataclass(eq=False)
class Call:
    """One call under way, or over. `came_to` is what the model made of it; a call that was cut off came to nothing."""

    number: int
    worker: "Worker"
    lease: HeldLease
    answer: "asyncio.Future[CallOutcome]"
    came_to: CallOutcome | None = None
    is_open: bool = True
    # Whether its worker was killed, halted or out of the store's reach at any moment since it began.
    disturbed: bool = False

    @property
    def run(self) -> tuple[str, int]:
        """The task's id and run."""
        return self.lease.claim.task.task_id, self.lease.claim.task.run

    @property
    def was_cut_off(self) -> bool:
        """Whether it ended before the model had said anything."""
        return not self.is_open and self.came_to is None

    @property
    def is_definite(self) -> bool:
        """Whether the model dealt with the request: another call would be paid for twice."""
        return isinstance(self.came_to, Answered | Rejected)


@dataclass
class Calls:
    """Every call there was. `on_begin` hears of each as it begins."""

    on_begin: Callable[[Call], None]
    all: list[Call] = field(default_factory=list)

    @property
    def open(self) -> list[Call]:
        """Calls that wait for an answer which their worker can still hear."""
        return [call for call in self.all if call.is_open and not call.worker.dead and not call.answer.done()]

    @property
    def under_way(self) -> set[HeldLease]:
        """The leases of calls that have not ended."""
        return {call.lease for call in self.all if call.is_open}

    def answered(self) -> CallOutcome:
        """An answer like no other."""
        return Answered(body=b'{"choices":[],"answer":%d}' % len(self.all), status_code=200, model="simulated")


class ScriptedModel:
    """One worker's model."""

    def __init__(self, calls: Calls, worker: "Worker") -> None:
        self._calls = calls
        self._worker = worker

    async def call(
        self,
        endpoint: str,  # noqa: ARG002 - the protocol's
        body: dict[str, Any],
        *,
        deadline_seconds: float,
        on_text: OnText | None = None,  # noqa: ARG002 - the protocol's
    ) -> CallOutcome:
        [lease] = [
            lease
            for lease in self._worker.keeper._held
            if lease.claim.task.body == body and lease.guarded is not None and lease not in self._calls.under_way
        ]
        answer: asyncio.Future[CallOutcome] = asyncio.get_running_loop().create_future()
        call = Call(len(self._calls.all), self._worker, lease, answer, disturbed=self._worker.is_disturbed)
        self._calls.on_begin(call)
        self._calls.all.append(call)
        try:
            async with asyncio.timeout(deadline_seconds):
                call.came_to = await answer
        except TimeoutError:
            call.came_to = Faulted(cause=Cause.TIMEOUT, error=_TIMED_OUT)
        finally:
            call.is_open = False
        return call.came_to


FAULTS: dict[str, CallOutcome] = {
    "500": Faulted(cause=Cause.MODEL_ERROR, error=_FAILED, status_code=500),
    "400": Rejected(error=_REJECTED, status_code=400),
    "429": Faulted(cause=Cause.RATE_LIMITED, error=_BUSY, status_code=429, retry_after_seconds=_RETRY_AFTER_SECONDS),
}
