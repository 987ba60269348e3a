"""Reading a request's JSON within bounds: of kind, of bytes, of time, and of what the process may hold."""

import asyncio
import re
from typing import Any

import orjson
from fastapi import Request

from common.setting_names import variable_name
from producer_api.budget import Budget
from producer_api.errors import RefusedRequest, invalid, over_limit
from producer_api.settings import ApiSettings

# Only for a client that is too slow. After any other refusal uvicorn reads and drops the rest of the body: a connection
# closed on a client that still sends is reset, and the client never sees why.
_HANG_UP = {"connection": "close"}

# orjson makes a float of an integer that does not fit 64 bits. 2**63 has 19 digits: a body without a run as long has no
# such integer. With all digits made one, a run is found at a few milliseconds a megabyte; `re` took 20 to 80.
_DIGITS_TO_0 = bytes.maketrans(b"123456789", b"0" * 9)
_MANY_DIGITS = b"0" * 19
# In JSON known to be valid: every string, to skip its digits, and every long integer, which is no part of a float.
_STRING_OR_LONG_INTEGER = re.compile(rb'"(?:[^"\\]++|\\.)*+"|(?<![0-9.eE+-])(-?[0-9]{19,}+)(?![.eE])')
_LONGEST_INTEGER = len(str(2**64))


async def read_body(request: Request, settings: ApiSettings, budget: Budget) -> bytes:
    """The body of a request that says it is JSON.

    Raises:
        RefusedRequest: 415, 413 or 408.
        Overloaded: the process holds as much as it may.
        ClientDisconnect: the client went away.
    """
    _check_kind(request)
    limit = settings.max_request_bytes
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    with budget.sharing() as share:
        try:
            async with asyncio.timeout(settings.body_timeout_seconds):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > limit:
                        raise _too_large(limit)
                    share.grow(size_bytes=len(chunk))
                    body += chunk
        except TimeoutError:
            message = (
                f"The request's body took longer than {settings.body_timeout_seconds:g} seconds. "
                f"The limit is {variable_name('api', 'body_timeout_seconds')}."
            )
            raise RefusedRequest(408, message, code="request_timeout", headers=_HANG_UP) from None
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """The JSON value of a body; NaN, infinities and lone surrogates are no JSON, integers are exact or refused.

    Raises:
        RefusedRequest: 400.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's message quotes nothing of the text.
        message = f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        raise invalid(message, param=None, code="invalid_json") from None
    if _MANY_DIGITS in body.translate(_DIGITS_TO_0):
        _check_integers(body)
    return value


def _check_integers(body: bytes) -> None:
    for found in _STRING_OR_LONG_INTEGER.finditer(body):
        digits = found[1]
        if digits is not None and not _fits_64_bits(digits):
            raise invalid("Integers must fit 64 bits: send larger ones as text.", param=None)


def _fits_64_bits(digits: bytes) -> bool:
    # Python refuses to read thousands of digits; JSON has no leading zeros, so their number says enough.
    return len(digits) <= _LONGEST_INTEGER and -(2**63) <= int(digits) < 2**64


def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = "Send the body as JSON, with the header Content-Type: application/json."
        raise RefusedRequest(415, message, code="unsupported_media_type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        message = "Send the body as it is, without Content-Encoding."
        raise RefusedRequest(415, message, code="unsupported_content_encoding")


def _too_large(limit: int) -> RefusedRequest:
    what = "The request's body is too large, in bytes"
    return over_limit(what, limit, "max_request_bytes", param=None, status=413)
