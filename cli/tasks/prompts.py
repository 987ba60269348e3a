"""Prompts as the user writes them: texts, or lines of JSON; pure."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cli.errors import CommandError
from cli.exit_codes import ExitCode

# The API takes no more levels.
_DEEPEST = 200

_CHAT_PATH = "/v1/chat/completions"

# What says of an object that it is a prompt.
_TELLING = frozenset({"prompt", "messages", "body"})

# What the API takes as one prompt: a text, or an OpenAI chat object.
Prompt = str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class PromptLine:
    """One prompt, and the name that its answer is given back with, where its line has one."""

    prompt: Prompt
    custom_id: str | None = None


def argument_lines(arguments: Sequence[str]) -> list[PromptLine]:
    """Each argument of the command line as a prompt.

    Raises:
        CommandError: One is no UTF-8; the text has its number.
    """
    for number, argument in enumerate(arguments, start=1):
        check_utf8(argument, f"prompt {number} of the command line")
    return [PromptLine(argument) for argument in arguments]


def read_lines(name: str, lines: Iterable[bytes], *, jsonl: bool) -> Iterator[PromptLine]:
    """The prompts of a file's lines, texts as they are, blank ones left out; `name` is the file's in errors.

    Raises:
        CommandError: A line cannot be sent; the text has its number.
    """
    for number, line in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        try:
            # A byte order mark is no part of the first prompt.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise CommandError(f"{where}: this is not UTF-8", ExitCode.USAGE) from error
        if text.strip():
            yield _parsed(text.strip(), where) if jsonl else PromptLine(text)


def looks_like_jsonl(line: bytes) -> bool:
    """Whether a first line is a JSON string or an object with a prompt, rather than a text to be sent as it is."""
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, str) or (isinstance(value, dict) and not _TELLING.isdisjoint(value))


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


def _parsed(line: str, where: str) -> PromptLine:
    try:
        value = json.loads(line)
        if not isinstance(value, str | dict):
            raise CommandError(f"{where}: a prompt is a JSON string or an object with messages", ExitCode.USAGE)
        _check_sendable(value)
    except UnicodeEncodeError as error:
        raise CommandError(f"{where}: half of a surrogate pair is no text", ExitCode.USAGE) from error
    except ValueError as error:
        raise CommandError(f"{where}: this is not JSON ({error})", ExitCode.USAGE) from error
    except RecursionError as error:
        raise CommandError(f"{where}: this is nested too deeply", ExitCode.USAGE) from error
    return PromptLine(value) if isinstance(value, str) else _of_object(value, where)


def _of_object(line: dict[str, Any], where: str) -> PromptLine:
    """A chat object, the same with a text as `prompt`, or a line of OpenAI's batch files."""
    prompt = dict(line)
    custom_id = prompt.pop("custom_id", None)
    if custom_id is not None and not isinstance(custom_id, str):
        raise CommandError(f"{where}: custom_id should be a text", ExitCode.USAGE)
    if "body" in prompt:
        body, url = prompt.pop("body"), prompt.pop("url", _CHAT_PATH)
        prompt.pop("method", None)
        if not isinstance(body, dict) or url != _CHAT_PATH or prompt:
            raise CommandError(f"{where}: beside its body a line has custom_id, method and url", ExitCode.USAGE)
        prompt = dict(body)
    if "prompt" in prompt:
        text = prompt.pop("prompt")
        if not isinstance(text, str) or "messages" in prompt:
            raise CommandError(f"{where}: prompt is a text, and stands in the place of messages", ExitCode.USAGE)
        prompt = {"messages": [{"role": "user", "content": text}], **prompt}
    return PromptLine(prompt, custom_id)


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
