import time

import pytest

from common.result import Result, encode_result
from common.store.claims import Claimed
from common.store.keys import Keys
from common.store.leases import Leases
from common.store.marker import Marker, SharedLooks
from common.store.reading import TaskReader
from common.task import Status, Task, new_task_id
from producer_api.tasks.lookup import AnswerTooLarge, Lookup
from tests.producer_api.conftest import RESULT_TTL_SECONDS
from tests.support.redis_client import Redis

ANSWER_BYTES = 50_000


async def finished(leases: Leases) -> str:
    now = time.time()
    task = Task(task_id=new_task_id(), tenant="local", body={}, created_at=now, expires_at=now + 60)
    reply = await leases.claim(task, token=new_task_id(), partition=0, offset=0)
    assert isinstance(reply, Claimed)
    result = Result(
        task_id=task.task_id,
        tenant="local",
        status=Status.COMPLETED,
        created_at=now,
        expires_at=now + 60,
        finished_at=now,
        status_code=200,
        body=b'"' + b"x" * ANSWER_BYTES + b'"',
    )
    await leases.finish(
        reply.claim, Status.COMPLETED, encode_result(result), finished_at=now, failures=0, may_restore=True
    )
    return task.task_id


async def test_an_answer_holds_so_many_bytes_of_results_and_no_more(redis: Redis, keys: Keys, leases: Leases) -> None:
    task_ids = [await finished(leases) for _ in range(3)]
    reader = TaskReader(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    looks = SharedLooks(Marker(redis.link, keys))
    lookup = Lookup(reader, looks, max_answer_bytes=2 * (ANSWER_BYTES + 1_000))
    found = await lookup.find([*task_ids[:2], task_ids[0]], tenant="local")
    assert [state.task_id for state in found if state is not None] == [*task_ids[:2], task_ids[0]]
    with pytest.raises(AnswerTooLarge):
        await lookup.find(task_ids, tenant="local")


async def test_more_ids_than_one_round_trip_takes_keep_their_order(redis: Redis, keys: Keys, leases: Leases) -> None:
    known = await finished(leases)
    asked = [new_task_id() for _ in range(120)]
    asked[77] = asked[3] = known
    reader = TaskReader(redis.link, keys, result_ttl_seconds=RESULT_TTL_SECONDS)
    lookup = Lookup(reader, SharedLooks(Marker(redis.link, keys)), max_answer_bytes=1 << 20)
    found = await lookup.find(asked, tenant="local")
    assert [index for index, state in enumerate(found) if state is not None] == [3, 77]
    assert await lookup.find(asked, tenant="another") == [None] * 120
