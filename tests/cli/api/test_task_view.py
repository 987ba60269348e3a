from typing import Any

import pytest

from cli.api.task_view import UnreadableAnswer, error_line, parse_tasks


def test_an_entry_keeps_what_is_not_known() -> None:
    entry = {
        "task_id": "1",
        "status": "failed",
        "progress": 25,
        "attempts": 2,
        "result": None,
        "error": {"message": "no such\nmodel", "type": "t", "param": "model", "code": "model_not_found"},
        "created_at": 1.5,
        "finished_at": 2.25,
        "queue_position": 7,
    }
    (view,) = parse_tasks({"tasks": [entry]}, 1)
    assert (view.task_id, view.status, view.progress, view.attempts) == ("1", "failed", 25, 2)
    assert (view.created_at, view.finished_at, view.result) == (1.5, 2.25, None)
    assert view.error == "no such model (model_not_found, model)"
    assert view.answer == entry
    assert view.is_final


@pytest.mark.parametrize(
    ("status", "is_final"),
    [("queued", False), ("processing", False), ("completed", True), ("not_found", True), ("new", True)],
)
def test_only_queued_and_processing_are_not_final(status: str, is_final: bool) -> None:  # noqa: FBT001 (a column)
    (view,) = parse_tasks({"tasks": [{"task_id": "1", "status": status}]}, 1)
    assert view.is_final == is_final


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"tasks": {}},
        {"tasks": []},
        {"tasks": [1]},
        {"tasks": [{}]},
        {"tasks": [{"status": 1}]},
        {"tasks": [{}, {}]},
    ],
)
def test_what_is_no_such_list_is_unreadable(answer: Any) -> None:
    with pytest.raises(UnreadableAnswer):
        parse_tasks(answer, 1)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (None, None),
        ({}, None),
        ({"message": 1}, None),
        ({"message": "m"}, "m"),
        ({"message": "m", "code": None, "param": None}, "m"),
        ({"message": "m", "code": "c", "param": ""}, "m (c)"),
    ],
)
def test_an_error_is_one_line(error: Any, line: str | None) -> None:
    assert error_line(error) == line
