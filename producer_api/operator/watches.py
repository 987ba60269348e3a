"""The views that operators look on at, as events: what each reading comes to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from common.result import ApiError
from common.store.scripts import StoreUnavailable
from producer_api.errors import SERVER_ERROR, RefusedRequest
from producer_api.operator.monitoring import Monitoring
from producer_api.operator.opening import refusing
from producer_api.operator.watch import Watch

# As often as workers say how they are.
_EVERY_SECONDS = 2.0
# Of each view; more than operators have windows.
_MOST_VIEWERS = 200


@dataclass(frozen=True, slots=True)
class Watches:
    """Those of one process."""

    overview: Watch
    workers: Watch
    topics: Watch

    def stop(self) -> None:
        """Have all who look end soon."""
        for watch in (self.overview, self.workers, self.topics):
            watch.stop()


def watches_of(monitoring: Monitoring) -> Watches:
    """Nothing is read before anybody looks."""
    return Watches(
        overview=_watch("overview", monitoring.overview),
        workers=_watch("workers", monitoring.workers),
        topics=_watch("topics", monitoring.topics),
    )


def _watch(name: str, view: Callable[[], Awaitable[dict[str, Any]]]) -> Watch:
    return Watch(partial(read_event, name, view), every_seconds=_EVERY_SECONDS, most_viewers=_MOST_VIEWERS)


async def read_event(name: str, view: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
    """The view as an event of this name; `unavailable` with an error where what it is read from is out of reach."""
    try:
        async with refusing():
            return _event(name, await view())
    except RefusedRequest as refused:
        return _event("unavailable", {"error": refused.error.as_json()})
    except StoreUnavailable:
        message = "The store of tasks is out of reach. This goes on by itself when it is back."
        error = ApiError(message=message, type=SERVER_ERROR, code="store_unavailable")
        return _event("unavailable", {"error": error.as_json()})


def _event(name: str, data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))
