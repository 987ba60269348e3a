"""Routes of the requests that come most often: their endpoints take the request as it is.

Resolving dependencies costs the framework more than such an answer costs us. What an endpoint reads of its request it
reads by itself, and the description is told so by hand.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from producer_api.checked_route import CheckedRoute

# What reading any bearer key looks like in the description; named as the framework names it.
BEARER: list[dict[str, list[str]]] = [{"HTTPBearer": []}]


class DirectRoute(CheckedRoute):
    """A route whose endpoint is called with the request alone, and gives the response."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What the framework calls: the endpoint itself, behind the check of the query."""
        return self.checked(self.endpoint)


def described(*parameters: dict[str, Any]) -> dict[str, Any]:
    """What a direct route's description says of its key and of its parameters."""
    return {"security": BEARER, "parameters": list(parameters)}
