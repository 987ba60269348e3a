"""The control API, `/_…`: what tests say to the fake model and ask of it.

`GET /_control` the behaviour · `PUT /_control` another one, whole · `POST /_control/release` lets calls go:
`{"count": 2}`, `{"prompt": "…"}`, or all with `{}` · `GET /_calls?after=7&prompt=…` the log ·
`DELETE /_calls` begins a new one · `GET /_stats` counts · `GET /_stats/prompts` calls by prompt.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.support.fake_model.behaviour import Behaviour
from tests.support.fake_model.call_log import calls_as_json
from tests.support.fake_model.connection import Exchange, Request

if TYPE_CHECKING:
    from tests.support.fake_model.server import FakeModelServer


class Release(BaseModel):
    """Which calls to let go; all of them if neither is given."""

    model_config = ConfigDict(extra="forbid")

    count: int | None = Field(default=None, ge=1)
    prompt: str | None = None


def answer(server: "FakeModelServer", request: Request, exchange: Exchange) -> None:
    """Do what a control request asks and answer it; what it cannot mean is a 400."""
    try:
        _answer(server, request, exchange)
    except ValidationError as error:
        exchange.answer_json(400, {"error": {"message": str(error), "type": "invalid_request_error"}})


def _answer(server: "FakeModelServer", request: Request, exchange: Exchange) -> None:
    match request.method, request.path:
        case "GET", "/_control":
            exchange.answer(200, server.behaviour.model_dump_json().encode())
        case "PUT", "/_control":
            server.follow(Behaviour.model_validate_json(request.body))
            exchange.answer(200, server.behaviour.model_dump_json().encode())
        case "POST", "/_control/release":
            exchange.answer_json(200, _release(server, Release.model_validate_json(request.body or b"{}")))
        case "GET", "/_calls":
            after = int(request.query.get("after", "0"))
            exchange.answer(200, calls_as_json(server.log.calls(prompt=request.query.get("prompt"), after=after)))
        case "DELETE", "/_calls":
            server.log.clear()
            exchange.answer_json(200, server.log.stats())
        case "GET", "/_stats":
            exchange.answer_json(200, server.log.stats())
        case "GET", "/_stats/prompts":
            exchange.answer_json(200, server.log.calls_by_prompt())
        case method, path:
            exchange.answer_json(404, {"error": {"message": f"no control {method} {path}"}})


def _release(server: "FakeModelServer", release: Release) -> dict[str, int]:
    waiting = len(server.gate)
    if release.prompt is not None:
        return {"released": server.gate.release_prompt(release.prompt)}
    if release.count is not None:
        server.gate.release(release.count)
    else:
        server.release_all()
    return {"released": waiting - len(server.gate)}
