"""What every event of a coroutine says beside its own fields, such as the task at hand.

One variable holds all fields: one for each, as structlog has it, costs a worker more than the event itself.
"""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any

from structlog.typing import EventDict, WrappedLogger

_FIELDS: ContextVar[Mapping[str, Any]] = ContextVar("log_fields", default=MappingProxyType({}))


class log_context:  # noqa: N801 - used as a function is, in `with log_context(task_id=…)`
    """Add fields to all events while the body runs, those of coroutines begun in it included."""

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: object) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        self._token: Token[Mapping[str, Any]] = _FIELDS.set({**_FIELDS.get(), **self._fields})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        _FIELDS.reset(self._token)


def merge_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event with the fields of its context; its own go before them."""
    return {**_FIELDS.get(), **event}
