from random import Random
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from tests.support.fake_model import Behaviour, Fault
from tests.support.fake_model.behaviour import directives_in


@pytest.mark.parametrize(
    ("prompt", "fields"),
    [
        ("no directive", {}),
        ("[not] one [[", {}),
        ("say it [[latency=2]]", {"latency_seconds": "2"}),
        ("[[ latency = 2 ; jitter = 0.5 ]]", {"latency_seconds": "2", "jitter_seconds": "0.5"}),
        ("[[status=429;retry-after=3]]", {"status": "429", "headers": {"retry-after": "3"}}),
        ("[[x-should-retry=false]]", {"headers": {"x-should-retry": "false"}}),
        ("[[fail=2]] and [[status=500]]", {"fail": "2", "status": "500"}),
        ("[[hang]]", {"fault": "hang"}),
        ("[[wrong-shape]]", {"fault": "wrong-shape"}),
        ("[[hold]]", {"hold": True}),
        ("[[error-code=insufficient_quota]]", {"error_code": "insufficient_quota"}),
        ("[[size=12000000]]", {"size": "12000000"}),
    ],
)
def test_directives_are_read_out_of_a_prompt(prompt: str, fields: dict[str, Any]) -> None:
    assert directives_in(prompt) == fields


def test_a_directive_changes_its_prompt_and_leaves_the_rest_of_the_behaviour() -> None:
    scripted = Behaviour(latency_seconds=1, headers={"x-a": "1"})
    changed = scripted.for_prompt("[[status=503;x-b=2]]")
    assert changed == Behaviour(latency_seconds=1, status=503, headers={"x-a": "1", "x-b": "2"})


@pytest.mark.parametrize("prompt", ["[[latencyy=2]]", "[[status=99]]", "[[latency=-1]]", "[[fail=some]]"])
def test_a_directive_that_means_nothing_is_refused(prompt: str) -> None:
    with pytest.raises(ValidationError):
        Behaviour().for_prompt(prompt)


def test_failing_without_saying_how_is_a_500() -> None:
    assert Behaviour().for_prompt("[[fail=1]]").status == 500
    assert Behaviour().for_prompt("[[fail=1;reset]]").status == 200


@pytest.mark.parametrize(
    ("behaviour", "status", "error_type"),
    [
        (Behaviour(status=429), 429, "rate_limit_error"),
        (Behaviour(status=503), 503, "server_error"),
        (Behaviour(status=401), 401, "authentication_error"),
        (Behaviour(error_code="insufficient_quota"), 429, "insufficient_quota"),
        (Behaviour(error_code="context_length_exceeded"), 400, "invalid_request_error"),
        (Behaviour(error_code="rate_limit_exceeded", status=503), 503, "server_error"),
    ],
)
def test_an_error_has_openais_status_and_type(behaviour: Behaviour, status: int, error_type: str) -> None:
    assert (behaviour.error_status, behaviour.error_type) == (status, error_type)


@given(fail=st.integers(0, 10), earlier_calls=st.integers(0, 20), fault=st.sampled_from([None, *Fault]))
def test_only_the_first_calls_of_a_prompt_fail(fail: int, earlier_calls: int, fault: Fault | None) -> None:
    scripted = Behaviour(fail=fail, status=500, headers={"retry-after": "1"}, fault=fault)
    decided = scripted.decide(earlier_calls=earlier_calls, random=Random(0))
    if earlier_calls < fail:
        assert decided == Behaviour(status=500, headers={"retry-after": "1"}, fault=fault)
    else:
        assert decided == Behaviour()


@given(latency=st.floats(0, 10), jitter=st.floats(0, 10), seed=st.integers())
def test_jitter_stays_around_the_latency_and_above_zero(latency: float, jitter: float, seed: int) -> None:
    scripted = Behaviour(latency_seconds=latency, jitter_seconds=jitter)
    decided = scripted.decide(earlier_calls=0, random=Random(seed))
    assert max(0.0, latency - jitter) <= decided.latency_seconds <= latency + jitter


def test_the_error_rate_follows_from_the_seed() -> None:
    def failed(seed: int) -> list[int]:
        random = Random(seed)
        scripted = Behaviour(error_rate=0.3)
        return [n for n in range(1000) if scripted.decide(earlier_calls=0, random=random).error_status == 500]

    assert failed(1) == failed(1) != failed(2)
    assert 200 < len(failed(1)) < 400
