"""Many prompts as few requests within the API's limits; pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.tasks.prompts import Prompt, PromptLine

PROMPTS_PER_REQUEST = 500
BYTES_PER_REQUEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """One request: its prompts with what is known of each here, its body, and the key that it is repeated under."""

    lines: Sequence[PromptLine]
    body: bytes
    idempotency_key: str


KeyOf = Callable[[int, bytes], str]
"""The idempotency key of a request, by its number, from 0, and its body."""


def derived_keys(run: str) -> KeyOf:
    """Keys by content: the same input with the same options, under the same name of a run, is the same tasks."""

    def key_of(number: int, body: bytes) -> str:
        content = b"promptmill submit 1\n%b\n%d\n%b" % (json.dumps(run).encode(), number, body)
        return hashlib.sha256(content).hexdigest()

    return key_of


def chunks_of(
    lines: Iterable[PromptLine], common: Mapping[str, Any], key_of: KeyOf, *, max_prompts: int = PROMPTS_PER_REQUEST
) -> Iterator[Chunk]:
    """The requests for all lines, in order: where one ends depends on the lines alone, never on when they came."""
    read: list[PromptLine] = []

    def prompts() -> Iterator[Prompt]:
        for line in lines:
            read.append(line)
            yield line.prompt

    for number, (count, body) in enumerate(requests_of(prompts(), common, max_prompts=max_prompts)):
        yield Chunk(tuple(read[:count]), body, key_of(number, body))
        del read[:count]


def requests_of(
    prompts: Iterable[Prompt],
    common: Mapping[str, Any],
    *,
    max_prompts: int = PROMPTS_PER_REQUEST,
    max_bytes: int = BYTES_PER_REQUEST,
) -> Iterator[tuple[int, bytes]]:
    """Bodies of `POST /v1/tasks` with how many prompts each has, in order; `common` is beside the prompts in each.

    Only a prompt that is too large by itself makes a body larger than `max_bytes`: the API says what is wrong with it.
    """
    head = b"".join(f"{json.dumps(name)}:{json.dumps(value)},".encode() for name, value in common.items())
    frame = len(head) + len(b'{"prompts":[]}')
    chunk: list[bytes] = []
    size = frame
    for prompt in prompts:
        encoded = json.dumps(prompt, ensure_ascii=False).encode()
        if chunk and (len(chunk) == max_prompts or size + len(encoded) + 1 > max_bytes):
            yield len(chunk), _body(head, chunk)
            chunk, size = [], frame
        chunk.append(encoded)
        size += len(encoded) + 1
    if chunk:
        yield len(chunk), _body(head, chunk)


def _body(head: bytes, chunk: Sequence[bytes]) -> bytes:
    return b"{" + head + b'"prompts":[' + b",".join(chunk) + b"]}"
