"""HTTP that is refused before it is read is answered in the shape of every other error."""

import uuid

import structlog

from common.bounded_http import BoundedHttpProtocol, Refusal
from common.result import ApiError
from producer_api.boundary import REQUEST_ID_HEADER
from producer_api.errors import INVALID_REQUEST, error_answer


class HttpProtocol(BoundedHttpProtocol):
    """The bounded protocol, whose own answer would be plain text."""

    def form(self, refusal: Refusal) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """OpenAI's shape, with an id that the log has too."""
        request_id = str(uuid.uuid4())
        structlog.get_logger(__name__).debug("request unreadable", request_id=request_id, status=refusal.status)
        error = ApiError(message=refusal.message, type=INVALID_REQUEST, code=refusal.code)
        answer = error_answer(refusal.status, error)
        headers = [
            (b"content-type", answer.headers["content-type"].encode()),
            (REQUEST_ID_HEADER.encode(), request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        return headers, bytes(answer.body)
