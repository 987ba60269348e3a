import asyncio
import signal
from collections.abc import Callable
from typing import Self

_INTERRUPTED = 130


class StopRequest:
    """What the signals ask for: SIGTERM, SIGHUP and the first SIGINT a drain, any later SIGINT its end.

    `heard` is called at once for the former, `hurry` for the latter.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, heard: Callable[[], None], hurry: Callable[[], None]
    ) -> None:
        self.requested = asyncio.Event()
        self.exit_status = 0
        self._heard = heard
        self._hurry = hurry
        self._loop = loop

    def __enter__(self) -> Self:
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)
        self._loop.add_signal_handler(signal.SIGTERM, self._request)
        self._loop.add_signal_handler(signal.SIGHUP, self._request)
        return self

    def __exit__(self, *exception: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._loop.remove_signal_handler(number)

    def _interrupt(self) -> None:
        if self.requested.is_set():
            self._hurry()
        else:
            self.exit_status = _INTERRUPTED
            self._request()

    def _request(self) -> None:
        if not self.requested.is_set():
            self.requested.set()
            self._heard()
