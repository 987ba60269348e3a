"""A model that refuses our key: the worker stops, the tasks wait, and all goes on by itself when it is mended."""

from collections import Counter

from common.topics import TopicNames
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

TASKS, RECORDS, CONCURRENCY = 60, 5, 4


async def test_calls_stop_while_the_key_is_refused_and_every_task_completes_once_it_is_mended(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    await fake_model.behave(status=401)
    api = await deployment.start_api()
    worker = await deployment.start_worker(
        concurrency=CONCURRENCY,
        worker__brake_records=RECORDS,
        worker__brake_probe_seconds=0.5,
        llm__retry_cap_seconds=1,
        tasks__max_attempts=1,
    )
    task_ids = await api.submit([f"prompt {number}" for number in range(TASKS)])
    await until(lambda: "brake on" in worker.log(), what="the brake")
    hindrance = (
        "the brake is on: the model server refuses this service: "
        "see PROMPTMILL_LLM__API_KEY and PROMPTMILL_LLM__BASE_URL\n"
    )
    assert await deployment.says(worker, "/readyz") == (503, hindrance)
    # From here on each call is a probe, and they are made one at a time.
    await until(lambda: worker.log().count("probing under the brake") >= 4, what="probes")
    stats = await fake_model.stats()
    assert stats.calls <= RECORDS + CONCURRENCY - 1 + worker.log().count("probing under the brake")
    entries = await api.tasks(task_ids)
    assert {entry["status"] for entry in entries} <= {"queued", "processing"}
    assert await kafka_view.records(kafka_view.topics.dead_letters) == []

    await fake_model.behave()
    entries = await api.wait_until_completed(task_ids)
    assert Counter(entry["status"] for entry in entries) == {"completed": TASKS}
    await until(lambda: "brake off" in worker.log(), what="the brake's release")
    assert (await deployment.says(worker, "/readyz"))[0] == 200
    answered = [call for call in await fake_model.calls() if call.status == 200]
    assert len(answered) == TASKS


async def test_a_tenants_prompts_that_the_model_rejects_stop_nothing(
    deployment: Deployment, kafka_view: KafkaView
) -> None:
    api = await deployment.start_api()
    worker = await deployment.start_worker(concurrency=CONCURRENCY, worker__brake_records=RECORDS)
    bad = await api.submit([f"bad {number} [[status=400]]" for number in range(TASKS)])
    entries = await api.wait_until_final(bad)
    assert {entry["status"] for entry in entries} == {"failed"}
    await api.wait_until_completed(await api.submit(["good"]))
    assert "brake on" not in worker.log()
    names = TopicNames(deployment.kafka.topic_prefix)
    assert len(await kafka_view.records(names.dead_letters)) == TASKS
