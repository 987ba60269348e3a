"""Where the prompts come from: arguments, a file, or standard input; read as they are asked for."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.tasks.prompts import PromptLine, argument_lines, looks_like_jsonl, read_lines

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class PromptSource:
    """Prompts in order, read as they are taken. Taking one raises CommandError when its line cannot be sent.

    `is_stream` says that they come from a file or standard input: they may be more than memory holds, and they are the
    same when the command is given again. `is_jsonl` says that each line is JSON.
    """

    lines: Iterator[PromptLine]
    is_stream: bool
    is_jsonl: bool


@contextmanager
def prompt_source(
    arguments: Sequence[str], file: Path | None, stdin: BinaryIO | None, *, jsonl: bool | None
) -> Iterator[PromptSource]:
    """The arguments, then the file's lines; `-` is `stdin`, and so is no argument and no file; None is a terminal.

    Without `jsonl` a file's name in .jsonl says what it is, and of standard input its first line.

    Raises:
        CommandError: There is no prompt, an argument is no text, or the file cannot be read.
    """
    given = argument_lines(arguments)
    if file is None and given:
        yield PromptSource(iter(given), is_stream=False, is_jsonl=False)
    elif file is None or file == STDIN:
        if stdin is None:
            raise _nothing()
        yield _of_stdin(given, stdin, jsonl=jsonl)
    else:
        with _opened(file) as lines:
            yield _source(given, str(file), lines, is_jsonl=file.suffix == ".jsonl" if jsonl is None else jsonl)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", ExitCode.USAGE) from error


def _of_stdin(given: Sequence[PromptLine], stdin: BinaryIO, *, jsonl: bool | None) -> PromptSource:
    lines = iter(stdin)
    blank = []
    first = next(lines, b"")
    while first and not first.strip():
        blank.append(first)
        first = next(lines, b"")
    is_jsonl = looks_like_jsonl(first) if jsonl is None else jsonl
    return _source(given, "standard input", itertools.chain(blank, [first], lines), is_jsonl=is_jsonl)


def _source(
    given: Sequence[PromptLine], name: str, lines: Iterator[bytes] | BinaryIO, *, is_jsonl: bool
) -> PromptSource:
    prompts = itertools.chain(given, read_lines(name, lines, jsonl=is_jsonl))
    first = next(prompts, None)
    if first is None:
        raise _nothing()
    return PromptSource(itertools.chain([first], prompts), is_stream=True, is_jsonl=is_jsonl)


def _nothing() -> CommandError:
    return CommandError(
        'nothing to submit: give prompts, a file of them with "-f", or lines on standard input', ExitCode.USAGE
    )
