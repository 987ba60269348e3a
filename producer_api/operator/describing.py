"""What the description says of operators' routes alike, and how they answer."""

from typing import Any

import orjson
from fastapi import Response

from producer_api.tasks.schemas import ErrorAnswer

OPERATORS_ONLY: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorAnswer, "description": "The operators' token is wrong or missing."},
    403: {"model": ErrorAnswer, "description": "No token is configured, and the request is not from this machine."},
    503: {"model": ErrorAnswer, "description": "Not now; come again after `Retry-After` seconds."},
}
BAD_REQUEST: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "The request cannot be taken as it is; `message` says what to do."}
}
BODY_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorAnswer, "description": "The body cannot be read."} for code in (408, 413, 415)
}


def json_answer(content: object) -> Response:
    """A 200 that nobody keeps."""
    return Response(orjson.dumps(content), media_type="application/json", headers={"cache-control": "no-store"})
