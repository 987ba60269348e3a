"""Tools and the choice among them, in both shapes: a function is laid flat in Responses, and boxed in chats."""

from collections.abc import Mapping
from typing import Any

from common.openai.refusal import unsupported, wrong

_FUNCTION = ("name", "description", "parameters", "strict")
_CHOICES = frozenset({"auto", "none", "required"})


def chat_tools(tools: object) -> list[dict[str, Any]]:
    """The tools of a Responses request as a chat's.

    Raises:
        Untranslatable: one is no function, or no tool at all.
    """
    if not isinstance(tools, list):
        raise wrong("tools", "a list")
    return [_chat_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


def _chat_tool(tool: object, param: str) -> dict[str, Any]:
    if not isinstance(tool, Mapping):
        raise wrong(param, "an object")
    if tool.get("type") != "function":
        raise unsupported(param, "leave the tool out, or make it a function of yours")
    if not isinstance(tool.get("name"), str):
        raise wrong(f"{param}.name", "a text")
    return {"type": "function", "function": _given(tool, _FUNCTION)}


def chat_tool_choice(choice: object) -> str | dict[str, Any]:
    """The choice of a Responses request as a chat's.

    Raises:
        Untranslatable: it is one that chats do not have.
    """
    if isinstance(choice, str) and choice in _CHOICES:
        return choice
    if isinstance(choice, Mapping):
        if choice.get("type") == "function" and isinstance(choice.get("name"), str):
            return {"type": "function", "function": {"name": choice["name"]}}
        if choice.get("type") == "allowed_tools" and isinstance(choice.get("tools"), list):
            tools = [_allowed_tool(tool, index) for index, tool in enumerate(choice["tools"])]
            return {"type": "allowed_tools", "allowed_tools": {"mode": choice.get("mode", "auto"), "tools": tools}}
    raise unsupported("tool_choice", "use auto, none, required or a function")


def _allowed_tool(tool: object, index: int) -> dict[str, Any]:
    if isinstance(tool, Mapping) and tool.get("type") == "function" and isinstance(tool.get("name"), str):
        return {"type": "function", "function": {"name": tool["name"]}}
    raise unsupported(f"tool_choice.tools[{index}]", "name functions only")


def response_tools(tools: object) -> list[dict[str, Any]]:
    """The functions among a chat's tools, as Responses show them."""
    functions = [tool.get("function") for tool in _objects(tools) if tool.get("type") == "function"]
    return [
        flat
        for function in functions
        if isinstance(function, Mapping) and (flat := _flat_function(function)) is not None
    ]


def response_tool_choice(choice: object) -> str | dict[str, Any]:
    """A chat's choice as Responses show it; auto where it is none that they have."""
    if isinstance(choice, str) and choice in _CHOICES:
        return choice
    function = choice.get("function") if isinstance(choice, Mapping) else None
    if isinstance(function, Mapping) and isinstance(function.get("name"), str):
        return {"type": "function", "name": function["name"]}
    return "auto"


def _flat_function(function: Mapping[str, Any]) -> dict[str, Any] | None:
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not isinstance(parameters, dict | None):
        return None
    flat = {"type": "function", "name": name, "parameters": parameters}
    flat["strict"] = function["strict"] if isinstance(function.get("strict"), bool) else None
    flat["description"] = function["description"] if isinstance(function.get("description"), str) else None
    return flat


def _objects(items: object) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _given(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: content[name] for name in names if content.get(name) is not None}
