import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.topics.kafka import FoundKafka, connected, find_kafka, reaching
from cli.topics.view import as_json_object, show_reports
from common.topic_report import TopicReport, report_topics
from common.topics import TopicNames, TopicSpec, TopicsUnfit, ensure_topics, topic_specs

_REPORT_SECONDS = 30.0
# Hundreds of partitions each elect a leader.
_CREATE_SECONDS = 60.0


def show_topics(environ: Mapping[str, str], folder: Path, *, create: bool, show_last: bool, as_json: bool) -> None:
    """Print every topic of ours as Kafka has it now, once those that are missing are made if `create` asks for it.

    `folder` may have a local stack.

    Raises:
        CommandError: The settings are wrong, Kafka does not answer, or a topic is not as the settings have it.
    """
    found = find_kafka(environ, folder)
    print(f"Kafka {found.address.value} ({found.address.source})", file=sys.stderr)
    specs = topic_specs(found.kafka, found.settings.tasks)
    names = [spec.name for spec in specs]
    with reaching(found.address):
        reports = asyncio.run(_report(found, names, specs if create else ()))
    if as_json:
        shown = zip(names, reports, strict=True)
        write_json_lines(sys.stdout, (as_json_object(name, report, with_value=show_last) for name, report in shown))
    else:
        prefix = found.kafka.topic_prefix
        show_reports(Console(highlight=False), names, reports, prefix=prefix, with_value=show_last)


async def _report(found: FoundKafka, names: Sequence[str], ensured: Sequence[TopicSpec]) -> list[TopicReport | None]:
    topics = TopicNames(found.kafka.topic_prefix)
    groups = {topics.llm_group: (topics.interactive, topics.batch)}
    async with connected(found) as (admin, reader):
        try:
            if ensured:
                async with asyncio.timeout(_CREATE_SECONDS):
                    await ensure_topics(admin, ensured)
        except TopicsUnfit as error:
            raise CommandError(str(error), ExitCode.USAGE) from None
        async with asyncio.timeout(_REPORT_SECONDS):
            return await report_topics(admin, reader, names, groups)
