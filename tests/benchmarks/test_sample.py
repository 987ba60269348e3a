import os
import resource

import pytest

from benchmarks.cpu_clock import cpu_seconds
from benchmarks.resident import resident_bytes
from benchmarks.sample import Sample, Window


def test_a_sample_tells_items_a_second_and_processor_time_an_item() -> None:
    sample = Sample(items=500, seconds=2.0, cpu_seconds=0.25)
    assert (sample.per_second, sample.cpu_ms) == (250.0, 0.5)


def test_a_window_leaves_out_where_slots_fill_and_run_empty() -> None:
    assert Window.of(4000, 200) == Window(begin=400, end=3800)


def test_too_few_calls_for_a_window_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 800"):
        Window.of(799, 200)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def test_another_process_is_told_the_same_processor_time_as_getrusage_tells_oneself() -> None:
    before = _used()
    between = cpu_seconds(os.getpid())
    after = _used()
    # The two are kept apart by the kernel and agree to within a tick of its clock.
    assert before - 0.01 <= between <= after + 0.01


def test_the_processor_time_of_no_process_is_an_error() -> None:
    with pytest.raises(OSError, match="processor time of process"):
        cpu_seconds(2**22 + 1)


def test_resident_memory_is_at_least_that_of_what_is_held() -> None:
    held = bytearray(os.urandom(1)) * 50_000_000
    assert resident_bytes(os.getpid()) >= len(held)
