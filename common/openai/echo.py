"""What a Response repeats of its request. A value that no Response may have is not repeated."""

from collections.abc import Mapping
from typing import Any

from common.openai.tools import response_tool_choice, response_tools

Echo = dict[str, Any]

_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_VERBOSITIES = frozenset({"low", "medium", "high"})


def echoed(body: Mapping[str, Any]) -> Echo:
    """Of a Responses request."""
    tools = body.get("tools")
    return {
        "background": body.get("background") is True,
        "instructions": _text(body.get("instructions")),
        "max_output_tokens": _whole(body.get("max_output_tokens")),
        "max_tool_calls": _whole(body.get("max_tool_calls")),
        "metadata": _metadata(body.get("metadata")),
        "model": _text(body.get("model")) or "",
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": _text(body.get("previous_response_id")),
        "prompt_cache_key": _text(body.get("prompt_cache_key")),
        "reasoning": _reasoning(body.get("reasoning")),
        "safety_identifier": _text(body.get("safety_identifier")),
        "service_tier": _one_of(body.get("service_tier"), _TIERS),
        "store": body.get("store") is not False,
        "temperature": _number(body.get("temperature")),
        "text": _text_config(body.get("text")),
        "tool_choice": _tool_choice(body.get("tool_choice")),
        "tools": [_tool(tool) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else [],
        "top_logprobs": _whole(body.get("top_logprobs")),
        "top_p": _number(body.get("top_p")),
        "truncation": _one_of(body.get("truncation"), frozenset({"auto", "disabled"})) or "disabled",
        "user": _text(body.get("user")),
    }


def echoed_chat(body: Mapping[str, Any], metadata: Mapping[str, str]) -> Echo:
    """Of a chat completion's request, in the words of Responses; all but those that wait are in the background."""
    limit = body.get("max_completion_tokens")
    echo = echoed(
        {
            "background": True,
            "max_output_tokens": body.get("max_tokens") if limit is None else limit,
            "metadata": metadata,
            "reasoning": {"effort": body.get("reasoning_effort")},
            "text": {"format": _flat_format(body.get("response_format")), "verbosity": body.get("verbosity")},
            "tools": response_tools(body.get("tools")),
            **{
                name: body.get(name)
                for name in (
                    "model", "parallel_tool_calls", "prompt_cache_key", "safety_identifier", "service_tier",
                    "temperature", "top_logprobs", "top_p", "user",
                )
            },
        }
    )  # fmt: skip
    echo["tool_choice"] = response_tool_choice(body.get("tool_choice"))
    return echo


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _one_of(value: object, known: frozenset[str]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _metadata(value: object) -> dict[str, str]:
    pairs = value if isinstance(value, Mapping) else {}
    return {key: text for key, text in pairs.items() if isinstance(text, str)}


def _reasoning(value: object) -> dict[str, Any]:
    fields = value if isinstance(value, Mapping) else {}
    return {
        "effort": _one_of(fields.get("effort"), _EFFORTS),
        "summary": _one_of(fields.get("summary"), frozenset({"auto", "concise", "detailed"})),
    }


def _text_config(value: object) -> dict[str, Any]:
    fields = value if isinstance(value, Mapping) else {}
    verbosity = _one_of(fields.get("verbosity"), _VERBOSITIES)
    form = _format(fields.get("format"))
    return {"format": form, "verbosity": verbosity} if verbosity else {"format": form}


def _format(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        if value.get("type") == "json_object":
            return {"type": "json_object"}
        if value.get("type") == "json_schema" and isinstance(value.get("schema"), Mapping):
            optional = {
                "description": _text(value.get("description")),
                "strict": value["strict"] if isinstance(value.get("strict"), bool) else None,
            }
            return {
                "type": "json_schema",
                "name": _text(value.get("name")) or "",
                "schema": value["schema"],
                **optional,
            }
    return {"type": "text"}


def _flat_format(value: object) -> object:
    """A chat's `response_format` as a Response's `text.format`."""
    if isinstance(value, Mapping) and value.get("type") == "json_schema":
        schema = value.get("json_schema")
        return {"type": "json_schema", **schema} if isinstance(schema, Mapping) else None
    return value


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as it was given; of a function, the fields that Responses always have."""
    return {"parameters": None, "strict": None, **tool} if tool.get("type") == "function" else tool


def _tool_choice(choice: object) -> Any:
    return choice if isinstance(choice, str | dict) and choice else "auto"
