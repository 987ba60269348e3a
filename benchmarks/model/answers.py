"""What the model says, made once."""

import json

STREAMED_PIECES = 50
_TEXT = "The answer to your question is a river, and it runs through the valley to the sea. " * 5
_COMMON = {"id": "chatcmpl-bench", "created": 1_750_000_000, "model": "bench-model"}
_USAGE = {"prompt_tokens": 150, "completion_tokens": 100, "total_tokens": 250}


def whole_answer() -> bytes:
    """Return the HTTP answer with one chat completion of about 800 bytes."""
    message: dict[str, object] = {"role": "assistant", "content": _TEXT, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json_answer({**_COMMON, "object": "chat.completion", "choices": [choice], "usage": _USAGE})


def json_answer(body: object, status: str = "200 OK") -> bytes:
    """Return an HTTP answer with a JSON body."""
    content = json.dumps(body, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def stream_head() -> bytes:
    """Return the head of a streamed answer."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def stream_pieces() -> tuple[bytes, ...]:
    """Return the pieces of a streamed answer, each as one HTTP chunk; the last one ends it."""
    pieces = [
        _event({"choices": [{"index": 0, "delta": {"content": _TEXT[start : start + 8]}, "finish_reason": None}]})
        for start in range(0, 8 * STREAMED_PIECES, 8)
    ]
    stop = _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = _event({"choices": [], "usage": _USAGE})
    return (*pieces, stop + usage + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def stamped_piece(now: float) -> bytes:
    """Return a piece whose text is an instant of `time.monotonic` in angle brackets."""
    return _event({"choices": [{"index": 0, "delta": {"content": f"<{now:.6f}>"}, "finish_reason": None}]})


def _event(fields: dict[str, object]) -> bytes:
    content = json.dumps({**_COMMON, "object": "chat.completion.chunk", **fields}, separators=(",", ":"))
    return _chunk(f"data: {content}\n\n".encode())


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)
