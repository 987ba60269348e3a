"""Bodies in OpenAI's shapes, made from the prompt alone so that tests know them beforehand."""

import base64
import hashlib
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

import orjson

_PIECE_CHARACTERS = 4096
_DEFAULT_DIMENSIONS = 8


def text_for(prompt: str, size: int | None) -> str:
    """Return the answer's text: an echo, or ``size`` characters that do not compress away."""
    if size is None:
        return f"echo: {prompt}"
    random_bytes = Random(prompt).randbytes(size * 3 // 4 + 3)
    return base64.b64encode(random_bytes)[:size].decode("ascii")


def tokens_in(text: str) -> int:
    """Count words, the fake model's tokens."""
    return len(text.split())


def usage(prompt: str, text: str) -> dict[str, Any]:
    """Return Chat Completions' ``usage``."""
    prompt_tokens, completion_tokens = tokens_in(prompt), tokens_in(text)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def arguments_for(prompt: str) -> str:
    """What a function is called with."""
    return orjson.dumps({"prompt": prompt}).decode()


def _tool_call(sequence: int, prompt: str, function: str) -> dict[str, Any]:
    called = {"name": function, "arguments": arguments_for(prompt)}
    return {"id": f"call_fake{sequence}", "type": "function", "function": called}


def chat_completion(
    sequence: int, created: int, model: str, prompt: str, text: str, *, function: str | None = None
) -> bytes:
    """Return a whole chat completion, one that calls the function too if there is one."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if function is not None:
        message["tool_calls"] = [_tool_call(sequence, prompt, function)]
    return orjson.dumps(
        {
            "id": f"chatcmpl-fake-{sequence}",
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": "stop" if function is None else "tool_calls",
                }
            ],
            "usage": usage(prompt, text),
            "system_fingerprint": "fp_fake",
        }
    )


def chat_chunks(
    sequence: int,
    created: int,
    model: str,
    prompt: str,
    text: str,
    *,
    include_usage: bool,
    function: str | None = None,
) -> Iterator[bytes]:
    """Yield a streamed chat completion's events: role, pieces, finish, usage if asked, ``[DONE]``."""
    frame: dict[str, Any] = {
        "id": f"chatcmpl-fake-{sequence}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
    }
    if include_usage:
        frame["usage"] = None

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return orjson.dumps({**frame, "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces_of(text):
        yield chunk({"content": piece})
    if function is not None:
        call = _tool_call(sequence, prompt, function)
        arguments = call["function"].pop("arguments")
        yield chunk({"tool_calls": [{"index": 0, **call}]})
        for piece in (arguments[:5], arguments[5:]):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield chunk({}, "stop" if function is None else "tool_calls")
    if include_usage:
        yield orjson.dumps({**frame, "choices": [], "usage": usage(prompt, text)})
    yield b"[DONE]"


def pieces_of(text: str) -> list[str]:
    """Cut a text as a stream would: a word at a time, long words in parts. Joined they are the text."""
    pieces = []
    for number, word in enumerate(text.split(" ")):
        spaced = f" {word}" if number else word
        pieces += [spaced[i : i + _PIECE_CHARACTERS] for i in range(0, len(spaced), _PIECE_CHARACTERS)]
    return pieces


def response(sequence: int, created: int, model: str, prompt: str, text: str, *, function: str | None = None) -> bytes:
    """Return a finished object of the Responses API."""
    call = {
        "type": "function_call",
        "id": f"fc_fake{sequence}",
        "call_id": f"call_fake{sequence}",
        "name": function,
        "arguments": arguments_for(prompt),
        "status": "completed",
    }
    input_tokens, output_tokens = tokens_in(prompt), tokens_in(text)
    content = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return orjson.dumps(
        {
            "id": f"resp_fake{sequence}",
            "object": "response",
            "created_at": created,
            "status": "completed",
            "model": model,
            "output": [
                {
                    "type": "message",
                    "id": f"msg_fake{sequence}",
                    "role": "assistant",
                    "status": "completed",
                    "content": [content],
                },
                *([] if function is None else [call]),
            ],
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": {
                "input_tokens": input_tokens,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": output_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": input_tokens + output_tokens,
            },
        }
    )


def response_events(
    sequence: int, created: int, model: str, prompt: str, text: str, *, function: str | None = None
) -> Iterator[bytes]:
    """Yield a streamed Response's events: created, the item, pieces, the whole."""
    whole = orjson.loads(response(sequence, created, model, prompt, text, function=function))
    item = whole["output"][0]
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
    ]
    events += [
        {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces_of(text)
    ]
    events += [
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    for number, event in enumerate(events):
        yield orjson.dumps({**event, "sequence_number": number})


def embeddings(model: str, texts: list[str], *, dimensions: int | None, as_base64: bool) -> bytes:
    """Return one vector per text, the same for the same text."""
    data = []
    for index, text in enumerate(texts):
        vector = _vector(text, dimensions or _DEFAULT_DIMENSIONS)
        packed: Any = vector
        if as_base64:
            packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
        data.append({"object": "embedding", "index": index, "embedding": packed})
    tokens = sum(tokens_in(text) for text in texts)
    return orjson.dumps(
        {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    )


def error(message: str, *, error_type: str, code: str | None, param: str | None = None) -> bytes:
    """Return an error in OpenAI's shape."""
    return orjson.dumps({"error": {"message": message, "type": error_type, "param": param, "code": code}})


def _vector(text: str, dimensions: int) -> list[float]:
    digest = hashlib.shake_256(text.encode()).digest(dimensions)
    return [byte / 128 - 1 for byte in digest]
