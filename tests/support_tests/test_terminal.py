import sys
from pathlib import Path

import pytest

from tests.support.terminal import Screen, in_terminal


def test_a_line_is_painted_over_and_scrolls_away() -> None:
    screen = Screen(columns=10, rows=3)
    screen.feed("one\r\ntwo\r\x1b[2K\x1b[1A\x1b[2Kthree")
    assert screen.lines == ["three"]
    screen.feed("\r\n\x1b[1;32mfour\x1b[0m\r\nfive\r\nsix\x1b[?25l")
    assert screen.lines == ["four", "five", "six"]
    screen.feed("\r0123456789")
    assert screen.lines[-1] == "0123456789"
    screen.feed("ab")
    assert screen.lines == ["five", "0123456789", "ab"]


def test_a_sequence_may_come_in_pieces_and_an_unknown_one_is_an_error() -> None:
    screen = Screen()
    for piece in ("x\x1b", "[2", "Ky"):
        screen.feed(piece)
    assert screen.lines == [" y"]
    with pytest.raises(AssertionError, match="no sequence that is known"):
        screen.feed("\x1b[5n")


async def test_a_program_has_a_terminal_of_its_own_and_hears_ctrl_c(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdout.isatty(), flush=True)\ntry: input()\nexcept KeyboardInterrupt: sys.exit(7)"
    async with in_terminal((sys.executable, "-c", code), folder=tmp_path, environ={}) as program:
        await program.wait_for("True")
        program.press(b"\x03")
        assert await program.exit_status() == 7
