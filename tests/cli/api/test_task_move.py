import json

import pytest

from cli.api.task_move import parse_move
from cli.api.task_view import TaskView

BRIEF = {"task_id": "a", "status": "processing", "progress": 25, "attempts": 1}
SEEN = TaskView(task_id="a", status="queued", created_at=7.0, answer={"lane": "batch"})


def test_a_brief_move_changes_only_how_the_task_stands() -> None:
    move = parse_move(json.dumps({**BRIEF, "delta": "more"}))
    assert move is not None
    assert (move.task_id, move.is_whole, move.delta, move.is_reset) == ("a", False, "more", False)
    moved = move.onto(SEEN)
    assert (moved.status, moved.progress, moved.attempts) == ("processing", 25, 1)
    assert (moved.created_at, moved.answer) == (7.0, {"lane": "batch"})


def test_a_whole_move_is_the_task() -> None:
    move = parse_move(json.dumps({**BRIEF, "status": "completed", "result": "r", "created_at": 8.0}))
    assert move is not None
    assert (move.is_whole, move.is_end) == (True, True)
    assert (move.onto(SEEN).result, move.onto(SEEN).created_at) == ("r", 8.0)


def test_the_last_of_a_text_is_not_the_end_yet() -> None:
    move = parse_move(json.dumps({**BRIEF, "status": "completed", "progress": 100, "delta": "last"}))
    assert move is not None
    assert (move.delta, move.is_whole, move.is_end) == ("last", False, False)
    assert move.onto(SEEN) == SEEN


def test_an_unknown_task_is_told_whole_and_a_reset_as_one() -> None:
    unknown = parse_move('{"task_id": "a", "status": "not_found"}')
    assert unknown is not None
    assert (unknown.is_whole, unknown.is_end) == (True, True)
    reset = parse_move(json.dumps({**BRIEF, "reset": True}))
    assert reset is not None
    assert reset.is_reset


@pytest.mark.parametrize("data", ["", "7", "[]", "{}", '{"status": 7}', "[" * 100_000])
def test_what_is_no_move_is_none(data: str) -> None:
    assert parse_move(data) is None
