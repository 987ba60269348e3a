"""What an API has counted, in the sums of minutes of a real store."""

import time
from collections import Counter

from prometheus_client import CollectorRegistry

from common.settings import RedisSettings
from common.store.keys import Keys
from common.store.minutes import Minutes
from producer_api.budget import Budget
from producer_api.intake import Intake
from producer_api.metrics import Metrics
from tests.support.redis_client import create_redis


async def test_prompts_taken_in_and_tasks_ended_are_told_once(redis_settings: RedisSettings) -> None:
    redis = create_redis(redis_settings, "tests")
    minutes = Minutes(redis.link, Keys(redis_settings.key_prefix), process="api")
    metrics = Metrics(CollectorRegistry(), Budget(max_bytes=1, max_records=1), connected=lambda: True)
    intake = Intake(minutes, metrics, now=time.time)
    metrics.prompts_accepted.labels("interactive").inc(2)
    metrics.prompts_accepted.labels("batch").inc(3)
    metrics.tasks_ended.labels("cancelled").inc()
    for _ in range(2):
        await intake.tell()
    metrics.tasks_ended.labels("expired").inc(4)
    await intake.tell()
    together = Counter[str]()
    for _, sums in await minutes.read(now=time.time(), minutes=2):
        together.update(sums)
    assert together == {"accepted": 5, "tasks:cancelled": 1, "tasks:expired": 4}
    await redis.aclose()
