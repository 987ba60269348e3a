"""A model that hangs, refuses, fails and breaks off, for all calls at once; then it is well again."""

from functools import partial
from typing import Any

import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import QUICK, Scene, Terms

# An attempt that ended by the model's error counts; the storm is not to use them up.
_PATIENT = {**QUICK, "tasks__max_attempts": 50, "llm__call_timeout_seconds": 2}


async def misbehave(scene: Scene, *, seconds: float, **behaviour: Any) -> None:
    """All calls for a while; those that hang are never answered."""
    await scene.model.behave(**behaviour)
    await scene.lasting(seconds)
    await scene.model.behave(latency_seconds=0.5)


def _fault(name: str, seconds: float, **behaviour: Any) -> Fault:
    return Fault(
        name=f"{name} for {seconds:g} s",
        strike=partial(misbehave, seconds=seconds, **behaviour),
        terms=Terms(workers=2, worker_settings=_PATIENT),
    )


FAULTS = {
    "hang": _fault("The model hangs", 10, fault="hang"),
    "429 with Retry-After": _fault(
        "The model answers 429 with `Retry-After`", 8, status=429, headers={"retry-after": "2"}
    ),
    "429": _fault("The model answers 429 without `Retry-After`", 8, status=429),
    "500": _fault("The model answers 500 to everything", 60, status=500),
    "garbage": _fault("The model answers 200 with malformed JSON", 8, fault="garbage"),
    "cut": _fault("The model's connection breaks off in mid-body", 8, fault="cut"),
}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
async def test_a_model_that_fails_for_a_while_costs_no_task_and_no_answer_twice(strike: Strike, fault: Fault) -> None:
    await strike(fault)
