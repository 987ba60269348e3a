from hypothesis import given, strategies as st

from cli.stack.backoff import Backoff

SHORT = st.floats(min_value=0, max_value=59.9)


def test_the_wait_doubles_up_to_thirty_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(0) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@given(st.lists(SHORT), st.floats(min_value=60, max_value=1e6))
def test_a_minute_of_health_begins_it_anew(short: list[float], long: float) -> None:
    backoff = Backoff()
    for uptime in short:
        backoff.after(uptime)
    assert backoff.after(long) == 0.5
    assert backoff.after(0) == 1


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1))
def test_every_wait_is_between_half_a_second_and_thirty(uptimes: list[float]) -> None:
    backoff = Backoff()
    assert all(0.5 <= backoff.after(uptime) <= 30 for uptime in uptimes)
