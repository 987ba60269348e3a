"""A program in a terminal of its own, and what stands on its screen."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.waiting import until

COLUMNS, ROWS = 80, 24

_SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")
_UNFINISHED = re.compile(r"\x1b(\[\??[0-9;]*)?$")


class Screen:
    """What a terminal shows. A sequence that it does not know is an error: nothing is guessed."""

    def __init__(self, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self._columns, self._rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """The lines as one reads them, without what is empty below the last."""
        return "\n".join("".join(row).rstrip() for row in self._cells).rstrip("\n").split("\n")

    def feed(self, text: str) -> None:
        """Take what a program wrote, in pieces of any size."""
        text, self._rest = self._rest + text, ""
        while text:
            if text[0] != "\x1b":
                self._character(text[0])
                text = text[1:]
                continue
            found = _SEQUENCE.match(text)
            if found is None:
                assert _UNFINISHED.fullmatch(text), f"no sequence that is known: {text[:20]!r}"
                self._rest = text
                return
            self._sequence(*found.groups())
            text = text[found.end() :]

    def _character(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._down()
        elif character == "\x07":
            return
        else:
            assert character.isprintable(), f"no character that is known: {character!r}"
            if self._column == self._columns:
                self._column = 0
                self._down()
            self._cells[self._row][self._column] = character
            self._column += 1

    def _down(self) -> None:
        if self._row + 1 < self._rows:
            self._row += 1
        else:
            self._cells = [*self._cells[1:], [" "] * self._columns]

    def _sequence(self, private: str, numbers: str, name: str) -> None:
        number = int(numbers or "1") if ";" not in numbers else 0
        if name == "m" or (private and name in "hl"):
            return
        assert not private, f"no sequence that is known: {private}{numbers}{name}"
        if name == "A":
            self._row = max(0, self._row - number)
        elif name == "K":
            assert numbers == "2", "a part of a line is erased"
            self._cells[self._row] = [" "] * self._columns
        else:
            raise AssertionError(f"no sequence that is known: {numbers}{name}")


class TerminalProgram:
    """A running program: its process, and the panes that were seen, each that differs from the one before."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int, screen: Screen) -> None:
        self.process = process
        self.panes: list[list[str]] = []
        self._terminal = terminal
        self._screen = screen

    def press(self, keys: bytes) -> None:
        """Send keys, as a person presses them: `\\x03` is Ctrl-C."""
        os.write(self._terminal, keys)

    async def wait_for(self, *patterns: str, deadline: float = 60.0) -> list[str]:
        """Wait for a pane in which each of the patterns is found, and return its lines."""

        def seen() -> list[str] | None:
            text = "\n".join(self._screen.lines)
            return self._screen.lines if all(re.search(pattern, text) for pattern in patterns) else None

        return await until(seen, deadline=deadline, what=f"{patterns} on the screen") or []

    async def exit_status(self, *, deadline: float = 60.0) -> int:
        """Wait for its end, and for all that it wrote."""
        async with asyncio.timeout(deadline):
            return await self.process.wait()

    def read(self) -> None:
        """Take what there is to read; at the program's end there is nothing more."""
        try:
            content = os.read(self._terminal, 65536)
        except OSError:
            # The other side is closed.
            asyncio.get_running_loop().remove_reader(self._terminal)
            return
        self._screen.feed(content.decode(errors="replace"))
        if not self.panes or self.panes[-1] != self._screen.lines:
            self.panes.append(self._screen.lines)


@asynccontextmanager
async def in_terminal(
    argv: Sequence[str], *, folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[TerminalProgram]:
    """Run a program in a terminal of 80 columns and 24 rows, which is its own: Ctrl-C reaches it."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        env={**environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(its)
    program = TerminalProgram(process, ours, Screen())
    asyncio.get_running_loop().add_reader(ours, program.read)
    try:
        yield program
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


def _take_terminal() -> None:
    # What runs tests in the background has it ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
