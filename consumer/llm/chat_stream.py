"""A streamed chat completion, put together into what it would have been in one piece. Pure."""

from typing import Any

import orjson

from consumer.llm.delta import Items, growth, merge, written
from consumer.llm.whole_answer import is_whole

DONE = b"[DONE]"


class BadChunk(ValueError):  # noqa: N818 - a fact about a chunk
    """A chunk that is no JSON object of this kind."""


class ModelGaveUp(Exception):  # noqa: N818 - a fact about the answer
    """The server sent an error in the middle of its answer; `content` is what it said, if that is an object."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__("the stream has an error")
        self.content = content


class ChatStream:
    """Takes chunks. `tokens` counts those with text, `is_whole` says that the answer has come to its end.

    `size` is about that of the answer, in bytes.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.size = 0
        self.is_whole = False
        self._completion: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._unfinished: set[int] = set()

    def take(self, data: bytes) -> str:
        """Take the data of one event; gives the text that it adds to the first choice.

        Raises:
            BadChunk: it cannot be read.
            ModelGaveUp: it is an error.
            orjson.JSONEncodeError: it is nested too deeply to be written.
        """
        if data.strip() == DONE:
            self.is_whole = self.is_whole or bool(self._completion or self._choices)
            return ""
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise BadChunk("no JSON") from None
        if not isinstance(chunk, dict):
            raise BadChunk("no object")
        if chunk.get("error"):
            raise ModelGaveUp(chunk["error"] if isinstance(chunk["error"], dict) else {})
        choices = chunk.pop("choices", None)
        if not isinstance(choices, list | None):
            raise BadChunk("choices are no list")
        for name, value in chunk.items():
            if value is not None:
                self.size += growth(self._completion.get(name), value)
                self._completion[name] = value
        return "".join([self._add(choice) for choice in choices or ()])

    def _add(self, choice: Any) -> str:
        if not isinstance(choice, dict) or not isinstance(choice.get("index"), int | None):
            raise BadChunk("no choice")
        index = choice.get("index") or 0
        if index not in self._choices:
            self._choices[index] = {"index": index, "message": {}, "logprobs": None, "finish_reason": None}
            self._unfinished.add(index)
            self.size += len(written(self._choices[index]))
        whole = self._choices[index]
        delta = choice.get("delta")
        text = ""
        if isinstance(delta, dict):
            self.size += merge(whole["message"], delta)
            content = delta.get("content")
            if isinstance(content, str) and content:
                self.tokens += 1
                text = content if index == 0 else ""
        if isinstance(choice.get("logprobs"), dict):
            whole["logprobs"] = whole["logprobs"] or {}
            self.size += merge(whole["logprobs"], choice["logprobs"])
        if choice.get("finish_reason") is not None:
            whole["finish_reason"] = choice["finish_reason"]
            self._unfinished.discard(index)
            self.is_whole = not self._unfinished
        return text

    def completion(self) -> bytes:
        """The chat completion, as JSON.

        Raises:
            orjson.JSONEncodeError: it is nested too deeply to be written.
        """
        choices = [self._choices[index] for index in sorted(self._choices)]
        for choice in choices:
            choice["message"].setdefault("role", "assistant")
            choice["message"].setdefault("content", None)
            calls = choice["message"].get("tool_calls")
            for call in calls.all if isinstance(calls, Items) else ():
                if isinstance(call, dict):
                    # Where a part belongs, of no use in a whole.
                    call.pop("index", None)
        return written({**self._completion, "object": "chat.completion", "choices": choices})

    @staticmethod
    def was_whole(data: bytes) -> bool:
        """Whether a chunk that cannot be read came whole all the same."""
        return is_whole(data, "choices")
