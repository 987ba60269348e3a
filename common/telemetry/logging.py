"""One event a line, to standard output: JSON for machines, aligned text for people. Never a prompt, never a key."""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo

from common.settings import LogSettings
from common.telemetry.log_context import merge_context

# At DEBUG these write message bodies, and with them prompts and answers.
_BODY_WRITERS = ("aiokafka", "aiohttp", "httpcore2", "openai", "redis")


# At INFO httpx2 writes a line with the whole address for every call, and uvicorn tells how each server starts and
# stops: a service may run two of them, and says so itself.
_TALKERS = ("httpx2", "uvicorn")


# At INFO it names every partition, all at once, when they are given out anew; we say how many that are. A group's every
# step is for who asks for DEBUG.
_LISTER = "aiokafka.consumer.group_coordinator"


# They write a line for every batch of spans that is not taken; we say that once. See `span_queue`.
_SPOKEN_FOR = ("opentelemetry", "urllib3")


def configure_logging(settings: LogSettings, service: str, stream: TextIO | None = None) -> None:
    """Send structlog's events and the standard library's records through one renderer.

    Our own events do not pass through the standard library: a worker writes one for each task, and there it would cost
    five times as much. Libraries that would write bodies at DEBUG stay at INFO or above, whatever the level asked for.
    """
    stream = stream or sys.stdout
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Any] = [
        merge_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Named(service),
    ]
    for_people = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    if for_people:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)
    else:
        renderer = structlog.processors.JSONRenderer(serializer=_json)
    last = [structlog.processors.ExceptionRenderer(without_messages), renderer]
    write = _line_writer(stream)
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=lambda *names: _Lines(write, *names),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = _Handler(write)
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
    for name in _SPOKEN_FOR:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger(_LISTER).setLevel(logging.INFO if level <= logging.DEBUG else max(level, logging.WARNING))


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


def _json(event: EventDict, default: Callable[[Any], Any]) -> str:
    try:
        return orjson.dumps(event, default=default).decode()
    except orjson.JSONEncodeError:
        # An integer past 64 bits, or half a character: rare, and no reason to say nothing.
        return json.dumps(event, default=default)


def _line_writer(stream: TextIO) -> Callable[[str], None]:
    lock = threading.Lock()

    def write(line: str) -> None:
        with lock:
            stream.write(f"{line}\n")
            stream.flush()

    return write


class _Lines:
    """What structlog writes to: of every level alike, for the level stands in the line."""

    def __init__(self, write: Callable[[str], None], name: str = "") -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = write


class _Handler(logging.Handler):
    """The standard library's way to the same lines."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line."""
        try:
            self._write(self.format(record))
        except Exception:  # noqa: BLE001 - a library's ill-formed record must not break the library
            self.handleError(record)


class _Named:
    """Says which service speaks."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        event["service"] = self._service
        return event
