"""The worker's brake at work: the engine's gate, told by the executor what each record came to."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

import structlog

from common.setting_names import variable_name
from consumer.engine.ports import Delivery
from consumer.llm.brake import Brake, BrakePolicy, Sign
from consumer.llm.metrics import LlmMetrics
from consumer.llm.outcomes import CallOutcome, Cause, Faulted

_KEY, _URL = variable_name("llm", "api_key"), variable_name("llm", "base_url")
_HINDRANCES = {
    Sign.MODEL_REFUSES: f"the model server refuses this service: see {_KEY} and {_URL}",
    Sign.MODEL_FORBIDS: f"the model server forbids what several tenants ask for: see {_KEY} and {_URL}",
    Sign.OWN_ERROR: "errors of this service keep records of several tenants from being handled: see its log",
    Sign.UNDECODABLE: "records of several tenants cannot be decoded: see what writes them",
}


class Braking:
    """Holds records back while nearly all fail by our own fault; `clock` is monotonic."""

    def __init__(self, policy: BrakePolicy, *, clock: Callable[[], float], metrics: LlmMetrics) -> None:
        self._brake = Brake(policy)
        self._clock = clock
        self._metrics = metrics
        self._changed = asyncio.Event()
        self._log = structlog.get_logger(__name__)

    @property
    def is_on(self) -> bool:
        """Whether records are held back: nothing is given up meanwhile."""
        return self._brake.fault is not None

    @property
    def hindrance(self) -> str | None:
        """Why no records are taken now."""
        fault = self._brake.fault
        return None if fault is None else f"the brake is on: {_HINDRANCES[fault]}"

    async def opened(self) -> None:
        """Return when a record may start."""
        while (seconds := self._brake.wait_seconds(self._clock())) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def entered(self, delivery: Delivery) -> None:
        """A record starts."""
        if self._brake.entered(_record(delivery)):
            self._metrics.brake_probes.inc()
            self._log.info(
                "probing under the brake", topic=delivery.topic, partition=delivery.partition, offset=delivery.offset
            )

    def left(self, delivery: Delivery) -> None:
        """A record that had started holds its slot no more."""
        self._brake.left(_record(delivery), self._clock())
        self._changed.set()

    def called(self, delivery: Delivery, outcome: CallOutcome, *, tenant: str) -> CallOutcome:
        """Note how a call of the model for `tenant` ended; what it counts as then.

        While records are held back, what is forbidden is our key's fault rather than the task's.
        """
        match outcome:
            case Faulted(cause=Cause.MISCONFIGURED):
                self.note(delivery, Sign.MODEL_REFUSES)
            case Faulted(cause=Cause.FORBIDDEN):
                self.note(delivery, Sign.MODEL_FORBIDS, tenant=tenant)
                if self.is_on:
                    return replace(outcome, cause=Cause.MISCONFIGURED)
            case Faulted():
                self.note(delivery, Sign.MODEL_FAILS)
            case _:
                self.note(delivery, Sign.MODEL_TAKES)
        return outcome

    def note(self, delivery: Delivery, sign: Sign, *, tenant: str | None = None) -> None:
        """Note what the handling of a record came to."""
        before = self._brake.fault
        self._brake.note(_record(delivery), sign, self._clock(), tenant=tenant)
        fault = self._brake.fault
        if before is None and fault is not None:
            self._metrics.brake_on.set(1)
            self._log.error("brake on: no records are started", fault=fault.value, reason=self.hindrance)
        elif before is not None and fault is None:
            self._metrics.brake_on.set(0)
            self._log.warning("brake off: records are started again", fault=before.value)
            self._changed.set()


def _record(delivery: Delivery) -> tuple[str, int, int]:
    return delivery.topic, delivery.partition, delivery.offset
