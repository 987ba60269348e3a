"""What is told of a call of the model: counts, and words of fixed sets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from common.result import ApiError
from common.telemetry.tracing import Attributes, Kind
from consumer.llm.outcomes import Answered, CallOutcome, Cause, Faulted, OnText, Rejected, TooLarge
from consumer.llm.tracing import TracedModel, carried_headers

SECRET = "a heron in the reeds"
ERROR = ApiError(message="no", type="server_error", code="server_error")


@dataclass
class ToldSpan:
    title: str
    kind: Kind
    told: dict[str, Any] = field(default_factory=dict)
    traceparent: str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    is_recorded: bool = True
    has_ended: bool = False

    def add(self, attributes: Attributes) -> None:
        self.told |= attributes

    def name(self, name: str) -> None:
        self.title = name

    def fail(self, error_type: str) -> None:
        self.told["error.type"] = error_type

    def end(self) -> None:
        self.has_ended = True


class Told:
    """A tracer that keeps what it is told."""

    def __init__(self) -> None:
        self.spans: list[ToldSpan] = []

    def start(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None = None,  # noqa: ARG002 - as a tracer has it
        link: str | None = None,  # noqa: ARG002 - as a tracer has it
        began_ns: int | None = None,  # noqa: ARG002 - as a tracer has it
        attributes: Attributes | None = None,
    ) -> ToldSpan:
        self.spans.append(ToldSpan(name, kind, dict(attributes or {})))
        return self.spans[-1]


class Answering:
    """A model that answers so, and keeps the headers that a call would have carried."""

    def __init__(self, outcome: CallOutcome, texts: Sequence[str] = ()) -> None:
        self.outcome = outcome
        self.texts = texts
        self.carried: Any = None

    async def call(
        self,
        endpoint: str,  # noqa: ARG002 - as a model has it
        body: dict[str, Any],  # noqa: ARG002 - as a model has it
        *,
        deadline_seconds: float,  # noqa: ARG002 - as a model has it
        on_text: OnText | None = None,
    ) -> CallOutcome:
        self.carried = carried_headers()
        for text in self.texts:
            assert on_text is not None
            on_text(text, 1)
        return self.outcome


def answered(**content: Any) -> Answered:
    return Answered(body=orjson.dumps(content), status_code=200, model=content.get("model"), usage=content.get("usage"))


async def told_of(outcome: CallOutcome, body: dict[str, Any], endpoint: str = "/v1/chat/completions") -> ToldSpan:
    tracer = Told()
    base_url = f"https://user:{SECRET.replace(' ', '-')}@models.example:8443/v1?key=x"
    model = TracedModel(Answering(outcome), tracer, base_url=base_url, default_model="small")
    assert await model.call(endpoint, body, deadline_seconds=1) is outcome
    [span] = tracer.spans
    assert span.has_ended
    return span


async def test_an_answer_is_told_by_its_counts() -> None:
    choices = [{"finish_reason": "stop", "message": {"content": SECRET}}, {"finish_reason": SECRET}]
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "note": SECRET}
    span = await told_of(
        answered(choices=choices, model="big-2", usage=usage),
        {"model": "big", "messages": [{"content": SECRET}], "user": SECRET},
    )
    assert (span.title, span.kind) == ("chat big", Kind.CLIENT)
    assert span.told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "big",
        "gen_ai.request.stream": False,
        "gen_ai.response.model": "big-2",
        "gen_ai.response.finish_reasons": ["stop", "_OTHER"],
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 5,
        "http.response.status_code": 200,
        "server.address": "models.example",
        "server.port": 8443,
    }


@pytest.mark.parametrize(
    ("outcome", "error", "status"),
    [
        (Faulted(cause=Cause.TIMEOUT, error=ERROR), "timeout", None),
        (Faulted(cause=Cause.RATE_LIMITED, error=ERROR, status_code=429, body=SECRET.encode()), "rate_limited", 429),
        (Rejected(error=ApiError(message=SECRET, type=SECRET, code=SECRET), status_code=400), "rejected", 400),
        (TooLarge(ERROR), "toolarge", None),
    ],
)
async def test_a_failure_is_told_by_a_word_of_ours(outcome: CallOutcome, error: str, status: int | None) -> None:
    span = await told_of(outcome, {})
    assert span.title == "chat small"
    assert span.told["error.type"] == error
    assert span.told.get("http.response.status_code") == status
    assert SECRET not in str(span)


@pytest.mark.parametrize(
    ("endpoint", "title"),
    [("/v1/embeddings", "embeddings e-1"), ("/v1/responses", "chat e-1"), ("/v1/completions", "text_completion e-1")],
)
async def test_the_operation_is_named_by_the_endpoint(endpoint: str, title: str) -> None:
    assert (await told_of(answered(status="completed"), {"model": "e-1"}, endpoint)).title == title


@pytest.mark.parametrize("model", [SECRET, "x" * 300, 7, ["big"]])
async def test_what_is_no_model_s_name_is_not_told(model: object) -> None:
    span = await told_of(answered(choices=[], model=SECRET), {"model": model})
    assert span.told["gen_ai.request.model"] == span.told["gen_ai.response.model"] == "_OTHER"
    assert SECRET not in str(span)


async def test_a_call_carries_its_span_to_the_model_and_nothing_after_it_does() -> None:
    tracer, model = Told(), Answering(answered(choices=[]))
    traced = TracedModel(model, tracer, base_url="http://models.example/v1", default_model="small")
    await traced.call("/v1/chat/completions", {}, deadline_seconds=1)
    assert model.carried == {"traceparent": tracer.spans[0].traceparent}
    assert carried_headers() is None


async def test_the_first_text_is_timed_and_all_of_it_is_heard() -> None:
    times = iter([10.0, 10.5])
    tracer, heard = Told(), list[str]()
    traced = TracedModel(
        Answering(answered(choices=[]), ["a", "b"]),
        tracer,
        base_url="http://models.example/v1",
        default_model="small",
        clock=lambda: next(times),
    )
    await traced.call("/v1/chat/completions", {}, deadline_seconds=1, on_text=lambda text, _tokens: heard.append(text))
    assert heard == ["a", "b"]
    assert tracer.spans[0].told["gen_ai.response.time_to_first_chunk"] == 0.5
    assert tracer.spans[0].told["server.port"] == 80
