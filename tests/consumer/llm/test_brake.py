"""The brake as a pure decision: what puts it on, what it lets through, what releases it."""

import math
from itertools import count

import pytest
from hypothesis import given, strategies as st

from consumer.llm.brake import Brake, BrakePolicy, Sign

POLICY = BrakePolicy(window_seconds=60, least_records=5, probe_seconds=10)
OURS = [sign for sign in Sign if sign.is_ours]
OTHERS = [sign for sign in Sign if not sign.is_ours]
SIGNS = st.sampled_from(Sign)


def failing(sign: Sign = Sign.MODEL_REFUSES, *, records: int = 5, at: float = 0.0) -> Brake:
    """A brake that saw so many records fail, of two tenants by turns."""
    brake = Brake(POLICY)
    for record in range(records):
        brake.note(record, sign, at, tenant=f"tenant {record % 2}")
    return brake


@pytest.mark.parametrize("sign", OURS)
def test_it_comes_on_when_enough_records_fail_by_our_own_fault(sign: Sign) -> None:
    assert failing(sign, records=4).fault is None
    assert failing(sign).fault is sign


@pytest.mark.parametrize("sign", OTHERS)
def test_what_is_no_fault_of_ours_never_puts_it_on_however_much_of_it_there_is(sign: Sign) -> None:
    assert failing(sign, records=1000).fault is None


def test_one_record_that_fails_again_and_again_is_one() -> None:
    brake = Brake(POLICY)
    for second in range(50):
        brake.note("poison", Sign.OWN_ERROR, float(second))
    assert brake.fault is None


def test_failures_beyond_the_window_are_forgotten() -> None:
    brake = failing(records=4, at=0.0)
    brake.note("late", Sign.MODEL_REFUSES, 60.5)
    assert brake.fault is None


def test_a_few_failures_among_many_records_are_not_nearly_all() -> None:
    brake = Brake(POLICY)
    for record in range(10):
        brake.note(record, Sign.MODEL_TAKES, 0.0)
    for record in range(10, 99):
        brake.note(record, Sign.MODEL_REFUSES, 0.0)
    assert brake.fault is None
    brake.note(99, Sign.MODEL_REFUSES, 0.0)
    assert brake.fault is Sign.MODEL_REFUSES


@pytest.mark.parametrize("sign", [Sign.UNDECODABLE, Sign.MODEL_FORBIDS, Sign.OWN_ERROR])
@pytest.mark.parametrize("tenants", [(None,), ("one",), ("one", None)])
def test_what_one_tenant_or_nobody_known_can_bring_about_alone_is_not_ours(
    sign: Sign, tenants: tuple[str | None, ...]
) -> None:
    brake = Brake(POLICY)
    for record in range(100):
        brake.note(record, sign, 0.0, tenant=tenants[record % len(tenants)])
    assert brake.fault is None
    # Nor do they hide what is.
    for record in range(100, 105):
        brake.note(record, Sign.MODEL_REFUSES, 0.0)
    assert brake.fault is Sign.MODEL_REFUSES


def test_two_tenants_with_one_such_sign_each_are_not_several_of_either() -> None:
    brake = Brake(POLICY)
    for record in range(100):
        one = record % 2
        brake.note(record, (Sign.UNDECODABLE, Sign.MODEL_FORBIDS)[one], 0.0, tenant=f"tenant {one}")
    assert brake.fault is None


def test_while_it_is_on_one_record_at_a_time_is_tried_after_a_pause() -> None:
    brake = failing(at=100.0)
    assert brake.wait_seconds(100.0) == 10
    assert brake.wait_seconds(110.0) == 0
    assert brake.entered("probe")
    assert math.isinf(brake.wait_seconds(999.0))
    brake.note("probe", Sign.MODEL_REFUSES, 120.0)
    brake.left("probe", 120.0)
    assert brake.wait_seconds(120.0) == 10


def test_a_record_of_which_nothing_was_learnt_makes_room_for_the_next_at_once() -> None:
    brake = failing()
    brake.entered("waits for its time")
    brake.left("waits for its time", 15.0)
    assert brake.fault
    assert brake.wait_seconds(15.0) == 0


def test_what_was_under_way_when_it_came_on_does_not_release_it() -> None:
    brake = failing()
    brake.entered("probe")
    brake.note("older", Sign.MODEL_TAKES, 11.0)
    brake.left("older", 11.0)
    assert brake.fault
    assert math.isinf(brake.wait_seconds(11.0))


@pytest.mark.parametrize(
    ("fault", "sign", "released"),
    [
        (Sign.MODEL_REFUSES, Sign.MODEL_TAKES, True),
        (Sign.MODEL_REFUSES, Sign.MODEL_FAILS, False),
        (Sign.MODEL_REFUSES, Sign.HANDLED, False),
        (Sign.OWN_ERROR, Sign.MODEL_TAKES, True),
        (Sign.OWN_ERROR, Sign.MODEL_FAILS, True),
        (Sign.OWN_ERROR, Sign.HANDLED, True),
        (Sign.OWN_ERROR, Sign.MODEL_REFUSES, False),
        (Sign.UNDECODABLE, Sign.HANDLED, True),
        (Sign.UNDECODABLE, Sign.OWN_ERROR, False),
        (Sign.MODEL_FORBIDS, Sign.MODEL_TAKES, True),
        (Sign.MODEL_FORBIDS, Sign.MODEL_FORBIDS, False),
        (Sign.MODEL_FORBIDS, Sign.MODEL_FAILS, False),
        (Sign.MODEL_FORBIDS, Sign.HANDLED, False),
    ],
)
def test_a_probe_releases_it_if_it_shows_that_the_fault_is_over(fault: Sign, sign: Sign, *, released: bool) -> None:
    brake = failing(fault)
    brake.entered("probe")
    brake.note("probe", sign, 12.0)
    brake.left("probe", 12.0)
    assert (brake.fault is None) is released
    assert brake.wait_seconds(12.0) == (0 if released else 10)


def test_once_released_it_takes_as_many_failures_as_before_to_come_on_again() -> None:
    brake = failing()
    brake.entered("probe")
    brake.note("probe", Sign.MODEL_TAKES, 12.0)
    brake.left("probe", 12.0)
    for record in range(5):
        assert brake.fault is None
        brake.note(record, Sign.MODEL_REFUSES, 13.0)
    assert brake.fault


@given(st.lists(st.tuples(st.sampled_from(OTHERS), st.integers(0, 9), st.sampled_from(["a", "b", None])), max_size=60))
def test_no_course_of_a_tenants_or_the_models_failures_puts_it_on(noted: list[tuple[Sign, int, str | None]]) -> None:
    brake = Brake(BrakePolicy(window_seconds=60, least_records=2, probe_seconds=10))
    for now, (sign, record, tenant) in enumerate(noted):
        brake.note(record, sign, float(now), tenant=tenant)
        assert brake.fault is None
        assert brake.wait_seconds(float(now)) == 0


@given(st.lists(st.tuples(SIGNS, st.sampled_from(["a", "b", None]), st.booleans(), st.floats(0, 30)), max_size=80))
def test_in_any_course_at_most_one_probe_is_under_way_and_there_is_always_a_next_one(
    course: list[tuple[Sign, str | None, bool, float]],
) -> None:
    brake, now, names = Brake(POLICY), 0.0, count()
    running: set[int] = set()
    for sign, tenant, ends, passed in course:
        now += passed
        was_on = brake.fault is not None
        if brake.wait_seconds(now) == 0:
            record = next(names)
            assert brake.entered(record) is was_on
            running.add(record)
        elif not math.isinf(brake.wait_seconds(now)):
            assert brake.wait_seconds(now) <= POLICY.probe_seconds
        if ends and running:
            record = min(running)
            running.discard(record)
            brake.note(record, sign, now, tenant=tenant)
            brake.left(record, now)
        if not running:
            # Nobody can be waited for: then a time must be told.
            assert not math.isinf(brake.wait_seconds(now))
