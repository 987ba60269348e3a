import sys
from typing import BinaryIO

from cli.errors import CommandError
from cli.exit_codes import ExitCode


def open_standard_input() -> BinaryIO | None:
    """Standard input to be read apart from `sys.stdin`; None where a person sits at it, or where there is none.

    A thread may be left behind that reads it: at the end Python would take the lock of its own `sys.stdin`.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return open(sys.stdin.fileno(), "rb", closefd=False)


def standard_input() -> BinaryIO:
    """Standard input as bytes, for a command that was asked to read it.

    Raises:
        CommandError: It is closed.
    """
    if sys.stdin is None:
        raise CommandError("standard input cannot be read: it is closed", ExitCode.USAGE)
    return sys.stdin.buffer
