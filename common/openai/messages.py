"""The input of a Responses request as a chat's messages."""

from collections.abc import Mapping
from typing import Any

from common.openai.refusal import unsupported, wrong

# Where OpenAI's newer models say `developer`, other servers' templates only know `system`.
_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}

Message = dict[str, Any]


def chat_messages(body: Mapping[str, Any]) -> list[Message]:
    """The messages of a Responses request: its instructions, then its input.

    Raises:
        Untranslatable: there is no input, or some of it has no place in a chat.
    """
    messages: list[Message] = []
    instructions = body.get("instructions")
    if instructions is not None:
        if not isinstance(instructions, str):
            raise wrong("instructions", "a text")
        messages.append({"role": "system", "content": instructions})
    given = body.get("input")
    if isinstance(given, str):
        messages.append({"role": "user", "content": given})
        return messages
    if not isinstance(given, list) or not given:
        raise wrong("input", "a text, or a list of items that is not empty")
    for index, item in enumerate(given):
        _add(messages, item, f"input[{index}]")
    return messages


def _add(messages: list[Message], item: object, param: str) -> None:
    if not isinstance(item, Mapping):
        raise wrong(param, "an object")
    match item.get("type", "message"):
        case "message":
            messages.append(_message(item, param))
        case "function_call":
            _add_call(messages, item, param)
        case "function_call_output":
            call_id = _text(item, "call_id", param)
            messages.append({"role": "tool", "tool_call_id": call_id, "content": _tool_output(item, param)})
        case "reasoning":
            # What the model thought belongs to the answer that it is part of; chats have no place for it.
            return
        case "item_reference":
            raise unsupported(param, "send the item itself")
        case _:
            raise unsupported(param, "send messages, function calls and their outputs only")


def _message(item: Mapping[str, Any], param: str) -> Message:
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise wrong(f"{param}.role", "user, assistant, system or developer")
    content = item.get("content")
    if isinstance(content, str):
        return {"role": _ROLES[role], "content": content}
    if not isinstance(content, list):
        raise wrong(f"{param}.content", "a text or a list")
    parts = [_part(part, f"{param}.content[{index}]") for index, part in enumerate(content)]
    if all(part["type"] == "text" for part in parts) and (len(parts) == 1 or role == "assistant"):
        # All servers know texts; lists not all, and for their own answers fewer still.
        return {"role": _ROLES[role], "content": "".join(part["text"] for part in parts)}
    return {"role": _ROLES[role], "content": parts}


def _part(part: object, param: str) -> dict[str, Any]:
    if not isinstance(part, Mapping):
        raise wrong(param, "an object")
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": _text(part, "text", param)}
        case "input_image" if isinstance(part.get("image_url"), str):
            image = {"url": part["image_url"]}
            if isinstance(part.get("detail"), str):
                image["detail"] = part["detail"]
            return {"type": "image_url", "image_url": image}
        case "input_image":
            raise unsupported(param, "send the image as `image_url`, which may hold its data")
        case "input_audio" if isinstance(part.get("input_audio"), Mapping):
            return {"type": "input_audio", "input_audio": part["input_audio"]}
        case "refusal":
            return {"type": "refusal", "refusal": _text(part, "refusal", param)}
        case _:
            raise unsupported(param, "send texts and images only")


def _add_call(messages: list[Message], item: Mapping[str, Any], param: str) -> None:
    """A call of a function: neighbours, and the text before them, are one message of the assistant."""
    call = {
        "id": _text(item, "call_id", param),
        "type": "function",
        "function": {"name": _text(item, "name", param), "arguments": _text(item, "arguments", param)},
    }
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _tool_output(item: Mapping[str, Any], param: str) -> str:
    output = item.get("output")
    if isinstance(output, str):
        return output
    if not isinstance(output, list):
        raise wrong(f"{param}.output", "a text or a list")
    texts = []
    for index, part in enumerate(output):
        translated = _part(part, f"{param}.output[{index}]")
        if translated["type"] != "text":
            raise unsupported(f"{param}.output[{index}]", "send texts only")
        texts.append(translated["text"])
    return "".join(texts)


def _text(content: Mapping[str, Any], name: str, param: str) -> str:
    text = content.get(name)
    if not isinstance(text, str):
        raise wrong(f"{param}.{name}", "a text")
    return text
