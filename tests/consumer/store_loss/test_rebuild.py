"""A store rebuilt from Kafka shows what the lost one showed."""

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path

import orjson

from common.task import new_task_id
from tests.consumer.store_loss.scene import LossScene
from tests.support.api import Api
from tests.support.waiting import until

FOREIGN = b"a rebuilder that died"


async def begun(scene: LossScene) -> int:
    """How many rebuilds the workers have begun."""
    return sum(worker.log().count('"rebuild begins"') for worker in scene.deployment.workers)


async def raw_results(scene: LossScene, task_ids: list[str]) -> list[bytes | str | None]:
    return [await scene.redis.get(scene.keys.result(task_id)) for task_id in task_ids]


async def records_of(api: Api, task_ids: list[str]) -> list[object]:
    """The tasks' own records, as operators see them."""
    answers = [await api.ask("GET", f"/v1/operator/tasks/{task_id}/record") for task_id in task_ids]
    assert {answer.status for answer in answers} == {200}
    return [answer.body for answer in answers]


async def test_finished_tasks_are_restored_byte_for_byte(scene: LossScene) -> None:
    api = await scene.start(workers=1)
    prompts: list[str | dict[str, object]] = [
        "short",
        "long [[size=5000]]",
        {"messages": [{"role": "user", "content": "m"}], "metadata": {"a": "b"}},
    ]
    task_ids = await api.submit([*prompts, "bad [[status=400]]"], deadline_seconds=3_000)
    entries = await api.wait_until_final(task_ids)
    await scene.kafka.wait_until_committed()
    stored, records = await raw_results(scene, task_ids), await records_of(api, task_ids)
    assert [entry["status"] for entry in entries] == ["completed"] * 3 + ["failed"]
    # Nobody is left who could write back.
    [worker] = scene.deployment.workers
    await worker.kill()

    await scene.redis.flushall()
    await scene.start_worker()
    await scene.until_whole()
    assert await api.tasks(task_ids) == entries
    assert await raw_results(scene, task_ids) == stored
    assert await records_of(api, task_ids) == records
    assert (await scene.model.stats()).calls == 4


async def test_tasks_that_were_not_begun_are_shown_again_and_run_once(scene: LossScene) -> None:
    api = await scene.start(workers=1, concurrency=1)
    await scene.model.hold()
    task_ids = await api.submit(["first", "second", "third"])
    await scene.model.wait_for_in_flight(1)
    await scene.redis.flushall()
    await scene.until_whole()
    statuses = sorted(entry["status"] for entry in await api.tasks(task_ids))
    assert statuses == ["processing", "queued", "queued"]
    await scene.model.release_all()
    await scene.completed(api, task_ids)
    await scene.check_each_once(task_ids)


async def test_a_deleted_task_stays_deleted_and_an_earlier_outcome_stands(scene: LossScene) -> None:
    api = await scene.start(workers=1)
    task_ids = await api.submit(["kept", "deleted"])
    kept, _ = await api.wait_until_completed(task_ids)
    await scene.kafka.wait_until_committed()
    [value] = (await scene.results())[task_ids[0]]
    await scene.kafka.write_keyed(scene.kafka.topics.results, task_ids[0].encode(), value.replace(b"kept", b"late"))
    await scene.write_result(task_ids[1], None)
    [worker] = scene.deployment.workers
    await worker.kill()
    await scene.redis.flushall()
    await scene.start_worker()
    await scene.until_whole()
    assert await api.tasks(task_ids) == [kept, {"task_id": task_ids[1], "status": "not_found"}]


async def test_a_store_put_back_in_time_shows_what_ended_since(scene: LossScene, tmp_path: Path) -> None:
    api = await scene.start(workers=2)
    await scene.model.hold()
    earlier = await api.submit([f"in flight {number}" for number in range(8)])
    await scene.model.wait_for_in_flight(8)
    old = tmp_path / "old copy"
    shutil.copytree(tmp_path / "valkey", old)
    later = await api.submit(["later 1", "later 2"])
    await scene.model.release_all()
    entries = await scene.completed(api, [*earlier, *later])
    await scene.kafka.wait_until_committed()
    for worker in scene.deployment.workers:
        await worker.kill()

    await scene.valkey.process.kill()
    shutil.rmtree(tmp_path / "valkey")
    shutil.copytree(old, tmp_path / "valkey")
    await scene.valkey.process.start()
    assert await scene.redis.hget(scene.keys.task(earlier[0]), "status") == b"processing"
    await scene.start_worker()
    await scene.until_whole()
    assert await api.tasks([*earlier, *later]) == entries
    await scene.check_each_once([*earlier, *later])


async def test_records_that_nobody_can_read_end_no_rebuild(scene: LossScene) -> None:
    api = await scene.start(workers=1, concurrency=1)
    [finished] = await api.submit(["finished"])
    [entry] = await api.wait_until_completed([finished])
    await scene.kafka.wait_until_committed()
    [value] = (await scene.results())[finished]
    [worker] = scene.deployment.workers
    await worker.kill()
    await scene.write_result(new_task_id(), orjson.loads(value) | {"finished_at": 1e300})
    now = round(time.time() * 1000)
    for topic in (scene.kafka.topics.results, scene.kafka.topics.interactive):
        for partition in range(await scene.kafka.partitions(topic)):
            await scene.kafka.write_unreadable(topic, partition, timestamp_ms=now)
    waiting = await api.submit([f"waiting {number}" for number in range(24)])

    await scene.redis.flushall()
    await scene.start_worker()
    await scene.until_whole()
    assert await api.tasks([finished]) == [entry]
    await scene.completed(api, waiting)
    assert (await scene.model.stats()).calls == 25


async def test_one_worker_of_several_rebuilds(scene: LossScene) -> None:
    await scene.start(workers=3)
    await scene.until_whole()
    assert await begun(scene) == 1
    await scene.redis.flushall()
    await scene.until_whole()
    assert await begun(scene) == 2


async def test_a_rebuilder_that_died_is_replaced_when_its_lease_has_lapsed(scene: LossScene) -> None:
    await scene.start(workers=1)
    [worker] = scene.deployment.workers
    await scene.wipe(rebuilder=FOREIGN)
    await until(lambda: '"rebuild left to another"' in worker.log(), what="the worker to leave it to the dead one")
    assert await begun(scene) == 1
    assert not (await scene.marker.identity()).is_whole
    await scene.redis.pexpire(scene.keys.rebuild_lease, 1)
    await scene.until_whole()
    assert await begun(scene) == 2


async def test_the_command_rebuilds_by_hand_beside_traffic(scene: LossScene) -> None:
    api = await scene.start(workers=1)
    task_ids = await api.submit(["one", "two"])
    entries = await api.wait_until_completed(task_ids)
    await scene.kafka.wait_until_committed()
    before = await scene.marker.identity()
    # One task is gone from a store that everybody takes for whole.
    await scene.redis.delete(*scene.keys.of(task_ids[0]))
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "cli",
        "rebuild",
        env=scene.deployment._environment({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(command.communicate(), 120)
    assert command.returncode == 0, errors
    assert output.startswith(b"1 finished and 0 open tasks restored"), output
    assert b"records" in errors
    assert await api.tasks(task_ids) == entries
    after = await scene.marker.identity()
    assert after.is_whole
    assert after != before
    [later] = await api.submit(["three"])
    await api.wait_until_completed([later])
    await scene.check_each_once([*task_ids, later])
    again = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli", "rebuild", "--json"),
        env=scene.deployment._environment({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(again.communicate(), 120)
    assert again.returncode == 0, errors
    assert json.loads(output) == {"outcomes": 0, "deleted": 0, "reopened": 0, "unreadable": 0}


async def test_the_command_says_of_no_store_that_it_is_whole_when_there_are_no_such_topics(scene: LossScene) -> None:
    await scene.deployment.start_api()
    settings = scene.deployment._environment({}) | {"PROMPTMILL_KAFKA__TOPIC_PREFIX": "misspelt."}
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "cli", "rebuild", env=settings, stderr=asyncio.subprocess.PIPE
    )
    _, said = await command.communicate()
    assert command.returncode == 2
    assert b"PROMPTMILL_KAFKA__TOPIC_PREFIX" in said
    assert not (await scene.marker.identity()).is_whole


async def test_the_command_says_when_the_store_is_out_of_reach(scene: LossScene) -> None:
    await scene.valkey.process.kill()
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "cli",
        "rebuild",
        env=scene.deployment._environment({}),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(command.communicate(), 120)
    assert (command.returncode, b"does not answer" in errors) == (3, True)


async def test_a_worker_is_ready_once_the_store_is_whole(scene: LossScene) -> None:
    await scene.start(workers=1)
    [worker] = scene.deployment.workers
    assert (await scene.marker.identity()).is_whole
    # Held by nobody that rebuilds: the store stays as it is.
    await scene.wipe(rebuilder=FOREIGN)

    async def unready() -> bool:
        return not await scene.deployment.answers(worker, "/readyz")

    await until(unready)
    await scene.redis.delete(scene.keys.rebuild_lease)
    await until(lambda: scene.deployment.answers(worker, "/readyz"))
