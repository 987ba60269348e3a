"""`/v1/embeddings`: one task on the interactive lane, whose answer is waited for."""

from typing import Any

from fastapi import FastAPI, Request, Response

from common.task import EMBEDDINGS
from producer_api.direct_route import DirectRoute, described
from producer_api.documentation import body_of
from producer_api.errors import invalid
from producer_api.idempotency_key import IDEMPOTENCY_KEY
from producer_api.openai_compat.answering import answer, prefers_async
from producer_api.openai_compat.creation import Wanted, create_task, read_wanted
from producer_api.openai_compat.describing import ANSWERS, PREFER
from producer_api.openai_compat.schemas import EmbeddingsAnswer, EmbeddingsRequest
from producer_api.tasks.prompts import check_model

_EXAMPLES = {"Two texts": {"model": "text-embedding-3-small", "input": ["A river.", "A lake."]}}


def add_embeddings_route(app: FastAPI) -> None:
    """Serve it."""
    app.router.add_api_route(
        EMBEDDINGS,
        create_embeddings,
        methods=["POST"],
        tags=["openai"],
        response_model=EmbeddingsAnswer,
        responses=ANSWERS,
        openapi_extra={**body_of(EmbeddingsRequest, _EXAMPLES), **described(IDEMPOTENCY_KEY, PREFER)},
        route_class_override=DirectRoute,
    )


async def create_embeddings(request: Request) -> Response:
    """Have texts embedded.

    The task is cancelled when the client leaves before its answer, unless it was sent with an Idempotency-Key.
    """
    wanted = await read_wanted(request, _wanted)
    created = await create_task(request, wanted, waits=not prefers_async(request))
    # The texts are the queue's from here on.
    del wanted
    return await answer(request, created)


def _wanted(content: Any) -> Wanted:
    if not isinstance(content, dict):
        raise invalid('Send a JSON object: {"model": "…", "input": "…"}.', param=None, code="invalid_type")
    if content.get("input") is None:
        raise invalid("`input` is missing.", param="input", code="missing_required_parameter")
    if not isinstance(content["input"], str | list):
        raise invalid("`input` must be a text, or a list.", param="input", code="invalid_type")
    if not content["input"]:
        raise invalid("`input` must not be empty.", param="input")
    if content.get("model") is not None:
        check_model(content["model"], at="")
    return Wanted(EMBEDDINGS, content, {})
