"""`python -m benchmarks.contenders.store_reads {…}`: the reads behind a GET alone, without HTTP and JSON.

It measures itself and prints the sample as JSON.
"""

import asyncio
import json
import resource
import sys
import time

import uvloop

from common.connections import create_redis_link
from common.settings import RedisSettings
from common.store.keys import Keys
from common.store.reading import TaskReader

_DAY_SECONDS = 24 * 3600
_WARM_UP = 20


async def run(*, redis: str, task_ids: list[str], reads: int, at_once: int) -> dict[str, float]:
    """Read all the ids so many times, so many reads at once, and return the sample."""
    settings = RedisSettings.model_validate({"url": redis})
    client = create_redis_link(settings, "store-reads")
    reader = TaskReader(client, Keys(settings.key_prefix), result_ttl_seconds=_DAY_SECONDS)

    async def read_all(count: int) -> None:
        turns = iter(range(count))

        async def read() -> None:
            for _ in turns:
                await reader.read(task_ids)

        await asyncio.gather(*(read() for _ in range(at_once)))

    await read_all(_WARM_UP)
    began_at, used_before = time.perf_counter(), _used_seconds()
    await read_all(reads)
    seconds, used = time.perf_counter() - began_at, _used_seconds() - used_before
    await client.aclose()
    return {"items": reads * len(task_ids), "seconds": seconds, "cpu_seconds": used}


def _used_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(**json.loads(sys.argv[1])))))
