"""A streamed Response: its text as it comes, and the whole that its last event has. Pure."""

from typing import Any

import orjson

from consumer.llm.chat_stream import DONE, BadChunk, ModelGaveUp

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})


class ResponseStream:
    """Takes events. `tokens` counts those with text, `is_whole` says that the answer has come to its end.

    `size` is about that of the answer, in bytes.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.size = 0
        self.is_whole = False
        self._response = b""

    def take(self, data: bytes) -> str:
        """Take the data of one event; gives the text that it adds.

        Raises:
            BadChunk: it cannot be read.
            ModelGaveUp: it is an error.
        """
        if data.strip() == DONE:
            return ""
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise BadChunk("no JSON") from None
        if not isinstance(event, dict):
            raise BadChunk("no object")
        kind = event.get("type")
        if kind == "error" or event.get("error"):
            raise ModelGaveUp(_error_of(event))
        if kind == "response.output_text.delta":
            return self._add(event.get("delta"))
        if kind in _LAST:
            if not isinstance(event.get("response"), dict):
                raise BadChunk("no response")
            self._response = orjson.dumps(event["response"])
            self.size = max(self.size, len(self._response))
            self.is_whole = True
        return ""

    def _add(self, delta: object) -> str:
        if not isinstance(delta, str):
            raise BadChunk("no text")
        self.tokens += 1
        self.size += len(delta.encode())
        return delta

    def completion(self) -> bytes:
        """The Response, as JSON."""
        return self._response

    @staticmethod
    def was_whole(data: bytes) -> bool:
        """Whether an event that cannot be read came whole all the same."""
        return data.startswith(b"{") and data.rstrip().endswith(b"}")


def _error_of(event: dict[str, Any]) -> dict[str, Any]:
    error = event.get("error")
    return error if isinstance(error, dict) else event
