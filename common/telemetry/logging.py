"""One event a line, to standard output: JSON for machines, aligned text for people. Never a prompt, never a key."""

import logging
import sys
import traceback
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo

from common.settings import LogSettings

# At DEBUG these write message bodies, and with them prompts and answers.
_BODY_WRITERS = ("aiokafka", "aiohttp", "httpcore2", "openai", "redis")


# At INFO httpx2 writes a line with the whole address for every call, and uvicorn tells how each server starts and
# stops: a service may run two of them, and says so itself.
_TALKERS = ("httpx2", "uvicorn")


def configure_logging(settings: LogSettings, service: str, stream: TextIO | None = None) -> None:
    """Send structlog's events and the standard library's records through one renderer.

    Libraries that would write bodies at DEBUG stay at INFO or above, whatever the level asked for.
    """
    stream = stream or sys.stdout
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Named(service),
    ]
    for_people = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    if for_people:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)
    else:
        renderer = structlog.processors.JSONRenderer()
    last = [structlog.processors.ExceptionRenderer(without_messages), renderer]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _BODY_WRITERS:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    for name in _TALKERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def without_messages(exc_info: ExcInfo) -> str:
    """A traceback of frames and types: an exception's message, or a local variable, may hold a prompt."""
    parts = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        kind = type(error)
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{frames}{kind.__module__}.{kind.__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\ncaused by\n".join(parts)


class _Named:
    """Says which service speaks."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = self._service
        return event
