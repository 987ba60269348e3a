"""Prompts as the user gives them: arguments, a file of lines, JSONL."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from cli.errors import CommandError
from cli.exit_codes import ExitCode

STDIN = Path("-")

# The API takes no more levels.
_DEEPEST = 200

# What the API takes as one prompt: a text, or an OpenAI chat object.
Prompt = str | dict[str, Any]


def read_prompts(arguments: Sequence[str], file: Path | None, stdin: BinaryIO, *, jsonl: bool) -> list[Prompt]:
    """Every prompt in order: the arguments, then the file's lines; `-` is `stdin`, a name in .jsonl means `jsonl`.

    Raises:
        CommandError: There is none, one cannot be sent as JSON, or the file cannot be read; the text names the argument
            or the line at fault.
    """
    for number, argument in enumerate(arguments, start=1):
        check_utf8(argument, f"prompt {number} of the command line")
    prompts: list[Prompt] = list(arguments)
    if file == STDIN:
        prompts += _lines_of("standard input", stdin, jsonl=jsonl)
    elif file is not None:
        try:
            with file.open("rb") as lines:
                prompts += _lines_of(str(file), lines, jsonl=jsonl or file.suffix == ".jsonl")
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}", ExitCode.USAGE) from error
    if not prompts:
        raise CommandError('nothing to submit: give prompts, or a file of them with "-f"', ExitCode.USAGE)
    return prompts


def check_utf8(argument: str, name: str) -> None:
    """Raise CommandError, beginning with `name`, for what came as bytes that are no UTF-8."""
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise CommandError(f"{name}: this is not UTF-8", ExitCode.USAGE) from error


def prompt_text(prompt: Prompt) -> str:
    """What a person recognises the prompt by: the text, or that of the last message."""
    if isinstance(prompt, str):
        return prompt
    messages = prompt.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return content if isinstance(content, str) else json.dumps(prompt, ensure_ascii=False)


def _lines_of(name: str, lines: Iterable[bytes], *, jsonl: bool) -> Iterator[Prompt]:
    for number, line in enumerate(lines, start=1):
        try:
            # A byte order mark is no part of the first prompt.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise CommandError(f"{name}, line {number}: this is not UTF-8", ExitCode.USAGE) from error
        if text:
            yield _parsed(text, f"{name}, line {number}") if jsonl else text


def _parsed(line: str, where: str) -> Prompt:
    try:
        prompt = json.loads(line)
        if not isinstance(prompt, str | dict):
            raise CommandError(f"{where}: a prompt is a JSON string or an object with messages", ExitCode.USAGE)
        _check_sendable(prompt)
    except UnicodeEncodeError as error:
        raise CommandError(f"{where}: half of a surrogate pair is no text", ExitCode.USAGE) from error
    except ValueError as error:
        raise CommandError(f"{where}: this is not JSON ({error})", ExitCode.USAGE) from error
    except RecursionError as error:
        raise CommandError(f"{where}: this is nested too deeply", ExitCode.USAGE) from error
    return prompt


def _check_sendable(prompt: Prompt) -> None:
    """Raise UnicodeEncodeError, ValueError or RecursionError for what `json` reads and the API does not."""
    json.dumps(prompt, ensure_ascii=False, allow_nan=False).encode()
    levels: list[Any] = [prompt]
    for _ in range(_DEEPEST):
        levels = [inner for outer in levels for inner in _inner(outer)]
        if not levels:
            return
    raise RecursionError


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
