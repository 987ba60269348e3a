"""Routes of the requests that come most often: their endpoints take the request as it is.

Resolving dependencies costs the framework more than such an answer costs us. What an endpoint reads of its request it
reads by itself, and the description is told so by hand.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

# What reading any bearer key looks like in the description; named as the framework names it.
BEARER: list[dict[str, list[str]]] = [{"HTTPBearer": []}]


class DirectRoute(APIRoute):
    """A route whose endpoint is called with the request alone, and gives the response."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """What the framework calls: the endpoint itself."""
        endpoint: Callable[[Request], Awaitable[Response]] = self.endpoint
        return endpoint


def described(*parameters: dict[str, Any]) -> dict[str, Any]:
    """What a direct route's description says of its key and of its parameters."""
    return {"security": BEARER, "parameters": list(parameters)}
