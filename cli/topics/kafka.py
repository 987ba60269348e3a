"""Kafka, for commands that look into it: where it is, and clients of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from cli.addresses import Address, kafka_address_of_stack
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from common.connections import create_admin, create_reader, stop_reader
from common.setting_loading import load_settings
from common.setting_names import variable_name
from common.setting_sources import SettingsError
from common.settings import KafkaSettings, ServiceSettings

_BOOTSTRAP_SERVERS = variable_name("kafka", "bootstrap_servers")
_CLIENT_ID = "promptmill-topics"

# A person waits: a broker that does not answer in this time is away.
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FoundKafka:
    """The settings of the services, at the Kafka that is meant here."""

    address: Address
    settings: ServiceSettings

    @property
    def kafka(self) -> KafkaSettings:
        """Its own settings."""
        return self.settings.kafka


def find_kafka(environ: Mapping[str, str], folder: Path) -> FoundKafka:
    """Where Kafka is: as the environment says, else `folder`'s local stack, else the default.

    Raises:
        CommandError: The settings are wrong.
    """
    # The client would report each failed attempt beside our one line.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        settings = load_settings(ServiceSettings)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    address = _address(settings.kafka, environ, folder)
    kafka = settings.kafka.model_copy(
        update={
            "bootstrap_servers": address.value,
            "request_timeout_seconds": min(settings.kafka.request_timeout_seconds, _CONNECT_SECONDS),
        }
    )
    return FoundKafka(address, settings.model_copy(update={"kafka": kafka}))


def _address(kafka: KafkaSettings, environ: Mapping[str, str], folder: Path) -> Address:
    if any(name.upper().startswith(_BOOTSTRAP_SERVERS) and value for name, value in environ.items()):
        return Address(kafka.bootstrap_servers, f"from {_BOOTSTRAP_SERVERS}")
    return kafka_address_of_stack(folder) or Address(kafka.bootstrap_servers, "the default")


@asynccontextmanager
async def connected(found: FoundKafka) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    """An admin client and a reader, which belongs to no group.

    Raises:
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    async with AsyncExitStack() as clients:
        async with asyncio.timeout(_CONNECT_SECONDS):
            admin = create_admin(found.kafka, _CLIENT_ID)
            clients.push_async_callback(admin.close)
            await admin.start()
            reader = create_reader(found.kafka, _CLIENT_ID)
            clients.push_async_callback(stop_reader, reader)
            await reader.start()
        yield admin, reader


@contextmanager
def reaching(address: Address) -> Iterator[None]:
    """Say of a Kafka that does not answer where it was looked for.

    Raises:
        CommandError: with `OUT_OF_REACH`, for what clients raise then.
    """
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise CommandError(
            f"Kafka at {address.value} ({address.source}) does not answer: {reason_of(error)}; "
            f"{_BOOTSTRAP_SERVERS} says where it is",
            ExitCode.OUT_OF_REACH,
        ) from error


def reason_of(error: Exception) -> str:
    """Why no broker answers, in few words."""
    if isinstance(error, KafkaConnectionError):
        return "no broker can be connected to"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error).partition("\n")[0] or type(error).__name__
