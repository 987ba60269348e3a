import gc
import weakref
from collections.abc import Iterator

import pytest

from producer_api.garbage import look_for_garbage_rarely


class Knot:
    """Refers to itself, so that only a look for garbage frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("collector")
def test_what_is_here_to_stay_is_not_looked_at_and_what_comes_later_is_freed() -> None:
    stays = Knot()
    look_for_garbage_rarely()
    assert not any(found is stays for found in gc.get_objects())
    knot = weakref.ref(Knot())
    kept: list[list[int]] = [[] for _ in range(2 * gc.get_threshold()[0])]
    assert kept
    assert knot() is None


@pytest.mark.usefixtures("collector")
def test_one_large_request_is_less_than_what_calls_for_a_look() -> None:
    look_for_garbage_rarely()
    before = gc.get_stats()[0]["collections"]
    kept: list[list[int]] = [[] for _ in range(10_000)]
    assert kept
    assert gc.get_stats()[0]["collections"] <= before + 1
