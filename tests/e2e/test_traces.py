"""Traces over all that a prompt goes through, as a receiver of them gets them."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel
from tests.support.kafka_view import KafkaView
from tests.support.otlp_receiver import OtlpReceiver, ReceivedSpan, receiving_traces

QUICK = {"llm__retry_base_seconds": 0.01, "llm__retry_cap_seconds": 0.1}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
async def receiver() -> AsyncIterator[OtlpReceiver]:
    async with receiving_traces() as receiver:
        yield receiver


def finished(count: int) -> Callable[[list[ReceivedSpan]], bool]:
    """Whether so many attempts came to their tasks' ends, with all that belongs to them."""

    def enough(spans: list[ReceivedSpan]) -> bool:
        ends = [span for span in spans if span.name.startswith("process") and not is_retry(span)]
        return len(ends) >= count and any(span.kind == "SERVER" for span in spans)

    return enough


def is_retry(span: ReceivedSpan) -> bool:
    return span.attributes.get("promptmill.outcome") == "retry"


def below(spans: list[ReceivedSpan], parent: str) -> list[str]:
    return [span.name for span in spans if span.parent == parent]


async def test_one_prompt_is_one_trace_from_its_request_to_the_model(
    deployment: Deployment, kafka_view: KafkaView, fake_model: FakeModel, receiver: OtlpReceiver
) -> None:
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    await deployment.start_worker(concurrency=2, **tracing)
    [task_id] = await api.submit(["hello"], model="gpt-fake")
    await api.wait_until_completed([task_id])
    spans = await receiver.wait_for(finished(1))

    topic = kafka_view.topics.interactive
    assert len(receiver.traces()) == 1
    tree = {span.name: span for span in spans}
    request, sent, process = tree["POST /v1/tasks"], tree[f"send {topic}"], tree[f"process {topic}"]
    call = tree["chat gpt-fake"]
    assert [below(spans, parent) for parent in ("", request.id, sent.id, process.id)] == [
        ["POST /v1/tasks"],
        [f"send {topic}"],
        [f"process {topic}"],
        ["claim", "chat gpt-fake", "finish"],
    ]
    assert len(spans) == 6
    assert not [span for span in spans if span.failed]
    assert [span.kind for span in (request, sent, process, call)] == ["SERVER", "PRODUCER", "CONSUMER", "CLIENT"]
    assert {span.service for span in (request, sent)} == {"producer-api"}
    assert {span.service for span in (process, call)} == {"consumer"}
    [record] = await kafka_view.records(topic)
    assert dict(record.headers)["traceparent"].decode().startswith(f"00-{sent.trace}-{sent.id}-0")
    place = {"messaging.destination.partition.id": str(record.partition), "messaging.kafka.offset": record.offset}
    for span in (sent, process):
        assert span.attributes.items() >= place.items()
        assert span.attributes["promptmill.task.id"] == task_id
    assert request.attributes.items() >= {"http.route": "/v1/tasks", "http.response.status_code": 202}.items()
    assert process.attributes["promptmill.outcome"] == "completed"
    assert process.attributes["messaging.consumer.group.name"] == kafka_view.topics.llm_group
    assert (
        call.attributes.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-fake",
            "gen_ai.response.model": "gpt-fake",
            "gen_ai.response.finish_reasons": ["stop"],
            "server.address": "127.0.0.1",
        }.items()
    )
    assert call.attributes["gen_ai.usage.input_tokens"] > 0
    assert call.attributes["gen_ai.usage.output_tokens"] > 0
    # The model's server goes on with the call's own span.
    [heard] = await fake_model.calls()
    assert heard.headers["traceparent"].startswith(f"00-{call.trace}-{call.id}-0")
    for parent, child in ((request, sent), (process, call)):
        assert parent.began <= child.began <= child.ended <= parent.ended


async def test_each_of_many_prompts_has_a_trace_of_its_own_related_to_the_request_s(
    deployment: Deployment, receiver: OtlpReceiver
) -> None:
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    await deployment.start_worker(concurrency=4, **tracing)
    task_ids = await api.submit([f"prompt {number}" for number in range(5)])
    await api.wait_until_completed(task_ids)
    await receiver.wait_for(finished(5))

    [[request], *prompts] = sorted(receiver.traces().values(), key=len)
    assert request.name == "POST /v1/tasks"
    assert len(prompts) == 5
    roots = [spans[0] for spans in prompts]
    assert {root.links for root in roots} == {(request.id,)}
    assert {root.attributes["promptmill.task.id"] for root in roots} == set(task_ids)
    for spans in prompts:
        assert [span.kind for span in spans if span.kind != "INTERNAL"] == ["PRODUCER", "CONSUMER", "CLIENT"]


@pytest.mark.parametrize("flags", ["01", "00"], ids=["recorded", "not recorded"])
async def test_a_client_s_trace_goes_on_as_it_wants(
    deployment: Deployment, kafka_view: KafkaView, receiver: OtlpReceiver, flags: str
) -> None:
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    worker = await deployment.start_worker(concurrency=4, **tracing)
    answer = await api.ask(
        "POST",
        "/v1/tasks",
        json={"prompts": ["one", "two"]},
        headers={"traceparent": f"00-{TRACE}-{SPAN}-{flags}"},
    )
    task_ids = [entry["task_id"] for entry in answer.body["tasks"]]
    await api.wait_until_completed(task_ids)
    records = await kafka_view.records(kafka_view.topics.interactive)
    carried = [dict(record.headers)["traceparent"].decode() for record in records]
    assert {(text[3:35], text[-2:]) for text in carried} == {(TRACE, flags)}
    assert len(set(carried)) == 2
    if flags == "00":
        # All that a process has is sent before it ends.
        for process in (*deployment.apis, worker):
            await process.stop()
        assert receiver.spans == []
        return
    spans = await receiver.wait_for(finished(2))
    assert set(receiver.traces()) == {TRACE}
    assert below(spans, SPAN) == ["POST /v1/tasks"]


async def test_every_attempt_is_a_span_and_says_why_it_failed(
    deployment: Deployment, fake_model: FakeModel, receiver: OtlpReceiver
) -> None:
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    await deployment.start_worker(concurrency=2, **tracing, **QUICK)
    [task_id] = await api.submit(["[[fail=2]] again"])
    await api.wait_until_completed([task_id])
    spans = await receiver.wait_for(finished(1))

    assert len(receiver.traces()) == 1
    attempts = [span for span in spans if span.kind == "CONSUMER"]
    assert [span.attributes["promptmill.task.attempt"] for span in attempts] == [1, 2, 3]
    assert [span.attributes["promptmill.outcome"] for span in attempts] == ["retry", "retry", "completed"]
    assert [span.attributes.get("error.type") for span in attempts] == ["model_error", "model_error", None]
    assert [span.failed for span in attempts] == [True, True, False]
    assert len({span.parent for span in attempts}) == 1
    calls = [span for span in spans if span.kind == "CLIENT"]
    assert [span.parent for span in calls] == [span.id for span in attempts]
    assert [span.attributes["http.response.status_code"] for span in calls] == [500, 500, 200]
    assert [call.headers["traceparent"][36:52] for call in await fake_model.calls()] == [span.id for span in calls]
    assert [below(spans, span.id)[-1] for span in attempts] == ["give back", "give back", "finish"]


async def test_a_cancelled_call_ends_its_spans(
    deployment: Deployment, fake_model: FakeModel, receiver: OtlpReceiver
) -> None:
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    await deployment.start_worker(concurrency=2, **tracing)
    [task_id] = await api.submit(["[[hang]] on"])
    await fake_model.wait_for_in_flight(1)
    await api.ask("POST", f"/v1/tasks/{task_id}/cancel")
    spans = await receiver.wait_for(finished(1))
    [process] = [span for span in spans if span.kind == "CONSUMER"]
    [call] = [span for span in spans if span.kind == "CLIENT"]
    assert process.attributes["promptmill.outcome"] == "lost"
    assert call.failed
    assert call.attributes["error.type"] == "CancelledError"
    assert process.trace == call.trace


async def test_a_streamed_call_says_when_its_text_began(deployment: Deployment, receiver: OtlpReceiver) -> None:
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    await deployment.start_worker(concurrency=2, **tracing)
    [task_id] = await api.submit(["some words of it [[latency=0.2]]"], stream=True)
    await api.wait_until_completed([task_id])
    spans = await receiver.wait_for(finished(1))
    [call] = [span for span in spans if span.kind == "CLIENT"]
    assert call.attributes["gen_ai.request.stream"] is True
    seconds = call.attributes["gen_ai.response.time_to_first_chunk"]
    assert 0.2 <= seconds <= (call.ended - call.began) / 1e9


async def test_what_was_traced_last_is_sent_before_the_processes_end(
    deployment: Deployment, receiver: OtlpReceiver
) -> None:
    tracing = {"tracing__endpoint": receiver.url, "tracing__headers": "x-key=something%20secret"}
    api = await deployment.start_api(**tracing)
    worker = await deployment.start_worker(concurrency=2, **tracing)
    [task_id] = await api.submit(["a last one"])
    await api.wait_until_completed([task_id])
    for process in (*deployment.apis, worker):
        process.terminate()
        assert await process.exit_status() == 0
    assert len(receiver.spans) == 6
    assert {headers["x-key"] for headers in receiver.headers} == {"something secret"}


async def test_a_receiver_that_is_away_costs_no_task_and_two_lines_of_log(
    deployment: Deployment, receiver: OtlpReceiver
) -> None:
    receiver.refusing = True
    tracing = {"tracing__endpoint": receiver.url}
    api = await deployment.start_api(**tracing)
    worker = await deployment.start_worker(concurrency=4, **tracing)
    task_ids = await api.submit([f"prompt {number}" for number in range(50)])
    await api.wait_until_completed(task_ids)
    for process in (*deployment.apis, worker):
        process.terminate()
        assert await process.exit_status() == 0
        lines = process.log().splitlines()
        assert 1 <= len([line for line in lines if "traces not exported" in line]) <= 2
        assert not [line for line in lines if "opentelemetry" in line or "urllib3" in line or "Traceback" in line]
    assert receiver.refused > 0
