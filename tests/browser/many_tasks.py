"""Tasks by the hundred thousand, put into the store as the API itself does after Kafka has them."""

import time

from common.settings import RedisSettings
from common.store.keys import Keys
from common.store.submissions import Located, Submissions
from common.task import Lane, Task, new_task_id
from tests.support.redis_client import create_redis

_AT_ONCE = 1_000
_MODELS = ("fake-model", "large-model")


async def accept_many(redis_settings: RedisSettings, count: int) -> list[str]:
    """Accept so many queued tasks of the tenant `local`, and return their ids, oldest first.

    They come a thousand at a time, in turn interactive for one model and batch for the other.
    """
    redis = create_redis(redis_settings, "test")
    submissions = Submissions(redis.link, Keys(redis_settings.key_prefix), result_ttl_seconds=3_600)
    ids: list[str] = []
    try:
        for number in range(count // _AT_ONCE):
            some = [new_task_id() for _ in range(_AT_ONCE)]
            now = time.time()
            pattern = Task(
                task_id=some[0],
                tenant="local",
                lane=(Lane.INTERACTIVE, Lane.BATCH)[number % 2],
                body={},
                created_at=now,
                expires_at=now + 3_600,
            )
            model = _MODELS[number % 2]
            located = [Located(task_id, index % 6, number, model) for index, task_id in enumerate(some)]
            assert await submissions.accept_alike(pattern, located) == []
            ids += some
    finally:
        await redis.aclose()
    return ids
