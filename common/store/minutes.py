"""What happened in each minute of the last hours, all processes together: the sums that charts are drawn from.

Processes count for themselves and tell every few seconds what has come since. What one tells is numbered, so that a
repeat of what Redis did not answer adds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from common.store.keys import Keys
from common.store.link import RedisLink, granted
from common.store.resp import encode_command
from common.store.scripts import ScriptCall, load_script, run_scripts

TELL_SECONDS = 2.0
MOST_MINUTES = 360
_KEPT_MS = (MOST_MINUTES + 2) * 60_000
_MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Telling:
    """What a process has counted since it last told, by name, in whole numbers; `minute` is Unix time in minutes."""

    number: int
    minute: int
    amounts: Mapping[str, int]


class Tally:
    """What one process has counted and not told yet. Pure."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._number = 0
        self._open: Telling | None = None

    def next(self, totals: Mapping[str, int], *, now: float) -> Telling | None:
        """What is to be told, given all that was counted since the process began; None where there is nothing new.

        What was not `told` comes again as it was: it may have been added all the same.
        """
        if self._open is None:
            new = {name: total - self._told.get(name, 0) for name, total in totals.items()}
            amounts = {name: amount for name, amount in new.items() if amount}
            if amounts:
                self._number += 1
                self._open = Telling(self._number, int(now // _MINUTE_SECONDS), amounts)
        return self._open

    def told(self) -> None:
        """What was to be told has been added."""
        if self._open is not None:
            for name, amount in self._open.amounts.items():
                self._told[name] = self._told.get(name, 0) + amount
        self._open = None


class Minutes:
    """The sums of minutes. `process` names this one, and no other that there ever was."""

    def __init__(self, link: RedisLink, keys: Keys, *, process: str) -> None:
        self._link = link
        self._keys = keys
        self._process = process
        self._tally = Tally()
        self._count = load_script("count", binary=1, of_task=False)

    async def tell(self, totals: Mapping[str, int], *, now: float) -> None:
        """Add what came since the last time; `totals` are since this process began, `now` is in Unix seconds.

        Raises:
            StoreUnavailable: Redis is out of reach; the next time tells it again.
        """
        telling = self._tally.next(totals, now=now)
        if telling is None:
            return
        keys = (self._keys.minute(telling.minute), self._keys.counted(self._process))
        call = ScriptCall(
            self._count,
            keys,
            {"number": telling.number, "kept": _KEPT_MS},
            {"amounts": orjson.dumps(telling.amounts)},
        )
        await run_scripts(self._link, [call])
        self._tally.told()

    async def read(self, *, now: float, minutes: int) -> Sequence[tuple[int, Mapping[str, int]]]:
        """Each of the last `minutes`, oldest first, with its sums; the last is the one that is not over yet.

        Raises:
            StoreUnavailable: Redis is out of reach.
        """
        this = int(now // _MINUTE_SECONDS)
        wanted = range(this - minutes + 1, this + 1)
        replies = granted(
            await self._link.ask([encode_command("HGETALL", self._keys.minute(minute)) for minute in wanted])
        )
        return [(minute, _sums(reply)) for minute, reply in zip(wanted, replies, strict=True)]


def _sums(reply: Sequence[bytes]) -> dict[str, int]:
    return {name.decode(): int(amount) for name, amount in zip(reply[::2], reply[1::2], strict=True)}
