"""A fake OpenAI-compatible model: real HTTP on loopback, its behaviour scripted, every call logged.

In this process: ``async with running_fake_model() as model``; as its own: ``fake_model_process(latency=0.05)`` or
``python -m tests.support.fake_model``. Either is steered through the same `FakeModel`, over HTTP.

A test scripts all calls with ``await model.behave(status=500)``, or a single prompt by a directive in its text:
``[[latency=2]]``, ``[[status=429;retry-after=3]]``, ``[[fail=2;status=500]]`` (the first two calls of that prompt),
``[[error-code=insufficient_quota]]``, ``[[hold]]``, ``[[hang]]``, ``[[garbage]]``, ``[[wrong-shape]]``, ``[[cut]]``,
``[[reset]]``, ``[[size=12000000]]``, ``[[function=weather]]``, ``[[hold-after=3]]`` of a stream. Held calls need no
latency: ``hold``, ``wait_for_in_flight``, ``release``.
"""

from tests.support.fake_model.behaviour import Behaviour, Fault
from tests.support.fake_model.call_log import Outcome
from tests.support.fake_model.client import Call, FakeModel, Stats
from tests.support.fake_model.serving import fake_model_process, running_fake_model

__all__ = [
    "Behaviour",
    "Call",
    "FakeModel",
    "Fault",
    "Outcome",
    "Stats",
    "fake_model_process",
    "running_fake_model",
]
