import asyncio
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from aiokafka.errors import KafkaConnectionError, KafkaError
from rich.console import Console

from cli.addresses import Address, kafka_address_of_stack
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.topics.view import as_json_object, show_reports
from common.connections import create_admin, create_reader, stop_reader
from common.settings import KafkaSettings, ServiceSettings, SettingsError, load_settings, variable_name
from common.topic_report import TopicReport, report_topics
from common.topics import TopicNames, TopicSpec, TopicsUnfit, ensure_topics, topic_specs

_CLIENT_ID = "promptmill-topics"
_BOOTSTRAP_SERVERS = variable_name("kafka", "bootstrap_servers")

# A person waits: a broker that does not answer in this time is away.
_CONNECT_SECONDS = 5.0
_REPORT_SECONDS = 30.0
# Hundreds of partitions each elect a leader.
_CREATE_SECONDS = 60.0


def show_topics(environ: Mapping[str, str], folder: Path, *, create: bool, show_last: bool, as_json: bool) -> None:
    """Print every topic of ours as Kafka has it now, once those that are missing are made if `create` asks for it.

    `folder` may have a local stack.

    Raises:
        CommandError: The settings are wrong, Kafka does not answer, or a topic is not as the settings have it.
    """
    # The client would report each failed attempt beside our one line.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        settings = load_settings(ServiceSettings)
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    address = _kafka_address(settings.kafka, environ, folder)
    print(f"Kafka {address.value} ({address.source})", file=sys.stderr)
    kafka = settings.kafka.model_copy(
        update={
            "bootstrap_servers": address.value,
            "request_timeout_seconds": min(settings.kafka.request_timeout_seconds, _CONNECT_SECONDS),
        }
    )
    specs = topic_specs(kafka, settings.tasks)
    names = [spec.name for spec in specs]
    reports = asyncio.run(_report(kafka, address, names, specs if create else ()))
    if as_json:
        for name, report in zip(names, reports, strict=True):
            print(json.dumps(as_json_object(name, report, with_value=show_last)))
    else:
        show_reports(Console(highlight=False), names, reports, prefix=kafka.topic_prefix, with_value=show_last)


def _kafka_address(kafka: KafkaSettings, environ: Mapping[str, str], folder: Path) -> Address:
    if any(name.upper().startswith(_BOOTSTRAP_SERVERS) and value for name, value in environ.items()):
        return Address(kafka.bootstrap_servers, f"from {_BOOTSTRAP_SERVERS}")
    return kafka_address_of_stack(folder) or Address(kafka.bootstrap_servers, "the default")


async def _report(
    kafka: KafkaSettings, address: Address, names: Sequence[str], ensured: Sequence[TopicSpec]
) -> list[TopicReport | None]:
    topics = TopicNames(kafka.topic_prefix)
    groups = {topics.llm_group: (topics.interactive, topics.batch)}
    try:
        async with AsyncExitStack() as clients:
            async with asyncio.timeout(_CONNECT_SECONDS):
                admin = create_admin(kafka, _CLIENT_ID)
                clients.push_async_callback(admin.close)
                await admin.start()
                reader = create_reader(kafka, _CLIENT_ID)
                clients.push_async_callback(stop_reader, reader)
                await reader.start()
            if ensured:
                async with asyncio.timeout(_CREATE_SECONDS):
                    await ensure_topics(admin, ensured)
            async with asyncio.timeout(_REPORT_SECONDS):
                return await report_topics(admin, reader, names, groups)
    except TopicsUnfit as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    except (KafkaError, OSError, TimeoutError) as error:
        raise CommandError(
            f"Kafka at {address.value} ({address.source}) does not answer: {_reason(error)}; "
            f"{_BOOTSTRAP_SERVERS} says where it is",
            ExitCode.OUT_OF_REACH,
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, KafkaConnectionError):
        return "no broker can be connected to"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error).partition("\n")[0] or type(error).__name__
