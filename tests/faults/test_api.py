"""The API killed in the middle of submissions."""

import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import Scene, Terms

_ROUNDS = 5


async def kill_the_api(scene: Scene) -> None:
    """What was answered must run; what was not may have run or not."""
    [api] = scene.deployment.apis
    for _ in range(_ROUNDS):
        await scene.load.accepts_more(6)
        await api.kill()
        await api.start()


FAULTS = [
    Fault(
        name=f"`kill -9` of the API between submissions, {_ROUNDS} times",
        strike=kill_the_api,
        terms=Terms(requests_per_second=20, prompts_per_request=1, latency_seconds=0.1),
    ),
    Fault(
        name=f"`kill -9` of the API between submissions, {_ROUNDS} times, the client repeating with its key",
        strike=kill_the_api,
        terms=Terms(requests_per_second=20, prompts_per_request=3, latency_seconds=0.1, with_key=True),
    ),
]


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=key) for key, fault in zip(("no key", "key"), FAULTS, strict=True)]
)
async def test_what_was_answered_is_run_once(strike: Strike, fault: Fault) -> None:
    await strike(fault)
