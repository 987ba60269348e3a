"""What a request for a Response must be, before it is a task. Messages never quote what was sent."""

from typing import Any

from common.openai.chat_request import chat_request
from common.openai.native import NativeModels
from common.openai.refusal import Untranslatable
from common.task import RESPONSES
from producer_api.errors import invalid
from producer_api.openai_compat.creation import Wanted
from producer_api.tasks.prompts import check_metadata, check_model

_FLAGS = ("background", "store", "stream", "parallel_tool_calls")


def wanted_response(content: Any, native: NativeModels) -> Wanted:
    """The task that a request's JSON asks for; models that are not `native` take what can be asked as a chat.

    Raises:
        RefusedRequest: 400.
    """
    if not isinstance(content, dict):
        raise invalid('Send a JSON object: {"model": "…", "input": "…"}.', param=None, code="invalid_type")
    if content.get("model") is not None:
        check_model(content["model"], at="")
    for name in _FLAGS:
        if not isinstance(content.get(name), bool | None):
            raise invalid(f"`{name}` must be true or false.", param=name, code="invalid_type")
    metadata = {} if content.get("metadata") is None else check_metadata(content["metadata"], at="")
    if not native.has(content.get("model")):
        try:
            chat_request(content)
        except Untranslatable as refused:
            raise invalid(refused.message, param=refused.param, code="unsupported_value") from None
    return Wanted(RESPONSES, content, metadata, stream=content.get("stream") is True)
