from cli.api.task_view import TaskView
from cli.tasks.board import Board

NOW = 1_000.0


def view(task_id: str | None, status: str, **fields: float) -> TaskView:
    return TaskView(
        task_id=task_id, status=status, created_at=fields.get("created_at"), finished_at=fields.get("finished_at")
    )


def board_of(*task_ids: str, missing_seconds: float = 0.0) -> Board:
    board = Board(missing_seconds=missing_seconds)
    for task_id in task_ids:
        board.add(f"prompt {task_id}", task_id, view(task_id, "queued"), NOW)
    return board


def test_a_board_is_done_when_every_task_is_final() -> None:
    board = board_of("a", "b")
    assert board.update(["a", "b"], [view("a", "completed"), view("b", "processing")], NOW) == 1
    assert (board.unfinished, board.is_done) == (["b"], False)
    assert board.update(["b"], [view("b", "failed")], NOW) == 1
    assert (board.unfinished, board.is_done) == ([], True)
    assert not board.all_completed
    assert board.task_ids == ["a", "b"]


def test_a_refused_prompt_is_final_from_the_start_and_no_task() -> None:
    board = Board(missing_seconds=0)
    board.add("refused", None, view(None, "failed"), NOW)
    assert board.is_done
    assert board.task_ids == []
    assert not board.all_completed
    assert board.rows[0].elapsed_seconds(NOW + 9) is None


def test_a_task_that_is_not_found_is_waited_for_as_long_as_the_board_says() -> None:
    board = board_of("a", missing_seconds=60)
    missing = view("a", "not_found")
    assert board.update(["a"], [missing], NOW) == 0
    assert board.update(["a"], [missing], NOW + 59.9) == 0
    assert board.rows[0].view.status == "queued"
    assert board.update(["a"], [missing], NOW + 60) == 1
    assert board.rows[0].view.status == "not_found"


def test_a_task_that_comes_back_is_missing_anew_the_next_time() -> None:
    board = board_of("a", missing_seconds=60)
    board.update(["a"], [view("a", "not_found")], NOW)
    board.update(["a"], [view("a", "processing")], NOW + 30)
    assert board.update(["a"], [view("a", "not_found")], NOW + 70) == 0


def test_an_id_that_is_answered_in_another_spelling_is_the_same_task() -> None:
    board = board_of("resp_0a")
    assert board.update(["resp_0a"], [view("0a", "completed")], NOW) == 1


def test_what_is_final_stays_as_it_was_seen() -> None:
    board = board_of("a")
    board.update(["a"], [view("a", "completed")], NOW)
    board.update(["a"], [view("a", "queued")], NOW)
    assert board.rows[0].view.status == "completed"


def test_elapsed_time_runs_until_the_end_by_the_apis_own_times() -> None:
    board = board_of("a")
    row = board.rows[0]
    assert row.elapsed_seconds(NOW + 2) == 2
    board.update(["a"], [view("a", "processing", created_at=NOW - 1)], NOW)
    assert row.elapsed_seconds(NOW + 2) == 3
    board.update(["a"], [view("a", "completed", created_at=NOW - 1, finished_at=NOW + 4)], NOW + 5)
    assert row.elapsed_seconds(NOW + 99) == 5


def test_elapsed_time_stops_also_where_the_api_has_no_end_and_is_never_negative() -> None:
    board = board_of("a")
    board.update(["a"], [view("a", "expired")], NOW + 3)
    assert board.rows[0].elapsed_seconds(NOW + 99) == 3
    other = board_of("b")
    other.update(["b"], [view("b", "processing", created_at=NOW + 50)], NOW)
    assert other.rows[0].elapsed_seconds(NOW) == 0


def test_rows_that_are_taken_off_are_followed_no_more_and_count_on() -> None:
    board = board_of("a", "b", "c")
    board.update(["a", "c"], [view("a", "completed"), view("c", "failed")], NOW)
    assert board.ended_at_head == 1
    assert [row.view.task_id for row in board.take_off(board.ended_at_head)] == ["a"]
    assert board.ended_at_head == 0
    assert (board.unfinished, board.task_ids) == (["b"], ["b", "c"])
    assert (board.total, board.finished, board.accepted) == (3, 2, 3)
    assert board.counts() == {"completed": 1, "failed": 1, "queued": 1}
    board.update(["a"], [view("a", "failed")], NOW)
    board.update(["b"], [view("b", "completed")], NOW)
    assert board.ended_at_head == 2
    board.take_off(2)
    assert (board.is_done, board.rows, board.finished) == (True, [], 3)
    assert not board.all_completed


def test_what_was_taken_off_before_its_end_is_not_counted_as_ended() -> None:
    board = board_of("a", "b")
    board.take_off(2)
    assert (board.total, board.finished, board.is_done, board.all_completed) == (2, 0, True, False)
