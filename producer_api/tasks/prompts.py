"""From a request's JSON to prompts: every rule of a prompt, checked by hand because prompts are many.

Messages name the place at fault and what is expected there; they never quote what was there.
"""

from typing import Any

from pydantic import ValidationError

from common.setting_names import variable_name
from common.task import MAX_MODEL_LENGTH
from producer_api.batch import Prompt
from producer_api.errors import RefusedRequest, invalid, over_limit
from producer_api.tasks.schemas import SubmitTasks
from producer_api.unknown_field import unknown_field

_MAX_METADATA_PAIRS = 16
_MAX_METADATA_KEY = 64
_MAX_METADATA_VALUE = 512

# OpenAI's clients send null for what was not given.
_NULL_IS_ABSENT = frozenset({"model", "stream"})


def read_request(content: Any, *, max_prompts: int, max_deadline_seconds: float) -> SubmitTasks:
    """The request around the prompts; the prompts themselves are not looked at.

    Raises:
        RefusedRequest: 400.
    """
    if not isinstance(content, dict):
        raise invalid('Send a JSON object: {"prompts": ["…"]}.', param=None, code="invalid_type")
    prompts = content.get("prompts", [])
    if not isinstance(prompts, list):
        raise invalid("`prompts` must be a list of texts or objects.", param="prompts", code="invalid_type")
    try:
        request = SubmitTasks.model_validate(content)
    except ValidationError as error:
        raise _explained(error) from None
    if not prompts:
        raise invalid("`prompts` must hold at least one prompt.", param="prompts")
    if len(prompts) > max_prompts:
        raise over_limit("Too many prompts in one request", max_prompts, "max_prompts_per_request", param="prompts")
    if request.deadline_seconds is not None and request.deadline_seconds > max_deadline_seconds:
        message = (
            f"`deadline_seconds` must be at most {max_deadline_seconds:g}. "
            f"The limit is {variable_name('tasks', 'deadline_seconds')}."
        )
        raise invalid(message, param="deadline_seconds", code="limit_exceeded")
    return request


def read_prompts(entries: list[Any], *, model: str | None) -> list[Prompt]:
    """The prompts, in order; `model` is for those that name none.

    Raises:
        RefusedRequest: 400, for the first that breaks a rule.
    """
    default: dict[str, object] = {} if model is None else {"model": model}
    return [_prompt(entry, default, index) for index, entry in enumerate(entries)]


def _prompt(entry: Any, default: dict[str, object], index: int) -> Prompt:
    if isinstance(entry, str):
        if not entry.strip():
            raise invalid("The prompt is empty.", param=f"prompts[{index}]")
        return Prompt({**default, "messages": [{"role": "user", "content": entry}]}, {})
    if not isinstance(entry, dict):
        raise invalid(
            "A prompt must be a text, or an object with `messages`.", param=f"prompts[{index}]", code="invalid_type"
        )
    metadata = check_chat(entry, at=f"prompts[{index}].")
    given = {
        name: value
        for name, value in entry.items()
        if name != "metadata" and (value is not None or name not in _NULL_IS_ABSENT)
    }
    return Prompt({**default, **given}, metadata)


def check_chat(entry: dict[str, Any], *, at: str) -> dict[str, str]:
    """Check a chat completion's request, whose fields are named after `at`; its metadata, {} where it has none.

    Raises:
        RefusedRequest: 400.
    """
    _check_messages(entry, at)
    if entry.get("model") is not None:
        check_model(entry["model"], at=at)
    if not isinstance(entry.get("stream"), bool | None):
        raise invalid("`stream` must be true or false.", param=f"{at}stream", code="invalid_type")
    return {} if entry.get("metadata") is None else check_metadata(entry["metadata"], at=at)


def _check_messages(entry: dict[str, Any], at: str) -> None:
    messages = entry.get("messages")
    if messages is None:
        raise invalid(
            "A prompt that is an object must have `messages`." if at else "The request must have `messages`.",
            param=f"{at}messages",
            code="missing_required_parameter",
        )
    if not isinstance(messages, list):
        raise invalid("`messages` must be a list.", param=f"{at}messages", code="invalid_type")
    if not messages:
        raise invalid("`messages` must hold at least one message.", param=f"{at}messages")
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            raise invalid(
                "A message must be an object with `role` and `content`.",
                param=f"{at}messages[{position}]",
                code="invalid_type",
            )
        role = message.get("role")
        if not isinstance(role, str) or not role:
            raise invalid(
                "A message must have a `role`, such as user, system or assistant.",
                param=f"{at}messages[{position}].role",
                code="missing_required_parameter" if role is None else "invalid_type",
            )


def check_model(model: Any, *, at: str) -> None:
    """Check the name of a model.

    Raises:
        RefusedRequest: 400.
    """
    if not isinstance(model, str) or not 0 < len(model) <= MAX_MODEL_LENGTH:
        raise invalid(
            f"`model` must be a name of 1 to {MAX_MODEL_LENGTH} characters; leave it out for the default.",
            param=f"{at}model",
            code="invalid_value" if isinstance(model, str) else "invalid_type",
        )


def check_metadata(metadata: Any, *, at: str) -> dict[str, str]:
    """Check metadata of the client's own, and return it.

    Raises:
        RefusedRequest: 400.
    """
    param = f"{at}metadata"
    if not isinstance(metadata, dict):
        raise invalid("`metadata` must be an object of texts.", param=param, code="invalid_type")
    if len(metadata) > _MAX_METADATA_PAIRS:
        raise invalid(f"`metadata` holds {_MAX_METADATA_PAIRS} pairs at most.", param=param, code="limit_exceeded")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise invalid("The values of `metadata` must be texts.", param=param, code="invalid_type")
        if not 0 < len(key) <= _MAX_METADATA_KEY or len(value) > _MAX_METADATA_VALUE:
            raise invalid(
                f"In `metadata`, a key has 1 to {_MAX_METADATA_KEY} characters, a value {_MAX_METADATA_VALUE} at most.",
                param=param,
                code="limit_exceeded",
            )
    return metadata


def _explained(error: ValidationError) -> RefusedRequest:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return unknown_field(name, SubmitTasks, hint=" Parameters of the model belong inside a prompt object.")
    if first["type"] == "missing":
        return invalid(f"`{name}` is missing.", param=name, code="missing_required_parameter")
    code = "invalid_type" if first["type"].endswith("_type") else "invalid_value"
    return invalid(f"`{name}`: {first['msg']}.", param=name, code=code)
