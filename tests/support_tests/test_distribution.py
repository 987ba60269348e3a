import pytest

from tests.support.distribution import place, together


@pytest.mark.parametrize(
    ("nodeid", "shared"),
    [
        ("tests/e2e/test_reading.py::test_one", "tests/e2e/test_reading.py"),
        ("tests/e2e/test_concurrency.py::TestOne::test_two[a::b]", "tests/e2e/test_concurrency.py"),
        ("tests/faults/test_model.py::test_one[500]", "tests/faults/test_model.py::test_one[500]"),
        ("tests/faults/test_cluster.py::test_one[kill]", "tests/faults/test_cluster.py"),
        ("tests/deploy/test_compose.py::test_one", "tests/deploy/"),
    ],
)
def test_a_file_is_one_process_work_and_a_fault_is_its_own(nodeid: str, shared: str) -> None:
    assert together(nodeid) == shared


@pytest.mark.parametrize(
    ("nodeid", "fixtures", "turn"),
    [
        ("tests/faults/test_model.py::test_one[500]", ["strike"], 0),
        ("tests/deploy/test_compose.py::test_one", ["compose"], 0),
        ("tests/e2e/test_reading.py::test_one", ["kafka_bootstrap", "tmp_path"], 1),
        ("tests/cli/stack/test_up.py::test_one", ["processes"], 1),
        ("tests/common/test_task.py::test_one", ["monkeypatch"], 2),
    ],
)
def test_what_lasts_long_comes_first(nodeid: str, fixtures: list[str], turn: int) -> None:
    assert place(nodeid, fixtures) == turn
