"""Standard output and standard error as commands write to them."""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from cli.errors import CommandError
from cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_INPUT, _OUTPUT, _ERRORS = range(3)


class OutputLost(CommandError):  # noqa: N818 - a fact about the output, decided on by the command
    """What a command writes goes nowhere. Nothing is to be said where its reader has had enough of it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, ExitCode.NOT_COMPLETED)


def open_standard_streams() -> None:
    """Have `sys.stdout` and `sys.stderr` raise `OutputLost` for what cannot be written, and never an OSError.

    So nobody who asks a server takes it for an answer of that. Of what is lost one error is raised: whoever ends then
    may write again. Messages that fit on no disk are left out. A character that the stream's character set lacks is
    written as its number.
    """
    for number, stream in ((_INPUT, sys.stdin), (_OUTPUT, sys.stdout), (_ERRORS, sys.stderr)):
        if stream is None:
            _keep_closed(number)
    sys.stdout = _text(_Stream(_OUTPUT, "standard output"), sys.stdout)
    sys.stderr = _text(_Stream(_ERRORS, None), sys.stderr)


class _Stream(io.FileIO):
    """A stream by its number, and its name in errors; without one an error is only that nobody reads it any more."""

    def __init__(self, number: int, name: str | None) -> None:
        super().__init__(number, "wb", closefd=False)
        self._name = name
        self._is_lost = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._is_lost:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            self._is_lost = True
            raise OutputLost from None
        except OSError as error:
            self._is_lost = True
            if self._name is None:
                return memoryview(data).nbytes
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise OutputLost(f"{self._name} cannot be written: {reason}") from None


def _text(stream: _Stream, before: TextIO | None) -> TextIO:
    """A text stream as Python had it `before`; None where it was closed."""
    is_terminal = stream.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding="utf-8" if before is None else before.encoding,
        errors="backslashreplace",
        line_buffering=is_terminal or stream.fileno() == _ERRORS,
        write_through=isinstance(before, io.TextIOWrapper) and before.write_through,
    )


def _keep_closed(number: int) -> None:
    """Take the place of a closed stream, lest a connection be opened in it; nothing can be read or written there."""
    found = os.open(os.devnull, os.O_RDONLY)
    if found != number:
        os.dup2(found, number)
        os.close(found)
