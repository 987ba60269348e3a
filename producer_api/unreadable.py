"""HTTP that cannot be read is answered in the shape of every other error, though the application never sees it."""

import uuid

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from common.result import ApiError
from producer_api.boundary import REQUEST_ID_HEADER
from producer_api.errors import INVALID_REQUEST, error_answer

_STATUS = 400
_MESSAGE = (
    "This is not HTTP/1.1 that can be read. Check the method, the length of the URL, and that there is either one "
    "Content-Length or Transfer-Encoding: chunked."
)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose own answer would be plain text."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words tell the client less than ours
        """Answer and hang up: where the next request would begin is not known."""
        request_id = str(uuid.uuid4())
        structlog.get_logger(__name__).debug("request unreadable", request_id=request_id)
        error = ApiError(message=_MESSAGE, type=INVALID_REQUEST, code="bad_request")
        headers = {"connection": "close", REQUEST_ID_HEADER: request_id, "x-content-type-options": "nosniff"}
        answer = error_answer(_STATUS, error, headers)
        lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *answer.raw_headers)]
        self.transport.write(b"".join((STATUS_LINE[_STATUS], *lines, b"\r\n", answer.body)))
        self.transport.close()
