"""The `Idempotency-Key` header of every request that creates something."""

import hashlib
import re
from typing import Any

from fastapi import Request

from common.store.idempotency import RepeatableRequest
from producer_api.errors import invalid

_HEADER = "idempotency-key"
_VISIBLE_ASCII = re.compile(r"[!-~]{1,255}")
_ABOUT = (
    "A text of your own for this request, 1 to 255 visible ASCII characters, such as a UUID: sent again with the same "
    "body it gets the same ids, and no prompt runs twice."
)


# The header in the description of a request that takes it.
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": _ABOUT,
    "schema": {"type": "string", "title": "Idempotency-Key"},
}


def idempotency_key(request: Request) -> str | None:
    """The request's key, None where it has none.

    Raises:
        RefusedRequest: 400.
    """
    keys = request.headers.getlist(_HEADER)
    if not keys:
        return None
    if len(keys) > 1 or _VISIBLE_ASCII.fullmatch(keys[0]) is None:
        message = "Send one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID, or none."
        raise invalid(message, param="Idempotency-Key")
    return keys[0]


def repeatable_request(tenant: str, key: str, *, method: str, path: str, body: bytes) -> RepeatableRequest:
    """The request as its key stands for it: the same is one with the same body, byte by byte, to the same URL."""
    fingerprint = hashlib.sha256(f"{method} {path}\n".encode())
    fingerprint.update(body)
    return RepeatableRequest(tenant, key, fingerprint.digest())
