"""What a model answered, as the items of a Response's output."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.openai.ids import item_id

Item = dict[str, Any]


def message_item(message_id: str, parts: list[dict[str, Any]], status: str) -> Item:
    """A message of the assistant."""
    return {"id": message_id, "type": "message", "role": "assistant", "status": status, "content": parts}


def text_part(text: str, logprobs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The part of a message that is text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs or []}


def output_items(completion: Mapping[str, Any], task_id: str, *, run: int, attempt: int, status: str) -> list[Item]:
    """The first choice of a chat completion: its message, if it says anything, then its calls of functions.

    Raises:
        ValueError: it has no message.
    """
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise ValueError("no message")  # noqa: TRY004 - the value of a field, which came from elsewhere
    parts = []
    text, refusal = _text_of(message.get("content")), message.get("refusal")
    if text:
        parts.append(text_part(text, _logprobs(choice.get("logprobs"))))
    if isinstance(refusal, str) and refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    calls = _calls(message.get("tool_calls"), task_id, run=run, attempt=attempt, status=status)
    if parts or not calls:
        message_id = item_id("msg", task_id, run=run, attempt=attempt)
        return [message_item(message_id, parts or [text_part("")], status), *calls]
    return calls


def main_message(output: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The message under whose id a Response's text is told while it comes; None where there is none."""
    messages = (item for item in output if item.get("type") == "message" and isinstance(item.get("content"), list))
    return next(messages, None)


def response_text(response: object) -> str | None:
    """The text of a Response, all its parts put together; None where it has none, such as calls of functions alone."""
    output = response.get("output") if isinstance(response, Mapping) else None
    if not isinstance(output, list):
        return None
    texts = [
        part["text"]
        for item in output
        if isinstance(item, Mapping) and item.get("type") == "message" and isinstance(item.get("content"), list)
        for part in item["content"]
        if isinstance(part, Mapping) and part.get("type") == "output_text" and isinstance(part.get("text"), str)
    ]
    return "".join(texts) if texts else None


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str))


def _calls(calls: object, task_id: str, *, run: int, attempt: int, status: str) -> list[Item]:
    items: list[Item] = []
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            continue
        # 0 is the message's.
        own_id = item_id("fc", task_id, run=run, attempt=attempt, index=len(items) + 1)
        items.append(
            {
                "id": own_id,
                "type": "function_call",
                "call_id": call["id"] if isinstance(call.get("id"), str) and call["id"] else own_id,
                "name": str(function.get("name", "")),
                "arguments": str(function.get("arguments", "")),
                "status": status,
            }
        )
    return items


def _logprobs(logprobs: object) -> list[dict[str, Any]]:
    """Those of the text's tokens; of the bytes of each, which some servers leave out, the text says the same."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    tokens = (
        [_token(token) for token in content or () if isinstance(token, Mapping)] if isinstance(content, list) else []
    )
    return [token for token in tokens if token is not None]


def _token(token: Mapping[str, Any], *, alone: bool = False) -> dict[str, Any] | None:
    text, number, raw = token.get("token"), token.get("logprob"), token.get("bytes")
    if not isinstance(text, str) or not isinstance(number, int | float):
        return None
    known = raw if isinstance(raw, list) else list(text.encode())
    taken = {"token": text, "logprob": number, "bytes": known}
    if alone:
        return taken
    others = token.get("top_logprobs")
    near = (
        [_token(other, alone=True) for other in others if isinstance(other, Mapping)]
        if isinstance(others, list)
        else []
    )
    return {**taken, "top_logprobs": [other for other in near if other is not None]}
