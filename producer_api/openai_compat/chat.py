"""`/v1/chat/completions`: one task on the interactive lane, whose answer is waited for."""

import time
from typing import Any

from fastapi import FastAPI, Request, Response

from common.task import CHAT_COMPLETIONS
from producer_api.direct_route import DirectRoute, described
from producer_api.documentation import body_of
from producer_api.errors import invalid
from producer_api.idempotency_key import IDEMPOTENCY_KEY
from producer_api.openai_compat.answering import answer, prefers_async
from producer_api.openai_compat.chat_chunks import ChatChunks
from producer_api.openai_compat.chat_stream import ChatStreamAnswer
from producer_api.openai_compat.creation import Wanted, create_task, read_wanted
from producer_api.openai_compat.describing import ANSWERS, PREFER
from producer_api.openai_compat.schemas import ChatCompletionAnswer, ChatCompletionRequest
from producer_api.state import parts_of
from producer_api.tasks.prompts import check_chat

_EXAMPLES = {"A question": {"messages": [{"role": "user", "content": "Name three rivers."}], "max_tokens": 50}}


def add_chat_route(app: FastAPI) -> None:
    """Serve it."""
    app.router.add_api_route(
        CHAT_COMPLETIONS,
        create_chat_completion,
        methods=["POST"],
        tags=["openai"],
        response_model=ChatCompletionAnswer,
        responses=ANSWERS,
        openapi_extra={**body_of(ChatCompletionRequest, _EXAMPLES), **described(IDEMPOTENCY_KEY, PREFER)},
        route_class_override=DirectRoute,
    )


async def create_chat_completion(request: Request) -> Response:
    """Have a chat answered: in one piece, or with `stream` in chunks as OpenAI sends them.

    The task is cancelled when the client leaves before its answer, unless it was sent with an Idempotency-Key.
    """
    parts = parts_of(request)
    wanted = await read_wanted(request, _wanted)
    created = await create_task(request, wanted, waits=not prefers_async(request))
    if wanted.stream and not prefers_async(request):
        return ChatStreamAnswer(parts, created, ChatChunks(created.task_id, wanted.body, created_at=time.time()))
    # The prompt is the queue's from here on.
    del wanted
    return await answer(request, created)


def _wanted(content: Any) -> Wanted:
    if not isinstance(content, dict):
        raise invalid('Send a JSON object: {"model": "…", "messages": […]}.', param=None, code="invalid_type")
    metadata = check_chat(content, at="")
    if not isinstance(content.get("stream_options"), dict | None):
        raise invalid("`stream_options` must be an object.", param="stream_options", code="invalid_type")
    return Wanted(CHAT_COMPLETIONS, content, metadata, stream=content.get("stream") is True)
