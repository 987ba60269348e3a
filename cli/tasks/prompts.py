"""Prompts as the user gives them: arguments, a file of lines, JSONL."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from cli.errors import CommandError
from cli.exit_codes import ExitCode

STDIN = Path("-")

# What the API takes as one prompt: a text, or an OpenAI chat object.
Prompt = str | dict[str, Any]


def read_prompts(arguments: Sequence[str], file: Path | None, stdin: BinaryIO, *, jsonl: bool) -> list[Prompt]:
    """Every prompt in order: the arguments, then the file's lines; `-` is `stdin`, a name in .jsonl means `jsonl`.

    Raises:
        CommandError: There is none, or the file cannot be read; the text names the line at fault.
    """
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
    except ValueError as error:
        raise CommandError(f"{where}: this is not JSON ({error})", ExitCode.USAGE) from error
    if not isinstance(prompt, str | dict):
        raise CommandError(f"{where}: a prompt is a JSON string or an object with messages", ExitCode.USAGE)
    return prompt
