"""Who asks: one function gives every request its tenant."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

LOCAL_TENANT = "local"


def tenant_of(_request: Request) -> str:
    """The tenant whose key signed the request. No keys are configured: any key, or none, means `local`."""
    return LOCAL_TENANT


async def authenticated_tenant(
    request: Request,
    _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))],
) -> str:
    """The same as a dependency, which the description shows."""
    return tenant_of(request)


Tenant = Annotated[str, Depends(authenticated_tenant)]
