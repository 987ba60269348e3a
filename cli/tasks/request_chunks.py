"""Many prompts as few requests within the API's limits; pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.tasks.prompts import Prompt

PROMPTS_PER_REQUEST = 500
BYTES_PER_REQUEST = 4 * 1024 * 1024


def requests_of(
    prompts: Sequence[Prompt],
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
