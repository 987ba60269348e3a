"""The API's description and its page at /docs, whose files are served from here: no CDN."""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import compile_path
from starlette.types import Lifespan

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Promptmill API</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start.js"></script>
</body>
</html>
"""
_START = """\
SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});
"""


_ABOUT = """\
Post prompts, get one task id each at once, read progress and results back by those ids.

Errors have OpenAI's shape everywhere: `{"error": {"message", "type", "param", "code"}}`.
"""
_SCHEMAS = "#/components/schemas/{model}"


class DocumentedApi(FastAPI):
    """An application that describes also the bodies that its routes read by themselves.

    `body_models` are those bodies; routes refer to them with `body_of`.
    """

    def __init__(self, *, body_models: Sequence[type[BaseModel]], lifespan: Lifespan["DocumentedApi"]) -> None:
        self._body_models = body_models
        super().__init__(
            title="Promptmill",
            version=version("promptmill"),
            description=_ABOUT,
            lifespan=lifespan,
            # The page, its files and the description are ours; a path has one spelling.
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            # Its logs hold exceptions' texts, and its spans paths as they came: those may hold prompts.
            telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        )

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            _, schemas = models_json_schema(
                [(model, "validation") for model in self._body_models], ref_template=_SCHEMAS
            )
            document["components"]["schemas"].update(schemas["$defs"])
            # FastAPI declares its own form of error on each route; no route answers in it.
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
        return super().openapi()


def body_of(model: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """What describes a body that the route reads by itself; `examples` by their titles."""
    schema = {"$ref": _SCHEMAS.format(model=model.__name__)}
    named = {title: {"value": value} for title, value in examples.items()}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": named}}}}


def allowed_methods(app: FastAPI, path: str) -> list[str]:
    """The methods that the description has for a path."""
    return sorted(
        method.upper()
        for template, operations in app.openapi()["paths"].items()
        if compile_path(template)[0].match(path)
        for method in operations
    )


def add_documentation(app: FastAPI) -> None:
    """Serve /docs, its files and /openapi.json."""
    folder = Path(str(files("fastapi_offline"))) / "static"

    async def page() -> Response:
        return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})

    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    async def description() -> Response:
        return JSONResponse(app.openapi())

    def asset(name: str, media_type: str) -> None:
        async def serve() -> Response:
            return FileResponse(folder / name, media_type=media_type, headers={"cache-control": "max-age=86400"})

        app.add_api_route(f"/docs/assets/{name}", serve, include_in_schema=False)

    app.add_api_route("/docs", page, include_in_schema=False)
    app.add_api_route("/docs/assets/start.js", start, include_in_schema=False)
    app.add_api_route("/openapi.json", description, include_in_schema=False)
    for name, media_type in _ASSETS.items():
        asset(name, media_type)
