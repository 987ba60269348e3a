"""Where the prompt stands in a request's body."""

from typing import Any


def of_chat(body: dict[str, Any]) -> str:
    """Return the text of the last user message; empty if there is none."""
    return _last_user_text(body.get("messages"))


def of_response(body: dict[str, Any]) -> str:
    """Return the ``input`` of a Responses request, or its last user message's text."""
    given = body.get("input")
    return given if isinstance(given, str) else _last_user_text(given)


def of_embeddings(body: dict[str, Any]) -> str:
    """Return the first text to embed."""
    texts = embedding_texts(body)
    return texts[0] if texts else ""


def embedding_texts(body: dict[str, Any]) -> list[str]:
    """Return the texts to embed; token arrays count as their JSON text."""
    given = body.get("input")
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and given and isinstance(given[0], int):
        return [str(given)]
    return [item if isinstance(item, str) else str(item) for item in given or []]


def _last_user_text(messages: Any) -> str:
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, list) else []
            return "".join(part.get("text", "") for part in parts if isinstance(part, dict))
    return ""
