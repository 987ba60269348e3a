"""Routes that refuse what no client of ours sends: unknown query parameters, and what pages of others send.

A misspelt parameter would be passed over without a word. A page anywhere could have a browser on this machine submit
prompts or redrive dead letters here.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from common.setting_names import variable_name
from producer_api.cross_site import is_cross_site
from producer_api.errors import RefusedRequest, invalid
from producer_api.state import parts_of

_HOSTS_SETTING = variable_name("api", "allowed_hosts")


class CheckedRoute(APIRoute):
    """A route that takes the query parameters of its description and no others."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What the framework calls."""
        return self.checked(super().get_route_handler())

    def checked(
        self, handle: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return `handle`, called only for requests of our clients whose query is known."""
        described = (self.openapi_extra or {}).get("parameters", ())
        known = {parameter["name"] for parameter in described if parameter["in"] == "query"}
        known.update(field.alias for field in self.dependant.query_params)

        async def check_and_handle(request: Request) -> Response:
            if not parts_of(request).allowed_hosts.allows(request.headers.get("host")):
                message = f"The Host header has a name that the API is not called by. {_HOSTS_SETTING} adds names."
                raise RefusedRequest(403, message, code="host_not_allowed")
            if is_cross_site(request.method, request.headers):
                message = "A page of another origin may not do this. Its requests need an Authorization header."
                raise RefusedRequest(403, message, code="cross_site_request")
            if request.scope["query_string"] and not request.query_params.keys() <= known:
                # What is not known is the client's text, and not repeated.
                names = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
                message = f"The URL has a query parameter that is not known here. Those that are: {names}."
                raise invalid(message, param=None, code="unknown_parameter")
            return await handle(request)

        return check_and_handle
