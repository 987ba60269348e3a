"""What waits for its next attempt is neither lost nor called early, whatever becomes of its worker."""

import pytest

from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.waiting import until

LATER = "[[status=429;retry-after=8;fail=1]] later"
QUICK = {"worker__lease_seconds": 3, "worker__session_timeout_seconds": 6, "worker__commit_interval_seconds": 0.1}


@pytest.mark.parametrize(("tail_after_seconds", "records"), [(30, 1), (3, 2)], ids=["in place", "at the tail"])
async def test_a_waiting_retry_holds_no_slot_and_is_made_when_due_by_whoever_replaces_its_killed_worker(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel, tail_after_seconds: int, records: int
) -> None:
    api = await deployment.start_api()
    settings = {**QUICK, "worker__tail_after_seconds": tail_after_seconds}
    killed = await deployment.start_worker(concurrency=1, **settings)
    [task_id] = await api.submit([LATER])
    await fake_model.wait_for_calls(1)
    await api.wait_for_states([task_id], {("queued", 0): 1})
    due = (await api.task(task_id))["next_retry_at"]
    # The only slot is free for others.
    others = await api.submit(["one", "two"])
    await api.wait_until_completed(others)

    async def written() -> bool:
        found = await kafka_view.records(kafka_view.topics.interactive)
        return len(found) == records + len(others)

    await until(written, what="the record, and its copy where there is to be one")
    assert len(await fake_model.calls()) == 3
    await killed.kill()
    await deployment.start_worker(concurrency=1, **settings)

    [entry] = await api.wait_until_completed([task_id])
    assert entry["attempts"] == 2
    first, second = await fake_model.calls(prompt=LATER)
    assert due >= first.started_at + 8
    assert second.started_at >= due
    await kafka_view.wait_until_committed()
    assert (await fake_model.stats()).calls == 4
    copies = [
        dict(record.headers)
        for record in await kafka_view.records(kafka_view.topics.interactive)
        if "not-before" in dict(record.headers)
    ]
    assert len(copies) == records - 1
    for headers in copies:
        assert headers["attempts"] == b"1"
        assert float(headers["not-before"]) == pytest.approx(due, abs=1)


async def test_a_retry_storm_keeps_no_first_attempt_waiting_and_ends_with_every_task_done(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel
) -> None:
    api = await deployment.start_api()
    await deployment.start_worker(concurrency=4, llm__retry_base_seconds=0.1, llm__retry_cap_seconds=1)
    failing = await api.submit([f"[[fail=3]] {number}" for number in range(40)])
    await fake_model.wait_for_calls(10)
    plain = await api.submit([f"plain {number}" for number in range(10)])
    entries = await api.wait_until_completed([*failing, *plain], deadline=120)
    assert [entry["attempts"] for entry in entries] == [4] * 40 + [1] * 10
    calls = await fake_model.calls()
    assert len(calls) == 170
    last_plain = max(call.sequence for call in calls if call.prompt.startswith("plain"))
    assert last_plain < calls[-1].sequence
    await kafka_view.wait_until_committed()
