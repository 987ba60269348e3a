import io

import pytest
from rich.console import Console

from cli.api.task_view import TaskView
from cli.tasks.board import Board
from cli.tasks.progress import ProgressView, duration, progress_view
from cli.tasks.progress_display import PlainDisplay, progress_display, render_progress

NOW = 1_000.0


def task(number: int, status: str, progress: float, attempts: int = 1, error: str | None = None) -> TaskView:
    return TaskView(task_id=str(number), status=status, progress=progress, attempts=attempts, error=error)


def board_of(*views: TaskView) -> Board:
    board = Board(missing_seconds=0)
    for view in views:
        board.add(f"prompt {view.task_id}", view.task_id, view, NOW)
    return board


FOUR = (
    task(1, "completed", 100),
    task(2, "processing", 25, attempts=2),
    task(3, "failed", 25, attempts=5, error="no such model (model_not_found)"),
    task(4, "queued", 0, attempts=0),
)


def many(total: int, completed: int, processing: int) -> Board:
    statuses = ["completed"] * completed + ["processing"] * processing
    statuses += ["queued"] * (total - len(statuses))
    return board_of(*(task(number, status, 0) for number, status in enumerate(statuses)))


def painted(view: ProgressView, *, encoding: str = "utf-8") -> list[str]:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding), width=80, force_terminal=True, record=True)
    console.print(render_progress(view, ascii_only=console.options.ascii_only))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_few_tasks_have_a_line_each() -> None:
    view = progress_view(board_of(*FOUR), 4, NOW + 1.25)
    assert [(line.label, line.status, line.percent, line.attempts) for line in view.lines] == [
        ("prompt 1", "completed", 100, 1),
        ("prompt 2", "processing", 25, 2),
        ("prompt 3", "failed", 25, 5),
        ("prompt 4", "queued", 0, 0),
    ]
    assert [line.elapsed_seconds for line in view.lines] == [0, 1.25, 0, 1.25]
    assert [line.note for line in view.lines] == [None, None, "no such model (model_not_found)", None]
    assert (view.finished, view.total) == (2, 4)


def test_many_tasks_have_counts_and_lines_for_some_in_flight() -> None:
    view = progress_view(many(total=500, completed=120, processing=40), 500, NOW)
    assert view.in_flight_only
    assert view.counts == (("completed", 120), ("processing", 40), ("queued", 340))
    assert (view.finished, view.total, view.percent) == (120, 500, 24)
    assert [line.label for line in view.lines] == [f"prompt {number}" for number in range(120, 130)]


def test_what_is_not_submitted_yet_belongs_to_the_total() -> None:
    view = progress_view(many(total=25, completed=25, processing=0), 100, NOW)
    assert (view.finished, view.percent) == (25, 25)


def test_a_status_that_a_newer_api_may_have_is_counted_too() -> None:
    view = progress_view(board_of(task(1, "paused", 0)), 1, NOW)
    assert view.counts == (("paused", 1),)
    assert "paused" in painted(view)[0]


def test_each_line_shows_bar_percent_status_attempts_and_time() -> None:
    lines = painted(progress_view(board_of(*FOUR), 4, NOW + 1.25))
    assert [line.split() for line in lines] == [
        ["prompt", "1", "━" * 12, "100%", "completed", "1", "attempt", "0.0", "s"],
        ["prompt", "2", "━━━─────────", "25%", "processing", "2", "attempts", "1.2", "s"],
        ["prompt", "3", "━━━─────────", "25%", "failed", "5", "attempts", "0.0", "s"],
        ["prompt", "4", "─" * 12, "0%", "queued", "0", "attempts", "1.2", "s"],
    ]
    assert all(len(line) <= 80 for line in lines)


def test_a_terminal_without_line_characters_gets_plain_ones() -> None:
    assert "###........." in painted(progress_view(board_of(*FOUR), 4, NOW), encoding="ascii")[1]


def test_many_tasks_are_painted_as_one_bar_and_counts() -> None:
    lines = painted(progress_view(many(total=2_000, completed=1_000, processing=1), 2_000, NOW))
    assert lines[0] == "━" * 20 + "─" * 20 + "  1,000 of 2,000 done"
    assert lines[1] == "1,000 completed, 1 processing, 999 queued"
    assert lines[2].startswith("prompt 1000")
    assert len(lines) == 3


def test_markup_in_a_prompt_is_shown_as_it_is() -> None:
    board = Board(missing_seconds=0)
    board.add("[red]not[/red] :smile:", "1", task(1, "queued", 0), NOW)
    assert "[red]not[/red] :smile:" in painted(progress_view(board, 1, NOW))[0]


def plain() -> tuple[PlainDisplay, io.StringIO]:
    output = io.StringIO()
    return PlainDisplay(Console(file=output, highlight=False)), output


def test_without_a_terminal_each_change_is_a_line() -> None:
    display, output = plain()
    board = board_of(task(1, "queued", 0, attempts=0), task(2, "queued", 0, attempts=0))
    display.show(progress_view(board, 2, NOW), NOW)
    display.show(progress_view(board, 2, NOW + 1), NOW + 1)
    failed = task(2, "failed", 25, error="no such model")
    board.update(["1", "2"], [task(1, "processing", 25), failed], NOW + 2)
    display.show(progress_view(board, 2, NOW + 2), NOW + 2)
    assert output.getvalue().splitlines() == [
        "[1/2] queued 0%, 0 attempts, 0.0 s",
        "[2/2] queued 0%, 0 attempts, 0.0 s",
        "[1/2] processing 25%, 1 attempt, 2.0 s",
        "[2/2] failed 25%, 1 attempt, 2.0 s: no such model",
    ]


def test_without_a_terminal_many_tasks_are_counted_from_time_to_time() -> None:
    display, output = plain()
    display.show(progress_view(many(100, completed=0, processing=0), 100, NOW), NOW)
    display.show(progress_view(many(100, completed=1, processing=9), 100, NOW + 1), NOW + 1)
    display.show(progress_view(many(100, completed=2, processing=9), 100, NOW + 2), NOW + 2)
    display.show(progress_view(many(100, completed=2, processing=9), 100, NOW + 5), NOW + 5)
    display.show(progress_view(many(100, completed=100, processing=0), 100, NOW + 5.1), NOW + 5.1)
    assert output.getvalue().splitlines() == [
        "0 of 100 done: 100 queued",
        "2 of 100 done: 2 completed, 9 processing, 89 queued",
        "100 of 100 done: 100 completed",
    ]


def test_a_terminal_is_repainted_in_place_and_what_is_said_stays() -> None:
    output = io.StringIO()
    with progress_display(Console(file=output, force_terminal=True, width=80)) as display:
        display.show(progress_view(board_of(*FOUR), 4, NOW), NOW)
        display.say("the API does not answer")
        display.show(progress_view(board_of(*FOUR), 4, NOW), NOW)
    assert "\x1b[1A" in output.getvalue()
    assert output.getvalue().count("the API does not answer") == 1


def test_without_a_terminal_nothing_is_repainted() -> None:
    output = io.StringIO()
    with progress_display(Console(file=output)) as display:
        display.say("\x1b[2Jsaid")
    assert output.getvalue() == "\\x1b[2Jsaid\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (3_599.9, "1h00m"),
        (86_399, "23h59m"),
    ],
)
def test_a_length_of_time_is_short(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
