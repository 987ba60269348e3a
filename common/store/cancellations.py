"""The channel that tells every worker at once which tasks were cancelled or deleted while one had them in hand.

A message is a wake-up and no more: the task's hash says what is true, and a worker that missed one hears of it when it
renews the task's lease.
"""

from collections.abc import AsyncGenerator, Sequence

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError, TimeoutError as RedisTimeoutError

from common.store.keys import Keys
from common.store.link import StoreUnavailable

# A channel with nothing to say is asked for a sign of life; one that gives none for as long again is dead.
_QUIET_SECONDS = 5.0


class CancellationListener:
    """Hears what the moves of `Endings` say; `redis` is a connection to itself, for as long as it is listened to."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._channel = keys.cancellations

    async def listen(self, *, quiet_seconds: float = _QUIET_SECONDS) -> AsyncGenerator[Sequence[str], None]:
        """Task ids as they are told; nothing at all at first, when the subscription has begun.

        Raises:
            StoreUnavailable: the connection is lost, or has been silent for twice `quiet_seconds`.
        """
        try:
            async with self._redis.pubsub() as subscription:
                await subscription.subscribe(self._channel)
                pinged = False
                while True:
                    message = await subscription.get_message(timeout=quiet_seconds)
                    if message is not None:
                        pinged = False
                        if message["type"] == "subscribe":
                            yield ()
                        elif message["type"] == "message":
                            yield message["data"].decode().split()
                    elif pinged:
                        raise StoreUnavailable("Redis is silent")
                    else:
                        await subscription.ping()
                        pinged = True
        except (RedisConnectionError, RedisTimeoutError) as error:
            raise StoreUnavailable(f"Redis is out of reach: {type(error).__name__}") from error
