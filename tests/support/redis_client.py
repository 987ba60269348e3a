"""Redis as tests see it: redis-py to look into it and to write past the moves, the store's own link for the moves."""

from redis.asyncio import ConnectionPool, Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from common.connections import create_redis_link
from common.settings import RedisSettings
from common.store.link import RedisLink


class Redis(Client):
    """A client of redis-py with the store's ``link`` beside it; both are closed together."""

    def __init__(self, link: RedisLink, pool: ConnectionPool) -> None:
        super().__init__(connection_pool=pool)
        self.link = link

    async def aclose(self, close_connection_pool: bool | None = True) -> None:  # noqa: FBT001, FBT002 - as redis-py has it
        await self.link.aclose()
        await super().aclose(close_connection_pool)


def create_redis(settings: RedisSettings, client_name: str) -> Redis:
    """Return a client that is not connected yet."""
    pool = ConnectionPool.from_url(
        settings.url.get_secret_value(),
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        protocol=2,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 2),
        client_name=client_name,
    )
    return Redis(create_redis_link(settings, client_name), pool)
