"""What a rebuild writes by and, for as long as it takes, reads by: a worker's, and the command line's."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from common.connections import create_admin, create_reader, stop_reader
from common.settings import KafkaSettings, TaskSettings
from common.store.index import TaskIndex
from common.store.keys import Keys
from common.store.link import RedisLink
from common.store.restoring import Restoring
from common.topics import TopicNames
from consumer.rebuilding.rebuild import Rebuild


def build_restoring(tasks: TaskSettings, redis: RedisLink, keys: Keys) -> Restoring:
    """A rebuild's moves, and those of a worker that writes back what the store has lost."""
    kept_seconds = tasks.deadline_seconds + tasks.result_ttl_seconds
    index = TaskIndex(redis, keys, most=tasks.max_listed, kept_seconds=kept_seconds)
    return Restoring(redis, keys, result_ttl_seconds=tasks.result_ttl_seconds, index=index)


@asynccontextmanager
async def open_rebuild(
    kafka: KafkaSettings, tasks: TaskSettings, restoring: Restoring, *, client_id: str, lease_seconds: float
) -> AsyncIterator[Rebuild]:
    """A rebuild that reads Kafka as the settings name it.

    Raises:
        KafkaError: no broker can be reached.
    """
    async with AsyncExitStack() as clients:
        admin = create_admin(kafka, client_id)
        clients.push_async_callback(admin.close)
        await admin.start()
        reader = create_reader(kafka, client_id)
        clients.push_async_callback(stop_reader, reader)
        await reader.start()
        yield Rebuild(
            reader=reader,
            admin=admin,
            restoring=restoring,
            names=TopicNames(kafka.topic_prefix),
            result_ttl_seconds=tasks.result_ttl_seconds,
            deadline_seconds=tasks.deadline_seconds,
            holders_turn_seconds=lease_seconds,
        )
