"""Which models the model server has, told to those who may name one."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import structlog

from common.store.models import KnownModels
from common.store.scripts import StoreUnavailable
from consumer.llm.classification import parse_object
from consumer.llm.model_server import ModelServer

_ENDPOINT = "/v1/models"
_OK = 200
# The store is told more often than the server is asked: it may lose what it was told.
_TELL_SECONDS, _ASK_SECONDS = 60.0, 300.0
_ANSWER_SECONDS = 10.0
_MOST_BYTES, _MOST_MODELS, _MOST_CHARACTERS = 1024 * 1024, 1_000, 200


class ModelListing:
    """One for a worker; several do no harm. `clock` is monotonic, `jitter` even in [0, 1)."""

    def __init__(
        self,
        server: ModelServer,
        known: KnownModels,
        *,
        default_model: str,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._server = server
        self._known = known
        self._default_model = default_model
        self._clock = clock
        self._jitter = jitter
        self._models: list[dict[str, Any]] | None = None
        self._ask_at = clock()
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """Ask and tell until cancelled; workers do so at different times."""
        while True:
            await self.tell()
            await asyncio.sleep(_TELL_SECONDS * (0.5 + self._jitter()))

    async def tell(self) -> None:
        """Tell the store once, after asking the server where that is due."""
        if self._clock() >= self._ask_at:
            self._ask_at = self._clock() + _ASK_SECONDS
            self._models = await self._ask()
        try:
            if self._models is None:
                # Another worker may know more.
                await self._known.put_if_absent(listed(None, default_model=self._default_model))
            else:
                await self._known.put(self._models)
        except StoreUnavailable as error:
            self._log.debug("models not told", reason=str(error))

    async def _ask(self) -> list[dict[str, Any]] | None:
        """The models; None where the server does not say."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._server.get(_ENDPOINT) as response:
                content = await response.content.read(_MOST_BYTES + 1) if response.status == _OK else b""
                while response.status == _OK and len(content) <= _MOST_BYTES and not response.content.at_eof():
                    content += await response.content.read(_MOST_BYTES + 1 - len(content))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._log.info("the model server does not list its models", reason=type(error).__name__)
            return None
        answer = parse_object(content) if len(content) <= _MOST_BYTES else None
        if answer is None or not isinstance(answer.get("data"), list):
            self._log.info("the model server does not list its models", status_code=response.status)
            return None
        return listed(answer["data"], default_model=self._default_model)


def listed(data: list[Any] | None, *, default_model: str) -> list[dict[str, Any]]:
    """What is told of the entries that a server gave: the default model first, whether or not the server names it."""
    models = {default_model: _model(default_model, {})}
    for entry in data or ():
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and 0 < len(name) <= _MOST_CHARACTERS and len(models) < _MOST_MODELS:
            models[name] = _model(name, entry)
    return list(models.values())


def _model(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    created, owner = entry.get("created"), entry.get("owned_by")
    is_whole = isinstance(created, int) and not isinstance(created, bool)
    is_short = isinstance(owner, str) and len(owner) <= _MOST_CHARACTERS
    return {
        "id": name,
        "object": "model",
        "created": created if is_whole else 0,
        "owned_by": owner if is_short else "unknown",
    }
