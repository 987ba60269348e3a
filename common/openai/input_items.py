"""The input of a request as the items that a Response's `input_items` lists."""

from collections.abc import Mapping
from typing import Any

from common.openai.ids import input_item_id

Item = dict[str, Any]

_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
_STANDING = frozenset({"function_call", "function_call_output"})


def input_items(body: Mapping[str, Any], task_id: str) -> list[Item]:
    """The items of a Responses request, in its order, each with an id."""
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    items = given if isinstance(given, list) else []
    return [_item(item, task_id, index) for index, item in enumerate(items) if isinstance(item, Mapping)]


def chat_input_items(body: Mapping[str, Any], task_id: str) -> list[Item]:
    """The messages of a chat completion's request as such items."""
    messages = body.get("messages")
    given: list[Item] = []
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, Mapping):
            given += _from_message(message)
    return input_items({"input": given}, task_id)


def _item(item: Mapping[str, Any], task_id: str, index: int) -> Item:
    kind = str(item.get("type") or "message")
    own_id = input_item_id(_PREFIXES.get(kind, "item"), task_id, index)
    whole: Item = {"id": own_id, **item, "type": kind}
    if not isinstance(whole["id"], str):
        whole["id"] = own_id
    if kind == "message":
        whole["content"] = _content(item.get("content"), is_answer=item.get("role") == "assistant")
        whole.setdefault("status", "completed")
    elif kind in _STANDING:
        whole.setdefault("status", "completed")
    return whole


def _content(content: object, *, is_answer: bool) -> list[Any]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [_part(part, is_answer=is_answer) for part in parts] if isinstance(parts, list) else []


def _part(part: object, *, is_answer: bool) -> object:
    if not isinstance(part, Mapping):
        return part
    if part.get("type") in ("text", "input_text", "output_text"):
        text = {"text": part.get("text")}
        return {"type": "output_text", **text, "annotations": []} if is_answer else {"type": "input_text", **text}
    if part.get("type") == "image_url" and isinstance(part.get("image_url"), Mapping):
        image = part["image_url"]
        return {"type": "input_image", "image_url": image.get("url"), "detail": image.get("detail") or "auto"}
    if part.get("type") == "input_image":
        return {"detail": "auto", **part}
    return part


def _from_message(message: Mapping[str, Any]) -> list[Item]:
    if message.get("role") == "tool":
        texts = _content(message.get("content"), is_answer=False)
        output = "".join(str(part.get("text", "")) for part in texts if isinstance(part, Mapping))
        return [{"type": "function_call_output", "call_id": message.get("tool_call_id"), "output": output}]
    items: list[Item] = []
    if message.get("content") is not None:
        items.append({"type": "message", "role": message.get("role"), "content": message["content"]})
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            called = {"name": function.get("name"), "arguments": function.get("arguments")}
            items.append({"type": "function_call", "call_id": call.get("id"), **called})
    return items
