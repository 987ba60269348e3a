from collections import Counter

from hypothesis import given, strategies as st

from common.store.minutes import MOST_MINUTES, Minutes, Tally
from tests.common.store.conftest import Store

NOW = 1_790_000_000.0
TOTALS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))


@given(steps=st.lists(st.tuples(TOTALS, st.booleans())))
def test_what_is_told_adds_up_to_what_was_counted_whatever_is_not_heard(
    steps: list[tuple[dict[str, int], bool]],
) -> None:
    tally, totals, heard = Tally(), Counter[str](), Counter[str]()
    numbers: list[int] = []
    for more, is_heard in [*steps, ({}, True), ({}, True)]:
        totals.update(more)
        telling = tally.next(totals, now=NOW)
        if telling is not None and is_heard:
            heard.update(telling.amounts)
            numbers.append(telling.number)
            tally.told()
    assert +heard == +totals
    assert numbers == sorted(set(numbers))


def test_what_was_not_heard_comes_again_as_it_was() -> None:
    tally = Tally()
    first = tally.next({"a": 1}, now=NOW)
    assert first is not None
    assert tally.next({"a": 5}, now=NOW + 600) == first
    tally.told()
    second = tally.next({"a": 5}, now=NOW + 600)
    assert second is not None
    assert (dict(second.amounts), second.minute) == ({"a": 4}, first.minute + 10)
    tally.told()
    assert tally.next({"a": 5}, now=NOW) is None


async def test_processes_add_to_the_same_minute(store: Store) -> None:
    one, two = (Minutes(store.redis.link, store.keys, process=name) for name in ("one", "two"))
    await one.tell({"accepted": 3}, now=NOW)
    await two.tell({"accepted": 4, "tokens:input": 10**13}, now=NOW)
    await one.tell({"accepted": 5}, now=NOW + 1)
    await one.tell({"accepted": 6}, now=NOW + 60)
    minute = int(NOW // 60)
    assert await two.read(now=NOW + 60, minutes=3) == [
        (minute - 1, {}),
        (minute, {"accepted": 9, "tokens:input": 10**13}),
        (minute + 1, {"accepted": 1}),
    ]


async def test_a_telling_that_comes_twice_is_added_once(store: Store) -> None:
    minutes = Minutes(store.redis.link, store.keys, process="one")
    await minutes.tell({"accepted": 3}, now=NOW)
    # The same process, which has not heard that it was added.
    again = Minutes(store.redis.link, store.keys, process="one")
    await again.tell({"accepted": 3}, now=NOW)
    assert (await minutes.read(now=NOW, minutes=1))[0][1] == {"accepted": 3}
    await again.tell({"accepted": 7}, now=NOW)
    assert (await minutes.read(now=NOW, minutes=1))[0][1] == {"accepted": 7}


async def test_minutes_expire(store: Store) -> None:
    await Minutes(store.redis.link, store.keys, process="one").tell({"accepted": 3}, now=NOW)
    for key in (store.keys.minute(int(NOW // 60)), store.keys.counted("one")):
        assert MOST_MINUTES * 60_000 < await store.redis.pttl(key) <= (MOST_MINUTES + 2) * 60_000
