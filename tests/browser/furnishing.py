"""A service that has been at work for a while, so that every view has something to show."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from common.store.keys import Keys
from common.store.minutes import Minutes
from tests.browser.product import Product
from tests.support.redis_client import create_redis
from tests.support.waiting import until

_MINUTES = 60
_ANSWERED = (
    "Explain in one sentence why the sky is blue.",
    "Summarise the plot of Hamlet for a child.",
    "Write a haiku about a water mill.",
    "Name three rivers that flow into the North Sea.",
    "What is a consumer group in Kafka?",
    "Translate good morning into six languages.",
    "Give me a recipe for lentil soup, short.",
    "Which planet has the most moons?",
)
_REJECTED = {
    "context_length_exceeded": ("A contract of 300 pages", "A novel, whole", "Last year's log files"),
    "content_policy_violation": ("Something rude",),
}
_WORDS = "The miller wakes before the light, and hears the river turn the wheel. " * 12
_STREAMING = f"Tell me a long story about a mill. {_WORDS}[[hold=false;hold-after=60]]"


@dataclass(frozen=True, slots=True)
class Furnished:
    """What a look at single things can be pointed at; `shown` are the tasks of the Submit view."""

    completed: str
    failed: str
    streaming: str
    letter: str
    topic: str
    worker: str
    shown: tuple[str, ...]


async def furnish(product: Product) -> Furnished:
    """Let the service have an hour behind it, and be in the middle of something. Two workers run already."""
    api = product.api
    await _tell_an_hour(product)
    await api.wait_until_completed(completed := await api.submit(list(_ANSWERED)))
    failed: list[str] = []
    for code, prompts in _REJECTED.items():
        await product.model.behave(error_code=code)
        failed += await api.submit(list(prompts), lane="batch")
        await api.wait_until_final(failed)
    letters = await until(lambda: _letters(product, len(failed)), what="the dead letters")
    await product.model.behave(hold=True)
    cancelled = await api.submit(["Never mind", "Not this one"])
    [streaming] = await api.submit([_STREAMING], stream=True)
    held = await api.submit([f"Waiting for its turn, number {number}" for number in range(1, 10)])
    await product.model.wait_for_calls(len(completed) + len(failed) + 6)
    for task_id in cancelled:
        await api.ask("POST", f"/v1/tasks/{task_id}/cancel")
    await api.submit([f"Overnight job {number}" for number in range(40)], lane="batch")
    [topic] = [name for name in await _topics(product) if name.endswith("results")]
    workers = (await api.ask("GET", "/v1/operator/workers")).body["workers"]
    shown = (streaming, held[0], completed[2], held[-1])
    return Furnished(completed[0], failed[0], streaming, letters[0], topic, workers[0]["worker"], shown)


async def _letters(product: Product, count: int) -> list[str]:
    answer = await product.api.ask("GET", "/v1/operator/dead-letters")
    ids = [letter["id"] for letter in answer.body["dead_letters"]]
    return ids if len(ids) == count else []


async def _topics(product: Product) -> list[str]:
    answer = await product.api.ask("GET", "/v1/operator/topics")
    return [topic["topic"] for topic in answer.body["topics"]]


async def _tell_an_hour(product: Product) -> None:
    """Count, minute by minute, what would have been counted: a wave of work, with a few bad minutes in it."""
    redis = create_redis(product.redis, "test")
    try:
        minutes = Minutes(redis.link, Keys(product.redis.key_prefix), process="furnishing")
        now, totals = time.time(), dict[str, int]()
        random = Random(7)
        for number in range(_MINUTES - 1):
            for name, amount in _a_minute(number, random).items():
                totals[name] = totals.get(name, 0) + amount
            await minutes.tell(totals, now=now - 60 * (_MINUTES - 1 - number))
    finally:
        await redis.aclose()


def _a_minute(number: int, random: Random) -> Mapping[str, int]:
    load = 120 + 80 * math.sin(number / 9) + random.uniform(-15, 15)
    is_bad = 31 <= number <= 36
    completed = round(load * (0.7 if is_bad else 0.98))
    failed = round(load * (0.25 if is_bad else 0.01))
    slow = 3.0 if is_bad else 1.0
    return {
        "accepted": round(load + random.uniform(-20, 20)),
        "tasks:completed": completed,
        "tasks:failed": failed,
        "tasks:cancelled": random.randrange(4),
        "calls:answered": completed,
        "calls:timeout": round(failed * 0.6) if is_bad else random.randrange(2),
        "calls:rate_limited": random.randrange(9) if is_bad else 0,
        "calls:model_error": round(failed * 0.4),
        "tokens:input": completed * 45,
        "tokens:output": completed * 160,
        **_times("call", completed + failed, 1.4 * slow, random),
        **_times("wait", completed, 0.3 * slow, random),
    }


def _times(name: str, count: int, typical: float, random: Random) -> dict[str, int]:
    """So many times around a typical one, counted by bounds as a worker does."""
    bounds = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
    times = [random.lognormvariate(math.log(typical), 0.6) for _ in range(count)]
    counted = {f"{name}_ms": round(1000 * sum(times))}
    for one in times:
        bound = next((bound for bound in bounds if one <= bound), math.inf)
        counted[f"{name}_le:{bound}"] = counted.get(f"{name}_le:{bound}", 0) + 1
    return counted
