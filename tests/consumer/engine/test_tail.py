import pytest
from hypothesis import given, strategies as st

from consumer.engine.tail import Resumption, TailPolicy, Wait, resumption, tail_copy
from tests.consumer.engine.records import delivery

POLICY = TailPolicy(30.0)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["task-id", "tenant", "attempts", "failures", "not-before", "x"]), st.binary(max_size=6)),
    max_size=8,
).map(tuple)


def a_wait(**facts: object) -> Wait:
    """A fresh record's wait of an hour, in nobody's way."""
    usual = {"remaining": 3600.0, "stayed": 0.0, "fresh": True, "held": False, "crowded": False, "holding": False}
    return Wait(**{**usual, **facts})  # type: ignore[arg-type]  # a table's row


@pytest.mark.parametrize(
    ("facts", "moves"),
    [
        ({}, True),
        ({"remaining": 30.0}, True),
        ({"remaining": 29.9}, False),
        ({"remaining": 29.9, "crowded": True, "holding": True, "stayed": 1e6}, False),
        ({"fresh": False}, False),
        ({"fresh": False, "stayed": 1e6}, False),
        ({"fresh": False, "crowded": True, "stayed": 29.9}, False),
        ({"fresh": False, "crowded": True, "stayed": 30.0}, True),
        ({"fresh": False, "holding": True, "stayed": 899.0}, False),
        ({"fresh": False, "holding": True, "stayed": 900.0}, True),
        ({"fresh": False, "holding": True, "stayed": 29.9, "remaining": 40.0}, False),
        ({"fresh": False, "holding": True, "stayed": 30.0, "remaining": 40.0}, True),
        ({"held": True}, False),
        ({"held": True, "holding": True, "stayed": 1e6}, False),
        ({"held": True, "crowded": True, "stayed": 29.9}, False),
        ({"held": True, "crowded": True, "stayed": 30.0, "remaining": 1.0}, True),
    ],
)
def test_what_moves_to_the_tail(facts: dict[str, object], moves: bool) -> None:  # noqa: FBT001 - a table's column
    assert POLICY.moves(a_wait(**facts)) is moves


@given(st.floats(30, 3600), st.booleans(), st.integers(1, 20))
def test_no_copy_is_moved_oftener_than_the_policy_says_however_often_it_is_asked(
    wait: float,
    crowded: bool,  # noqa: FBT001 - hypothesis gives it
    tenths: int,
) -> None:
    """A copy that is always in the way, looked at every 0.1 to 2 seconds; each move lets it begin anew."""
    step, now, came, moves = tenths / 10, 0.0, 0.0, 0
    while now < wait:
        seen = a_wait(remaining=wait - now, stayed=now - came, fresh=False, crowded=crowded, holding=True)
        if POLICY.moves(seen):
            assert now - came >= 30.0
            moves, came = moves + 1, now
        now += step
    assert moves <= (wait / 30.0 if crowded else 20)


COUNTS = st.integers(0, 100) | st.none()


@given(HEADERS, COUNTS, COUNTS, st.floats(0, 1e10))
def test_a_copy_is_the_original_but_for_its_own_headers_which_are_replaced_and_never_stacked(
    headers: tuple[tuple[str, bytes], ...], attempts: int | None, failures: int | None, not_before: float
) -> None:
    original = delivery(4, partition=2, key=b"key", value=b"value", headers=headers)
    first = tail_copy(original, attempts=9, failures=8, not_before=1.0)
    again = delivery(5, partition=2, key=first.key, value=first.value, headers=tuple(first.headers))
    copy = tail_copy(again, attempts=attempts, failures=failures, not_before=not_before)
    assert (copy.topic, copy.partition, copy.key, copy.value) == ("interactive", 2, b"key", b"value")
    others = [header for header in headers if header[0] not in {"attempts", "failures", "not-before"}]
    assert list(copy.headers) == [
        *others,
        ("attempts", b"9" if attempts is None else str(attempts).encode()),
        ("failures", b"8" if failures is None else str(failures).encode()),
        ("not-before", f"{not_before:.3f}".encode()),
    ]
    said = resumption(copy.headers)
    assert said.copied
    assert said.attempts == (9 if attempts is None else attempts)
    assert said.failures == (8 if failures is None else failures)
    assert said.not_before == pytest.approx(not_before, abs=0.001)


@given(HEADERS)
def test_whatever_headers_say_they_can_be_read(headers: tuple[tuple[str, bytes], ...]) -> None:
    said = resumption(headers)
    assert said.attempts is None or 0 <= said.attempts <= 2**31
    assert said.failures is None or 0 <= said.failures <= 2**31
    assert said.not_before is None or 0 <= said.not_before <= 1e11


@pytest.mark.parametrize("content", [b"", b"soon", b"-1", b"nan", b"inf", b"1e300", b"\xff"])
def test_what_is_no_number_counts_as_absent(content: bytes) -> None:
    assert resumption([("attempts", content), ("failures", content), ("not-before", content)]) == Resumption(
        copied=True
    )


def test_a_record_as_it_was_written_is_no_copy() -> None:
    assert resumption([("task-id", b"x")]) == Resumption(copied=False)
