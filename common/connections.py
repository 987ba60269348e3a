"""Constructors of every client, with timeouts, retries and sizes that agree; called by composition roots only."""

import asyncio
import random
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from common.settings import KafkaSettings, RedisSettings
from common.store.dialling import Dialler, tls_options
from common.store.link import RedisLink
from common.store.subscription import Subscription
from common.store.wire import Timed
from common.topics import MAX_RESULT_RECORD_BYTES, MAX_TASK_RECORD_BYTES

# Room for a record's headers and framing beside its value.
_FRAMING_BYTES = 64 * 1024


def create_redis_link(settings: RedisSettings, client_name: str, *, timed: Timed | None = None) -> RedisLink:
    """The connection for all commands of a process; nothing is connected yet. `timed` is told of its round trips."""
    return RedisLink(Dialler(settings, client_name, timed).connect, jitter=random.random)


def create_redis_subscription(settings: RedisSettings, client_name: str) -> Subscription:
    """The connection on which a process hears of whatever it asks for; nothing is connected yet."""
    dialler = Dialler(settings, client_name)
    # A connection may have to be made first.
    return Subscription(dialler.connect, timeout_seconds=2 * settings.timeout_seconds, jitter=random.random)


def create_redis_listener(settings: RedisSettings, client_name: str) -> Redis:
    """A client for one subscription. It fails at once: its user has to know what it may have missed."""
    pool = BlockingConnectionPool.from_url(
        settings.url.get_secret_value(),
        max_connections=1,
        timeout=settings.timeout_seconds,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        client_name=client_name,
        **tls_options(settings),
    )
    return Redis.from_pool(pool)


def create_producer(
    settings: KafkaSettings, client_id: str, *, max_record_bytes: int, linger_ms: int = 2
) -> AIOKafkaProducer:
    """A producer that counts a record as written when every in-sync replica has it.

    Not idempotent: that one never gives up on a broker that is away; doubles are removed by the claim instead.
    While one request to a broker is under way records gather for the next in any case; `linger_ms` is how long a record
    waits for others where none is.
    """
    return AIOKafkaProducer(
        acks="all",
        enable_idempotence=False,
        linger_ms=linger_ms,
        max_batch_size=900_000,
        max_request_size=max_record_bytes + _FRAMING_BYTES,
        compression_type="zstd",
        **_connection(settings, client_id),
    )


def create_group_consumer(
    settings: KafkaSettings, client_id: str, group_id: str, *, session_timeout_seconds: float
) -> AIOKafkaConsumer:
    """A member of `group_id` whose offsets are committed by hand only.

    A third of the session is the heartbeat; a member that dies holds its partitions for one session.
    """
    session_ms = round(session_timeout_seconds * 1000)
    rebalance_ms = 3 * session_ms
    arguments = _connection(settings, client_id)
    # The answer to a join comes when the slowest member has joined: no reason to close the connection.
    arguments["request_timeout_ms"] = max(arguments["request_timeout_ms"], rebalance_ms + 5000)
    return AIOKafkaConsumer(
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms * 3 // 10,
        rebalance_timeout_ms=rebalance_ms,
        # Polling is decoupled from work, so a pause this long is a stuck process.
        max_poll_interval_ms=300_000,
        fetch_max_bytes=16 * MAX_TASK_RECORD_BYTES,
        # What is fetched and not yet begun is the memory that a backlog costs. A batch that is larger comes whole all
        # the same (KIP-74) once its partition is asked for first, which aiokafka leaves to chance at each fetch.
        max_partition_fetch_bytes=MAX_TASK_RECORD_BYTES // 4,
        # Neighbours of one request run on different workers. Exactly one: a second costs a join each.
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        **arguments,
    )


def create_reader(
    settings: KafkaSettings, client_id: str, *, fetch_bytes: int = MAX_RESULT_RECORD_BYTES
) -> AIOKafkaConsumer:
    """A consumer without a group, for looking into topics by hand; it commits nothing.

    It takes about `fetch_bytes` of a partition at once, and larger records whole all the same.
    """
    return AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=fetch_bytes,
        fetch_max_bytes=2 * fetch_bytes,
        **_connection(settings, client_id),
    )


async def stop_reader(reader: AIOKafkaConsumer) -> None:
    """Stop a consumer without a group and close its connections, whatever became of its broker.

    While a broker is away aiokafka's own stop lets the end of its fetches out as a CancelledError, before it has closed
    anything: to a caller that looks like its own cancellation.
    """
    stopping = asyncio.create_task(reader.stop(), name="stop a reader")
    try:
        await asyncio.wait({stopping})
    except asyncio.CancelledError:
        stopping.cancel()
        raise
    if stopping.cancelled():
        await reader._client.close()  # noqa: SLF001 - a second stop does nothing
    else:
        stopping.result()


def create_admin(settings: KafkaSettings, client_id: str) -> AIOKafkaAdminClient:
    """A client for topics, their configurations and groups' offsets."""
    return AIOKafkaAdminClient(**_connection(settings, client_id))


def _connection(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": client_id,
        "request_timeout_ms": round(settings.request_timeout_seconds * 1000),
        "security_protocol": settings.security_protocol,
    }
    if settings.is_encrypted:
        arguments["ssl_context"] = settings.tls.context()
    if settings.security_protocol.startswith("SASL") and settings.sasl_password is not None:
        arguments["sasl_mechanism"] = settings.sasl_mechanism
        arguments["sasl_plain_username"] = settings.sasl_username
        arguments["sasl_plain_password"] = settings.sasl_password.get_secret_value()
    return arguments
