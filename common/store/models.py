"""The models that can be named: put there by the workers, who alone know the model server and its key."""

from collections.abc import Sequence
from typing import Any

import orjson

from common.store.keys import Keys
from common.store.link import RedisLink

# Workers put them again every minute; a store without workers forgets them.
MODELS_TTL_MS = 300_000


class KnownModels:
    """The list in the store, each entry as OpenAI's `Model` is. Every method raises `StoreUnavailable`."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._key = keys.models

    async def put(self, models: Sequence[dict[str, Any]]) -> None:
        """Replace the list."""
        await self._link.execute("SET", self._key, orjson.dumps(models), "PX", MODELS_TTL_MS)

    async def put_if_absent(self, models: Sequence[dict[str, Any]]) -> None:
        """The same where nobody put one that is newer."""
        await self._link.execute("SET", self._key, orjson.dumps(models), "NX", "PX", MODELS_TTL_MS)

    async def read(self) -> list[dict[str, Any]]:
        """The list; empty where no worker put one lately."""
        content = await self._link.execute("GET", self._key)
        return [] if content is None else list(orjson.loads(content))
