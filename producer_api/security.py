"""Who asks: one dependency gives every route its tenant."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

LOCAL_TENANT = "local"


async def authenticated_tenant(
    _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))],
) -> str:
    """The tenant whose key signed the request. No keys are configured: any key, or none, means `local`."""
    return LOCAL_TENANT


Tenant = Annotated[str, Depends(authenticated_tenant)]
