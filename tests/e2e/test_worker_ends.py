"""A worker that is stopped repeats nothing; one that is killed loses nothing."""

from collections import Counter

from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, Outcome
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

PROMPTS = ["one", "two", "three"]


async def test_a_worker_ended_by_sigterm_leaves_at_once_and_finishes_its_calls(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    leaving = await deployment.start_worker(concurrency=3)
    await fake_model.hold()
    task_ids = await api.submit(PROMPTS)
    await fake_model.wait_for_in_flight(3)
    await deployment.start_worker(concurrency=3)
    await kafka_view.wait_for_workers(2)

    leaving.terminate()
    await kafka_view.wait_for_workers(1)
    await api.wait_for_states(task_ids, {("processing", 25): 3})
    # A task that comes meanwhile is the other worker's.
    [later] = await api.submit(["four"])
    await fake_model.wait_for_in_flight(4)
    assert await fake_model.release_prompt("four") == 1
    await api.wait_until_completed([later])

    await fake_model.release_all()
    entries = await api.wait_until_completed(task_ids)
    assert await leaving.exit_status() == 0
    assert [entry["attempts"] for entry in entries] == [1, 1, 1]
    await kafka_view.wait_until_committed()
    assert await fake_model.calls_by_prompt() == {"one": 1, "two": 1, "three": 1, "four": 1}
    published = Counter(record.key.decode() for record in await kafka_view.records(kafka_view.topics.results))
    assert published.keys() == {*task_ids, later}


async def test_the_only_worker_ended_by_sigterm_finishes_its_calls_and_begins_no_other(
    deployment: Deployment, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    worker = await deployment.start_worker(concurrency=2)
    await fake_model.hold()
    task_ids = await api.submit(PROMPTS)
    await fake_model.wait_for_in_flight(2)
    worker.terminate()
    await until(lambda: deployment.answers(worker, "/livez"), what="the worker to be alive while it drains")
    await fake_model.release_all()
    assert await worker.exit_status() == 0
    assert await api.states(task_ids) == {("completed", 100): 2, ("queued", 0): 1}

    await deployment.start_worker(concurrency=2)
    await api.wait_until_completed(task_ids)
    assert (await fake_model.stats()).calls == 3


async def test_the_tasks_of_a_killed_worker_are_completed_by_another_after_the_lease_and_recorded_once(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    quick = {"worker__lease_seconds": 3, "worker__session_timeout_seconds": 6}
    api = await deployment.start_api()
    killed = await deployment.start_worker(concurrency=3, **quick)
    await fake_model.hold()
    task_ids = await api.submit(PROMPTS)
    await fake_model.wait_for_in_flight(3)
    await deployment.start_worker(concurrency=3, **quick)
    await kafka_view.wait_for_workers(2)

    await killed.kill()
    calls = await fake_model.wait_for_calls(6)
    await fake_model.wait_for_in_flight(3)
    assert Counter(call.prompt for call in calls) == dict.fromkeys(PROMPTS, 2)
    assert [call.outcome for call in calls[:3]] == [Outcome.CLIENT_DISCONNECTED] * 3
    await fake_model.release_all()
    entries = await api.wait_until_completed(task_ids)
    assert [entry["attempts"] for entry in entries] == [2, 2, 2]

    await kafka_view.wait_until_committed()
    assert (await fake_model.stats()).calls == 6
    published = Counter(record.key.decode() for record in await kafka_view.records(kafka_view.topics.results))
    assert published == dict.fromkeys(task_ids, 1)


async def test_others_complete_tasks_while_a_killed_worker_is_not_yet_replaced(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    quick = {"worker__lease_seconds": 3, "worker__session_timeout_seconds": 6}
    api = await deployment.start_api()
    killed, _ = await deployment.start_workers(2, concurrency=4, **quick)
    await kafka_view.wait_for_workers(2)
    await killed.kill()
    task_ids = await api.submit([f"prompt {number}" for number in range(100)])
    await api.wait_until_completed(task_ids)
    stats = await fake_model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt) == (100, 1)
