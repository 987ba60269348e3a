import io
import json

from cli.api.task_view import TaskView
from cli.tasks.answers import write_answers, write_jsonl
from cli.tasks.board import Board

COMPLETED = TaskView(task_id="1", status="completed", result="Paris.\n")
FAILED = TaskView(task_id="2", status="failed", error="no such model (model_not_found)")
LOST = TaskView(task_id="3", status="not_found")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def board_of(*views: TaskView) -> Board:
    board = Board(missing_seconds=0)
    for view in views:
        board.add(f"prompt {view.task_id}", view.task_id, view, 0.0)
    return board


def test_the_answer_to_one_prompt_stands_alone() -> None:
    output = io.StringIO()
    write_answers(output, board_of(COMPLETED))
    assert output.getvalue() == "Paris.\n"


def test_several_answers_stand_under_their_prompts_in_order() -> None:
    output = io.StringIO()
    write_answers(output, board_of(FAILED, COMPLETED, LOST))
    assert output.getvalue() == (
        "[1/3] prompt 2\n(failed: no such model (model_not_found))\n\n"
        "[2/3] prompt 1\nParis.\n\n"
        "[3/3] prompt 3\n(not found)\n"
    )


def test_a_file_gets_the_models_text_as_it_is_and_a_terminal_what_cannot_control_it() -> None:
    board = board_of(TaskView(task_id="1", status="completed", result="\x1b[2J"))
    file, terminal = io.StringIO(), Terminal()
    write_answers(file, board)
    write_answers(terminal, board)
    assert file.getvalue() == "\x1b[2J\n"
    assert terminal.getvalue() == "\\x1b[2J\n"


def test_jsonl_is_each_task_as_the_api_shows_it() -> None:
    answer = {"task_id": "1", "status": "completed", "result": "où\n", "usage": {"total_tokens": 3}}
    output = io.StringIO()
    write_jsonl(output, board_of(TaskView(task_id="1", status="completed", answer=answer), FAILED).rows)
    lines = output.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [answer, {}]
