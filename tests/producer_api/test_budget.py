import pytest
from hypothesis import given, strategies as st

from producer_api.budget import Budget, Overloaded

MAX_BYTES = 100
MAX_RECORDS = 5


def budget() -> Budget:
    return Budget(max_bytes=MAX_BYTES, max_records=MAX_RECORDS)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["grow", "release"]), st.integers(0, 60), st.integers(0, 3)),
        max_size=60,
    )
)
def test_what_is_held_is_the_sum_of_all_shares_and_never_more_than_the_bounds(
    steps: list[tuple[int, str, int, int]],
) -> None:
    limited = budget()
    shares = [limited.share() for _ in range(4)]
    held = [(0, 0)] * 4
    for index, action, size, records in steps:
        if action == "release":
            shares[index].release()
            held[index] = (0, 0)
            continue
        fits = (
            sum(size_bytes for size_bytes, _ in held) + size <= MAX_BYTES
            and sum(count for _, count in held) + records <= MAX_RECORDS
        )
        if fits:
            shares[index].grow(size_bytes=size, records=records)
            held[index] = (held[index][0] + size, held[index][1] + records)
        else:
            with pytest.raises(Overloaded):
                shares[index].grow(size_bytes=size, records=records)
        assert limited.bytes_held == sum(size_bytes for size_bytes, _ in held)
        assert limited.records_held == sum(count for _, count in held)


def test_a_share_gives_back_once() -> None:
    limited = budget()
    other, share = limited.share(), limited.share()
    other.grow(size_bytes=10, records=1)
    share.grow(size_bytes=20, records=2)
    share.release()
    share.release()
    assert (limited.bytes_held, limited.records_held) == (10, 1)


def held_when_the_block_fails(limited: Budget) -> None:
    with limited.sharing() as share:
        share.grow(size_bytes=10, records=1)
        raise RuntimeError


def test_an_error_in_the_block_gives_back() -> None:
    limited = budget()
    with pytest.raises(RuntimeError):
        held_when_the_block_fails(limited)
    assert (limited.bytes_held, limited.records_held) == (0, 0)
