import pytest

from tests.faults.memory import Growth, MemoryLog, slope


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], 0.0),
        ([(1.0, 5.0)], 0.0),
        ([(0.0, 1.0), (2.0, 5.0)], 2.0),
        ([(0.0, 0.0), (1.0, 3.0), (2.0, 0.0)], 0.0),
    ],
)
def test_the_slope_is_that_of_the_best_fitting_line(points: list[tuple[float, float]], expected: float) -> None:
    assert slope(points) == pytest.approx(expected)


def test_growth_is_told_of_processes_that_lived_long_enough_and_without_their_first_minutes() -> None:
    log = MemoryLog(
        {
            ("worker-1", 7): [(0.0, 10), (60.0, 5_000), (120.0, 5_000), (180.0, 5_060)],
            ("worker-1", 8): [(200.0, 10), (230.0, 900)],
        }
    )
    assert log.growth(at_least_seconds=100, settling_seconds=60) == [
        Growth("worker-1 (process 7)", 120.0, 1_800.0, 5_060)
    ]
