"""The model server, as a worker would ask it; no prompt is sent."""

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

import aiohttp

from cli.doctor.finding import Check, Finding, Unanswered, failure, ok, warning
from common.setting_names import variable_name
from consumer.settings import LlmSettings

_BASE_URL, _KEY, _MODEL = (variable_name("llm", name) for name in ("base_url", "api_key", "model"))
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class ModelSeen:
    """What it answers to the question which models it has; `models` None where that cannot be read."""

    status: int
    models: Sequence[str] | None


async def look_at_model(llm: LlmSettings, session: aiohttp.ClientSession, *, seconds: float) -> ModelSeen | Unanswered:
    """Ask it for its models, at most so long."""
    key = None if llm.api_key is None else llm.api_key.get_secret_value()
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        async with asyncio.timeout(seconds):
            async with session.get(f"{llm.base_url.rstrip('/')}/models", headers=headers) as response:
                content = await response.json(content_type=None) if response.status == HTTPStatus.OK else None
    except TimeoutError:
        return Unanswered(f"no answer within {seconds:g} s")
    except (ValueError, RecursionError):
        return ModelSeen(HTTPStatus.OK, None)
    except aiohttp.ClientError as error:
        return Unanswered(reason_of(error))
    return ModelSeen(response.status, _models(content))


def judge_model(seen: ModelSeen | Unanswered, llm: LlmSettings) -> list[Finding]:
    """Whether it answers, takes our key and has our model."""
    if isinstance(seen, Unanswered):
        found = f"the model server does not answer: {seen.reason}"
        return [failure(Check.MODEL, found, f"start it, or set {_BASE_URL} to where it is, such as http://host/v1")]
    if seen.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        found = f"the model server refuses {'our key' if llm.api_key else 'requests without a key'}: HTTP {seen.status}"
        return [failure(Check.MODEL, found, f"set {_KEY} (or OPENAI_API_KEY) to a key that it takes")]
    if seen.status >= HTTPStatus.INTERNAL_SERVER_ERROR or seen.status == HTTPStatus.TOO_MANY_REQUESTS:
        found = f"the model server answers HTTP {seen.status}"
        return [warning(Check.MODEL, found, "see to it; tasks wait meanwhile and go on by themselves")]
    if seen.models is None:
        mend = f"see that {_BASE_URL} ends as its API does, mostly in /v1; submit one prompt to be sure"
        return [warning(Check.MODEL, f"the model server has no list of models: HTTP {seen.status}", mend)]
    if llm.model not in seen.models:
        return [failure(Check.MODEL, f"the model server does not have {llm.model}", _choose(llm.model, seen.models))]
    return [ok(Check.MODEL, f"it has {llm.model}")]


def _choose(model: str, models: Sequence[str]) -> str:
    nearest = get_close_matches(model, models, n=1)
    if nearest:
        return f"set {_MODEL} to one it has; did you mean {nearest[0]}?"
    named = ", ".join(models[:_MOST_NAMED]) + (" …" if len(models) > _MOST_NAMED else "")
    return f"set {_MODEL} to one it has: {named or 'none'}"


def _models(content: Any) -> list[str] | None:
    entries = content.get("data") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        return None
    return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def reason_of(error: aiohttp.ClientError) -> str:
    """Why there is no connection, without the address: a key may stand in it."""
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        if isinstance(error.os_error, socket.gaierror):
            return "no such host is known"
        number = error.os_error.errno
        return os.strerror(number) if number is not None and number > 0 else type(error.os_error).__name__
    return type(error).__name__
