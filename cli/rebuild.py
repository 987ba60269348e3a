"""`promptmill rebuild`: the store from Kafka, in this process; workers and APIs may go on meanwhile."""

import asyncio
import logging
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from aiokafka.errors import KafkaError
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.addresses import Address, kafka_address_of_stack, redis_address_of_stack
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from common.connections import create_redis_link
from common.setting_loading import load_settings
from common.setting_names import variable_name
from common.setting_sources import SettingsError
from common.store.keys import Keys
from common.store.marker import Marker
from common.store.rebuild_lease import RebuildLease
from common.store.scripts import StoreUnavailable
from consumer.rebuilding.clients import build_restoring, open_rebuild
from consumer.rebuilding.rebuild import Rebuilt, TopicMissing, held, rebuild_under_lease
from consumer.settings import Settings

_CLIENT_ID = "promptmill-rebuild"
_CONNECT_SECONDS = 5.0
_BUSY_SECONDS = 0.5
_TOKEN_BYTES = 16


def rebuild_store(environ: Mapping[str, str], folder: Path, *, as_json: bool) -> None:
    """Write into Redis what it lacks of what Kafka has; `folder` may have a local stack.

    Raises:
        CommandError: The settings are wrong, Kafka has no such topics, or Kafka or Redis does not answer.
    """
    # The client would report each failed attempt beside our one line.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        settings = load_settings(Settings)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    kafka = _address("kafka", "bootstrap_servers", kafka_address_of_stack(folder), environ)
    redis = _address("redis", "url", redis_address_of_stack(folder), environ)
    settings = _at(settings, kafka, redis)
    print(f"Kafka ({_source(kafka)}) into Redis ({_source(redis)})", file=sys.stderr)
    try:
        rebuilt = asyncio.run(_rebuild(settings))
    except StoreUnavailable as error:
        message = f"Redis ({_source(redis)}) does not answer; {variable_name('redis', 'url')} says where it is"
        raise CommandError(message, ExitCode.OUT_OF_REACH) from error
    except TopicMissing as error:
        message = f"{error} in Kafka ({_source(kafka)}): {variable_name('kafka', 'topic_prefix')} must be the workers'"
        raise CommandError(message, ExitCode.USAGE) from error
    except (KafkaError, OSError, TimeoutError) as error:
        message = (
            f"Kafka ({_source(kafka)}) does not answer: {type(error).__name__}; "
            f"{variable_name('kafka', 'bootstrap_servers')} says where it is"
        )
        raise CommandError(message, ExitCode.OUT_OF_REACH) from error
    if rebuilt is None:
        raise CommandError("the store was lost again meanwhile: run this once more", ExitCode.OUT_OF_REACH)
    if as_json:
        write_json_lines(sys.stdout, [asdict(rebuilt)])
        return
    print(
        f"{rebuilt.outcomes} finished and {rebuilt.reopened} open tasks restored, "
        f"{rebuilt.deleted} deleted ones kept deleted, {rebuilt.unreadable} records passed over"
    )


def _address(block: str, name: str, of_stack: Address | None, environ: Mapping[str, str]) -> Address | None:
    """Where the stack is that runs here; None where the environment says otherwise, or nothing runs."""
    variable = variable_name(block, name)
    said = any(key.upper().startswith(variable) and value for key, value in environ.items())
    return None if said else of_stack


def _source(address: Address | None) -> str:
    return "as the settings say" if address is None else address.source


def _at(settings: Settings, kafka: Address | None, redis: Address | None) -> Settings:
    servers = settings.kafka.bootstrap_servers if kafka is None else kafka.value
    # A person waits: a broker that does not answer in this time is away.
    timeout = min(settings.kafka.request_timeout_seconds, _CONNECT_SECONDS)
    at_kafka = settings.kafka.model_copy(update={"bootstrap_servers": servers, "request_timeout_seconds": timeout})
    url = settings.redis.url if redis is None else SecretStr(redis.value)
    return settings.model_copy(update={"kafka": at_kafka, "redis": settings.redis.model_copy(update={"url": url})})


async def _rebuild(settings: Settings) -> Rebuilt | None:
    lease_seconds = settings.worker.lease_seconds
    keys = Keys(settings.redis.key_prefix)
    async with AsyncExitStack() as clients:
        redis = create_redis_link(settings.redis, _CLIENT_ID)
        clients.push_async_callback(redis.aclose)
        lease = RebuildLease(redis, keys, token=secrets.token_urlsafe(_TOKEN_BYTES), lease_seconds=lease_seconds)
        await _turn(lease)
        await clients.enter_async_context(held(lease, lease_seconds=lease_seconds))
        restoring = build_restoring(settings.tasks, redis, keys)
        opening = open_rebuild(
            settings.kafka, settings.tasks, restoring, client_id=_CLIENT_ID, lease_seconds=lease_seconds
        )
        rebuild = await clients.enter_async_context(opening)
        bar = await clients.enter_async_context(_progress_bar())
        return await rebuild_under_lease(rebuild, lease, Marker(redis, keys), bar)


async def _turn(lease: RebuildLease) -> None:
    """Take the lease; a worker that rebuilds now is let finish."""
    said = False
    while not await lease.take():
        if not said:
            print("a worker is rebuilding the store: waiting for it", file=sys.stderr)
            said = True
        await asyncio.sleep(_BUSY_SECONDS)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._row = progress.add_task("records", total=None)

    async def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._row, completed=done, total=total)


@asynccontextmanager
async def _progress_bar() -> AsyncIterator[_Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress)
