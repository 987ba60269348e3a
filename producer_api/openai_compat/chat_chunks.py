"""A chat completion in chunks: its text as it comes, all else when it is whole. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from producer_api.openai_compat.event_body import data_frame

DONE = b"data: [DONE]\n\n"
_TOLD_APART = frozenset({"role", "content"})


class ChatChunks:
    """The chunks of the answer to one request, each as an event; `created_at` in Unix seconds.

    With more than one choice, or with probabilities of tokens, nothing is told before the end: the text that comes
    meanwhile is the first choice's alone, and bare.
    """

    def __init__(self, task_id: str, request: Mapping[str, Any], *, created_at: float) -> None:
        self._frame = {
            "id": f"chatcmpl-{task_id.replace('-', '')}",
            "object": "chat.completion.chunk",
            "created": int(created_at),
            "model": request.get("model") or "",
        }
        options = request.get("stream_options")
        self._with_usage = isinstance(options, dict) and options.get("include_usage") is True
        self.tells_text = request.get("n") in (None, 1) and not request.get("logprobs")
        self._has_begun = False

    def text(self, content: str) -> bytes:
        """More of the first choice's text."""
        begin = b"" if self._has_begun else self._chunk(0, {"role": "assistant", "content": ""})
        self._has_begun = True
        return begin + self._chunk(0, {"content": content})

    def rest(self, completion: Any) -> bytes:
        """All that was not told of the whole answer, and the end.

        Raises:
            ValueError: it is no chat completion. The model server may have answered anything.
        """
        if not _is_chat_completion(completion):
            raise ValueError("no chat completion")
        frames = [frame for choice in completion.get("choices") or () for frame in self._rest_of(choice)]
        if self._with_usage:
            frames.append(data_frame({**self._frame, "choices": [], "usage": completion.get("usage")}))
        return b"".join([*frames, DONE])

    def _rest_of(self, choice: Mapping[str, Any]) -> Iterator[bytes]:
        index, message = choice.get("index", 0), choice.get("message") or {}
        is_told = self._has_begun and index == 0
        delta: dict[str, Any] = {} if is_told else {"role": "assistant", "content": message.get("content")}
        delta.update((name, value) for name, value in message.items() if name not in _TOLD_APART and value is not None)
        if delta.get("tool_calls"):
            # In a stream each says which of them it is a part of.
            delta["tool_calls"] = [{"index": place, **call} for place, call in enumerate(delta["tool_calls"])]
        if delta:
            yield self._chunk(index, delta, logprobs=choice.get("logprobs"))
        yield self._chunk(index, {}, finish_reason=choice.get("finish_reason"))

    def _chunk(
        self, index: int, delta: Mapping[str, Any], *, finish_reason: str | None = None, logprobs: Any = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        usage = {"usage": None} if self._with_usage else {}
        return data_frame({**self._frame, "choices": [choice], **usage})


def _is_chat_completion(value: Any) -> bool:
    """Whether it has the shape that chunks are made of, as far as that is read here."""
    choices = (value.get("choices") or []) if isinstance(value, dict) else None
    return isinstance(choices, list) and all(isinstance(choice, dict) and _is_choice(choice) for choice in choices)


def _is_choice(choice: Mapping[str, Any]) -> bool:
    message = choice.get("message") or {}
    calls = (message.get("tool_calls") or []) if isinstance(message, dict) else None
    return isinstance(calls, list) and all(isinstance(call, dict) for call in calls)
