"""Who may operate: whoever is on this machine, and whoever has the operators' token."""

import secrets
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from common.setting_names import variable_name
from producer_api.errors import RefusedRequest
from producer_api.network_address import is_loopback
from producer_api.state import ReadyParts

_SETTING = variable_name("api", "operator_token")
# A proxy beside us speaks for somebody who is elsewhere.
_FORWARDING = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


async def operator(
    request: Request,
    parts: ReadyParts,
    credentials: Annotated[
        HTTPAuthorizationCredentials | None,
        Security(HTTPBearer(auto_error=False, scheme_name="operatorToken", description=f"The value of {_SETTING}.")),
    ],
) -> None:
    """Let the request pass.

    Raises:
        RefusedRequest: 401 for a token that is wrong or missing, 403 where none is configured.
    """
    token = parts.settings.operator_token
    if token is not None and credentials is not None:
        if _is(token, credentials.credentials):
            return
        raise _unauthorized("This is not the operators' token.")
    if _is_from_here(request):
        return
    if token is not None:
        raise _unauthorized("Operators' requests from elsewhere need their token.")
    message = f"Operators' requests are served to this machine only, until {_SETTING} is set."
    raise RefusedRequest(403, message, code="operators_only")


Operator = Depends(operator)


def _is(token: SecretStr, given: str) -> bool:
    return secrets.compare_digest(token.get_secret_value().encode(), given.encode())


def _unauthorized(what: str) -> RefusedRequest:
    message = f"{what} Send it as Authorization: Bearer TOKEN; it is the value of {_SETTING}."
    return RefusedRequest(401, message, code="invalid_operator_token", headers={"www-authenticate": "Bearer"})


def _is_from_here(request: Request) -> bool:
    """Whether the client is on this machine, by no proxy, and means this machine by the name it asked for.

    A web page anywhere can make a browser here ask a name that leads here: such a name is not one of ours.
    """
    if request.client is None or any(name in request.headers for name in _FORWARDING):
        return False
    name = request.url.hostname or ""
    return is_loopback(request.client.host) and (name == "localhost" or is_loopback(name))
