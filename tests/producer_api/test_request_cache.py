from hypothesis import given, strategies as st

from producer_api.request_cache import RequestCache, TaskRequest


def asked(text: str) -> TaskRequest:
    return TaskRequest("/v1/responses", {"input": text}, {"k": "v"})


def test_what_is_kept_is_found_as_it_was() -> None:
    cache = RequestCache(max_bytes=10_000)
    cache.keep("a", asked("x"))
    cache.keep("a", asked("another"))
    assert cache.find("a") == asked("x")
    assert cache.find("b") is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    cache = RequestCache(max_bytes=2_000)
    for name in "abc":
        cache.keep(name, asked("x"))
    cache.find("a")
    cache.keep("d", asked("x"))
    assert [name for name in "abcd" if cache.find(name)] == ["a", "c", "d"]


def test_what_is_larger_than_all_that_may_be_kept_is_not() -> None:
    cache = RequestCache(max_bytes=1_000)
    cache.keep("a", asked("x"))
    cache.keep("b", asked("x" * 1_000))
    assert cache.find("a") is not None
    assert cache.find("b") is None


@given(sizes=st.lists(st.integers(0, 3_000), max_size=30))
def test_it_never_holds_more_than_it_may(sizes: list[int]) -> None:
    cache = RequestCache(max_bytes=5_000)
    for number, size in enumerate(sizes):
        cache.keep(str(number), asked("x" * size))
        assert 0 <= cache.size_bytes <= 5_000
    assert (len(cache) == 0) == (cache.size_bytes == 0)
