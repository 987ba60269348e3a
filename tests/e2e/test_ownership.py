"""Partitions change hands while calls are in flight: no call is made twice, and a zombie changes nothing."""

from collections import defaultdict

from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

QUICK = {"worker__lease_seconds": 3, "worker__session_timeout_seconds": 6, "worker__commit_interval_seconds": 0.2}


async def test_scaling_from_one_to_two_and_back_under_load_makes_no_call_twice(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=4, **QUICK)
    await fake_model.behave(latency_seconds=0.5, jitter_seconds=0.4)
    task_ids = await api.submit([f"prompt {number}" for number in range(200)])
    await fake_model.wait_for_calls(8)
    second = await deployment.start_worker(concurrency=4, **QUICK)
    await kafka_view.wait_for_workers(2)
    called = (await fake_model.stats()).calls
    await fake_model.wait_for_calls(called + 24)
    second.terminate()
    assert await second.exit_status() == 0
    await kafka_view.wait_for_workers(1)

    entries = await api.wait_until_completed(task_ids, deadline=120)
    assert {entry["attempts"] for entry in entries} == {1}
    stats = await fake_model.stats()
    assert (stats.calls, stats.distinct_prompts, stats.client_disconnected) == (200, 200, 0)
    await kafka_view.wait_until_committed()


async def test_a_lost_partitions_call_ends_under_its_lease_and_the_new_owner_marks_it_done_without_a_call(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    old = await deployment.start_worker(concurrency=6, **QUICK)
    await fake_model.hold()
    task_ids = await api.submit([f"prompt {number}" for number in range(6)])
    await fake_model.wait_for_in_flight(6)
    new = await deployment.start_worker(concurrency=6, **QUICK)
    await kafka_view.wait_for_workers(2)

    async def found_busy() -> bool:
        return await deployment.metric(new, 'promptmill_claims_total{reply="busy"}') >= 6

    # Three of the partitions, each looked at more than once: for longer than a lease that nobody renews.
    await until(found_busy, what="the new owner to wait for the old one's leases")
    assert (await fake_model.stats()).calls == 6
    assert await deployment.metric(old, "promptmill_leases_held") == 6
    await fake_model.release_all()
    entries = await api.wait_until_completed(task_ids)
    assert {entry["attempts"] for entry in entries} == {1}
    await kafka_view.wait_until_committed()
    stats = await fake_model.stats()
    assert (stats.calls, stats.client_disconnected) == (6, 0)
    assert await deployment.metric(new, "promptmill_results_republished_total") == 3
    assert await deployment.metric(old, "promptmill_claims_lost_total") == 0


async def test_a_worker_halted_past_its_session_and_lease_throws_its_calls_away(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    zombie = await deployment.start_worker(concurrency=6, **QUICK)
    await fake_model.hold()
    prompts = [f"prompt {number}" for number in range(6)]
    task_ids = await api.submit(prompts)
    await fake_model.wait_for_in_flight(6)
    zombie.freeze()
    heir = await deployment.start_worker(concurrency=6, **QUICK)
    await fake_model.wait_for_in_flight(12)
    for prompt in prompts[:3]:
        assert await fake_model.release_prompt(prompt) == 2
    ended = await api.wait_until_completed(task_ids[:3])
    # The zombie's are the oldest: their answers wait for it, and its heir is still calling.
    await fake_model.release(3)
    await fake_model.wait_for_in_flight(3)

    zombie.thaw()

    async def thrown_away() -> bool:
        return await deployment.metric(zombie, "promptmill_claims_lost_total") == 6

    await until(thrown_away, what="the zombie to find that its claims are lost")
    await api.wait_for_states(task_ids[3:], {("processing", 25): 3})
    await fake_model.release_all()
    await api.wait_until_completed(task_ids)
    await kafka_view.wait_for_workers(2)
    await kafka_view.wait_until_committed()
    entries = await api.tasks(task_ids)
    assert entries[:3] == ended
    assert {entry["attempts"] for entry in entries} == {2}
    assert (await fake_model.stats()).calls == 12
    assert await deployment.metric(zombie, 'promptmill_tasks_finished_total{status="completed"}') == 0
    assert await deployment.metric(heir, 'promptmill_tasks_finished_total{status="completed"}') == 6
    published = defaultdict(set)
    for record in await kafka_view.records(kafka_view.topics.results):
        published[record.key.decode()].add(record.value)
    # What stands in the store may be published again, but never another outcome.
    assert {task_id: len(values) for task_id, values in published.items()} == dict.fromkeys(task_ids, 1)
