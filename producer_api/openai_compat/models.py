"""`/v1/models`: those that the workers know."""

from functools import partial

import orjson
from fastapi import FastAPI, Request, Response

from producer_api.direct_route import DirectRoute, described
from producer_api.errors import RefusedRequest
from producer_api.openai_compat.schemas import Model, Models
from producer_api.state import parts_of
from producer_api.tasks.describing import OUT_OF_REACH
from producer_api.tasks.schemas import ErrorAnswer

_MODEL = {
    "name": "model",
    "in": "path",
    "required": True,
    "description": "A model's name; it may have slashes.",
    "schema": {"type": "string", "title": "Model"},
}


def add_model_routes(app: FastAPI) -> None:
    """Serve them."""
    add = partial(app.router.add_api_route, methods=["GET"], tags=["openai"], route_class_override=DirectRoute)
    add("/v1/models", list_models, response_model=Models, responses=OUT_OF_REACH, openapi_extra=described())
    add(
        "/v1/models/{model:path}",
        read_model,
        response_model=Model,
        responses={404: {"model": ErrorAnswer, "description": "There is no such model."}, **OUT_OF_REACH},
        openapi_extra=described(_MODEL),
    )


async def list_models(request: Request) -> Response:
    """List the models: the workers' own first, then what their model server has."""
    return _json({"object": "list", "data": await parts_of(request).models.read()})


async def read_model(request: Request) -> Response:
    """Read one model."""
    for model in await parts_of(request).models.read():
        if model["id"] == request.path_params["model"]:
            return _json(model)
    message = "There is no such model. GET /v1/models lists those that there are."
    raise RefusedRequest(404, message, code="model_not_found", param="model")


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
