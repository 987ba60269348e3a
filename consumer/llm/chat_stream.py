"""A streamed chat completion, put together into what it would have been in one piece. Pure."""

from typing import Any

import orjson

from consumer.llm.whole_answer import is_whole

DONE = b"[DONE]"
# Said once, or the same each time; all other texts come in parts.
_NAMES = frozenset({"id", "role", "type", "object", "name"})


class BadChunk(ValueError):  # noqa: N818 - a fact about a chunk
    """A chunk that is no JSON object of this kind."""


class ModelGaveUp(Exception):  # noqa: N818 - a fact about the answer
    """The server sent an error in the middle of its answer; `content` is what it said, if that is an object."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__("the stream has an error")
        self.content = content


class ChatStream:
    """Takes chunks. `tokens` counts those with text, `is_whole` says that the answer has come to its end.

    `size` is about that of the answer, in bytes: what the chunks have beside what all of them have.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.size = 0
        self._least_chunk = 0
        self.is_whole = False
        self._completion: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def take(self, data: bytes) -> str:
        """Take the data of one event; gives the text that it adds to the first choice.

        Raises:
            BadChunk: it cannot be read.
            ModelGaveUp: it is an error.
        """
        if data.strip() == DONE:
            self.is_whole = bool(self._completion)
            return ""
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise BadChunk("no JSON") from None
        if not isinstance(chunk, dict):
            raise BadChunk("no object")
        if chunk.get("error"):
            raise ModelGaveUp(chunk["error"] if isinstance(chunk["error"], dict) else {})
        self._least_chunk = min(self._least_chunk or len(data), len(data))
        self.size += len(data) - self._least_chunk
        choices = chunk.pop("choices", [])
        self._completion.update((name, value) for name, value in chunk.items() if value is not None)
        if not isinstance(choices, list):
            raise BadChunk("choices are no list")
        return "".join([self._add(choice) for choice in choices])

    def _add(self, choice: Any) -> str:
        if not isinstance(choice, dict) or not isinstance(choice.get("index", 0), int):
            raise BadChunk("no choice")
        index = choice.get("index", 0)
        whole = self._choices.setdefault(
            index, {"index": index, "message": {}, "logprobs": None, "finish_reason": None}
        )
        delta = choice.get("delta")
        text = ""
        if isinstance(delta, dict):
            _merge(whole["message"], delta)
            content = delta.get("content")
            if isinstance(content, str) and content:
                self.tokens += 1
                text = content if index == 0 else ""
        if isinstance(choice.get("logprobs"), dict):
            whole["logprobs"] = whole["logprobs"] or {}
            _merge(whole["logprobs"], choice["logprobs"])
        if choice.get("finish_reason") is not None:
            whole["finish_reason"] = choice["finish_reason"]
            self.is_whole = all(one["finish_reason"] is not None for one in self._choices.values())
        return text

    def completion(self) -> bytes:
        """The chat completion, as JSON."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        for choice in choices:
            choice["message"].setdefault("role", "assistant")
            choice["message"].setdefault("content", None)
            for call in choice["message"].get("tool_calls") or ():
                # Where a part belongs, of no use in a whole.
                call.pop("index", None)
        return orjson.dumps({**self._completion, "object": "chat.completion", "choices": choices})

    @staticmethod
    def was_whole(data: bytes) -> bool:
        """Whether a chunk that cannot be read came whole all the same."""
        return is_whole(data, "choices")


def _merge(whole: dict[str, Any], delta: dict[str, Any]) -> None:
    for name, value in delta.items():
        known = whole.get(name)
        if value is None:
            whole.setdefault(name, None)
        elif isinstance(known, str) and isinstance(value, str) and name not in _NAMES:
            whole[name] = known + value
        elif isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        elif isinstance(value, list):
            whole[name] = known if isinstance(known, list) else []
            _merge_lists(whole[name], value)
        else:
            whole[name] = value


def _merge_lists(whole: list[Any], delta: list[Any]) -> None:
    """Items with an `index`, such as calls of tools, come in parts; others are added behind."""
    for item in delta:
        index = item.get("index") if isinstance(item, dict) else None
        known = next(
            (one for one in whole if isinstance(one, dict) and index is not None and one.get("index") == index), None
        )
        if known is None:
            whole.append(item)
        else:
            _merge(known, item)
