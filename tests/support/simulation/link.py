"""What becomes of the requests of one process."""

import asyncio
from enum import StrEnum


class Way(StrEnum):
    """How a request fares."""

    OPEN = "open"
    SLOW = "slow"
    """It is carried out when the way opens again, even if its sender has given up meanwhile."""
    LATE = "late"
    """It is carried out at once; the answer comes when the way opens again."""
    AWAY = "away"
    """It does not leave."""


class Link:
    """A way between one process and a server."""

    def __init__(self) -> None:
        self.way = Way.OPEN
        self._waiting: list[asyncio.Future[None]] = []

    def turn(self, way: Way) -> None:
        """Change how requests fare, those under way included."""
        self.way = way
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @property
    def is_up(self) -> bool:
        return self.way is not Way.AWAY

    async def sent(self) -> None:
        """Return when a request made now has left."""
        while self.way is Way.AWAY:
            await self._changed()

    async def arrived(self) -> None:
        """Return when a request that has left is carried out."""
        # Another turn of the loop, in which other processes may be faster.
        await asyncio.sleep(0)  # noqa: TID251 - lets nothing pass but a turn
        while self.way is Way.SLOW:
            await self._changed()

    async def answered(self) -> None:
        """Return when the answer to what was carried out is there."""
        await asyncio.sleep(0)  # noqa: TID251 - lets nothing pass but a turn
        while self.way in {Way.LATE, Way.AWAY}:
            await self._changed()

    async def _changed(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future
