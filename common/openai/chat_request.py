"""A Responses request as the chat completion that a model is asked for instead."""

from collections.abc import Mapping
from typing import Any

from common.openai.messages import chat_messages
from common.openai.refusal import unsupported, wrong
from common.openai.tools import chat_tool_choice, chat_tools

# Kept and answered here, or of no meaning where tools are functions alone.
_NOT_SENT = frozenset(
    {
        "background", "background_options", "include", "input", "instructions", "max_tool_calls", "metadata", "store",
        "stream", "stream_options",
    }
)  # fmt: skip
_TRANSLATED = frozenset(
    {"max_output_tokens", "reasoning", "text", "tool_choice", "tools", "top_logprobs", "truncation"}
)
_ADVICE = {
    "previous_response_id": "send the earlier items as `input`",
    "conversation": "send its items as `input`",
    "prompt": "send the prompt itself as `instructions` and `input`",
    "context_management": "shorten `input` yourself",
    "moderation": "leave it out",
    "image": "leave it out",
}
_LOGPROBS = "message.output_text.logprobs"


def chat_request(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the chat completion; fields that are not OpenAI's pass through as they are.

    Raises:
        Untranslatable: the request asks for something that chats do not have.
    """
    for name, advice in _ADVICE.items():
        if body.get(name) is not None:
            raise unsupported(name, advice)
    passed = _NOT_SENT | _TRANSLATED | _ADVICE.keys()
    chat = {name: value for name, value in body.items() if name not in passed and value is not None}
    chat["messages"] = chat_messages(body)
    if body.get("tools"):
        chat["tools"] = chat_tools(body["tools"])
        if body.get("tool_choice") is not None:
            chat["tool_choice"] = chat_tool_choice(body["tool_choice"])
    else:
        # OpenAI's own chat completions refuse it where there are no tools.
        chat.pop("parallel_tool_calls", None)
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    if body.get("truncation") not in (None, "disabled"):
        raise unsupported("truncation", "shorten `input` yourself")
    _add_reasoning(chat, body.get("reasoning"))
    _add_text(chat, body.get("text"))
    _add_logprobs(chat, body)
    return chat


def _add_reasoning(chat: dict[str, Any], reasoning: object) -> None:
    if reasoning is None:
        return
    if not isinstance(reasoning, Mapping):
        raise wrong("reasoning", "an object")
    if reasoning.get("effort") is not None:
        chat["reasoning_effort"] = reasoning["effort"]


def _add_text(chat: dict[str, Any], text: object) -> None:
    if text is None:
        return
    if not isinstance(text, Mapping):
        raise wrong("text", "an object")
    if text.get("verbosity") is not None:
        chat["verbosity"] = text["verbosity"]
    form = text.get("format")
    if form is None:
        return
    kind = form.get("type") if isinstance(form, Mapping) else None
    if kind == "json_schema":
        names = ("name", "description", "schema", "strict")
        schema = {name: form[name] for name in names if form.get(name) is not None}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif kind == "json_object":
        chat["response_format"] = {"type": "json_object"}
    elif kind != "text":
        raise wrong("text.format", "of type text, json_object or json_schema")


def _add_logprobs(chat: dict[str, Any], body: Mapping[str, Any]) -> None:
    include = body.get("include") or []
    if not isinstance(include, list):
        raise wrong("include", "a list")
    if _LOGPROBS in include or body.get("top_logprobs"):
        chat["logprobs"] = True
    if body.get("top_logprobs") is not None:
        chat["top_logprobs"] = body["top_logprobs"]
        chat["logprobs"] = True
