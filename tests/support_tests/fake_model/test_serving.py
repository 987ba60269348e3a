"""The fake model over real HTTP, seen through the OpenAI SDK and a plain client."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest

from tests.support.fake_model import FakeModel, Outcome, fake_model_process, running_fake_model
from tests.support.waiting import until


@pytest.fixture(scope="module", params=["in process", "as a process"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[FakeModel]:
    async with running_fake_model() if request.param == "in process" else fake_model_process() as model:
        yield model


@pytest.fixture(scope="module")
async def client(served: FakeModel) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=served.base_url, api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture
async def model(served: FakeModel) -> FakeModel:
    await served.behave()
    await served.release_all()
    await served.wait_for_in_flight(0)
    await served.forget_calls()
    return served


@pytest.fixture
def sdk(model: FakeModel, client: openai.AsyncOpenAI) -> openai.AsyncOpenAI:  # noqa: ARG001  a model as good as new
    return client


@pytest.fixture
async def http(model: FakeModel) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(model.url) as session:
        yield session


async def ask(sdk: openai.AsyncOpenAI, prompt: str) -> str | None:
    completion = await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}])
    return completion.choices[0].message.content


async def test_a_chat_completion_echoes_the_prompt(sdk: openai.AsyncOpenAI) -> None:
    raw = await sdk.chat.completions.with_raw_response.create(
        model="any-name", messages=[{"role": "system", "content": "s"}, {"role": "user", "content": "one two"}]
    )
    completion = raw.parse()
    assert completion.choices[0].message.content == "echo: one two"
    assert completion.model == "any-name"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 2 + 3
    assert raw.request_id is not None


async def test_a_stream_has_the_text_in_pieces_and_the_usage_at_its_end(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "one two"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    async with stream:
        chunks = [chunk async for chunk in stream]
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks[:-1]]
    assert "".join(texts) == "echo: one two"
    assert len(texts) > 3
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3


async def test_a_response_echoes_its_input(sdk: openai.AsyncOpenAI) -> None:
    response = await sdk.responses.create(model="m", input="one two")
    assert response.output_text == "echo: one two"
    assert response.usage is not None
    assert response.usage.output_tokens == 3


async def test_an_embedding_is_the_same_for_the_same_text(sdk: openai.AsyncOpenAI) -> None:
    first = await sdk.embeddings.create(model="m", input=["a", "b", "a"], dimensions=16)
    packed = await sdk.embeddings.create(model="m", input="a", dimensions=16)
    plain = await sdk.embeddings.create(model="m", input="a", dimensions=16, encoding_format="float")
    vectors = [item.embedding for item in first.data]
    assert vectors[0] == vectors[2] != vectors[1]
    assert packed.data[0].embedding == plain.data[0].embedding == vectors[0]
    assert len(vectors[0]) == 16


async def test_models_are_listed(sdk: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in sdk.models.list()] == ["fake-model"]


async def test_health_is_no_call(model: FakeModel, http: aiohttp.ClientSession) -> None:
    async with http.get("/health") as response:
        assert await response.json() == {"status": "ok"}
    assert (await model.stats()).calls == 0


@pytest.mark.parametrize(
    ("prompt", "error", "code"),
    [
        ("[[status=500]]", openai.InternalServerError, None),
        ("[[status=429;retry-after=3]]", openai.RateLimitError, None),
        ("[[error-code=insufficient_quota]]", openai.RateLimitError, "insufficient_quota"),
        ("[[error-code=context_length_exceeded]]", openai.BadRequestError, "context_length_exceeded"),
        ("[[status=401]]", openai.AuthenticationError, None),
        ("[[no-such-directive]]", openai.BadRequestError, "invalid_directive"),
    ],
)
async def test_a_prompt_can_ask_for_an_error(
    sdk: openai.AsyncOpenAI, prompt: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        await ask(sdk, prompt)
    assert caught.value.code == code
    assert caught.value.response.headers.get("retry-after") == ("3" if "retry-after" in prompt else None)


async def test_the_first_calls_of_a_prompt_fail_and_the_next_succeeds(
    sdk: openai.AsyncOpenAI, model: FakeModel
) -> None:
    prompt = "[[fail=2;status=503]]"
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await ask(sdk, prompt)
    assert await ask(sdk, prompt) == f"echo: {prompt}"
    assert [call.status for call in await model.calls(prompt=prompt)] == [503, 503, 200]


async def test_garbage_is_said_to_be_json_and_is_not(http: aiohttp.ClientSession) -> None:
    body = {"messages": [{"role": "user", "content": "[[garbage]]"}]}
    async with http.post("/v1/chat/completions", json=body) as response:
        assert response.content_type == "application/json"
        assert (await response.text()).startswith("<html>")


@pytest.mark.parametrize("fault", ["cut", "reset"])
@pytest.mark.parametrize("options", [{}, {"stream": True}])
async def test_an_answer_that_breaks_off_is_a_connection_error_and_logged_as_broken_off(
    http: aiohttp.ClientSession, model: FakeModel, fault: str, options: dict[str, bool]
) -> None:
    body = {"messages": [{"role": "user", "content": f"[[{fault}]]"}], **options}
    with pytest.raises(aiohttp.ClientError):
        async with http.post("/v1/chat/completions", json=body) as response:
            await response.read()
    assert [call.outcome for call in await model.calls()] == [Outcome.BROKEN_OFF]


async def test_an_answer_can_be_as_large_as_asked_for(sdk: openai.AsyncOpenAI) -> None:
    text = await ask(sdk, "[[size=12000000]]")
    assert text is not None
    assert len(text) == 12_000_000


async def test_held_calls_wait_and_are_released_one_by_one_or_by_prompt_or_all(
    sdk: openai.AsyncOpenAI, model: FakeModel
) -> None:
    await model.hold()
    async with asyncio.TaskGroup() as group:
        first, second, third, fourth = [group.create_task(ask(sdk, prompt)) for prompt in ("1", "2", "3", "4")]
        await model.wait_for_in_flight(4)
        assert await model.release_prompt("3") == 1
        assert await third == "echo: 3"
        await model.release(1)
        await model.wait_for_in_flight(2)
        others = [call for call in await model.calls() if call.prompt != "3"]
        assert [call.finished_at is None for call in others] == [False, True, True]
        await model.release_all()
        assert [await first, await second, await fourth] == ["echo: 1", "echo: 2", "echo: 4"]
    assert await ask(sdk, "no longer held") == "echo: no longer held"
    assert (await model.stats()).max_in_flight == 4


async def test_a_stream_stops_where_it_is_told_to_and_goes_on_when_it_is_released(
    sdk: openai.AsyncOpenAI, model: FakeModel
) -> None:
    prompt = "one two three [[hold-after=3]]"
    stream = await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}], stream=True)
    async with stream:
        before = [await anext(aiter(stream)) for _ in range(3)]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in before)
        assert f"echo: {prompt}".startswith(text)
        assert 0 < len(text) < len(prompt)
        assert await model.in_flight() == 1
        await model.release_prompt(prompt)
        rest = [chunk async for chunk in stream]
    whole = text + "".join(chunk.choices[0].delta.content or "" for chunk in rest)
    assert whole == f"echo: {prompt}"


async def test_a_release_given_in_advance_lets_a_later_call_through(sdk: openai.AsyncOpenAI, model: FakeModel) -> None:
    await model.hold()
    await model.release(1)
    assert await ask(sdk, "lucky") == "echo: lucky"


async def test_a_hung_call_ends_only_when_all_are_released(sdk: openai.AsyncOpenAI, model: FakeModel) -> None:
    async with asyncio.TaskGroup() as group:
        hung = group.create_task(ask(sdk, "[[hang]]"))
        await model.wait_for_in_flight(1)
        await model.release(5)
        assert await ask(sdk, "another") == "echo: another"
        assert not hung.done()
        await model.release_all()
        assert await hung == "echo: [[hang]]"


@pytest.mark.parametrize("prompt", ["[[hang]]", "[[hold]]", "[[latency=600]]"])
async def test_a_client_that_goes_away_ends_its_call(sdk: openai.AsyncOpenAI, model: FakeModel, prompt: str) -> None:
    asking = asyncio.ensure_future(ask(sdk, prompt))
    await model.wait_for_in_flight(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await model.wait_for_in_flight(0)
    (call,) = await model.calls()
    assert call.outcome is Outcome.CLIENT_DISCONNECTED
    assert call.finished_at is not None
    assert call.status is None


async def test_every_call_is_logged_as_it_came(sdk: openai.AsyncOpenAI, model: FakeModel) -> None:
    await ask(sdk, "a")
    await ask(sdk, "b")
    await ask(sdk, "b")
    first, *rest = await model.calls()
    assert first.body == {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    assert (first.method, first.path) == ("POST", "/v1/chat/completions")
    assert first.headers["authorization"] == "Bearer k"
    assert (first.outcome, first.status) == (Outcome.ANSWERED, 200)
    assert first.finished_at is not None
    assert first.started_at <= first.finished_at
    assert [call.prompt for call in await model.calls(after=first.sequence)] == [call.prompt for call in rest]
    assert await model.calls_by_prompt() == {"a": 1, "b": 2}
    stats = await model.stats()
    assert (stats.calls, stats.distinct_prompts, stats.most_calls_of_one_prompt) == (3, 2, 2)
    assert stats.statuses == {200: 3}


async def test_a_forgotten_log_keeps_what_is_in_flight(sdk: openai.AsyncOpenAI, model: FakeModel) -> None:
    await ask(sdk, "past")
    async with asyncio.TaskGroup() as group:
        group.create_task(ask(sdk, "[[hold]]"))
        await model.wait_for_in_flight(1)
        await model.forget_calls()
        assert await model.calls_by_prompt() == {"[[hold]]": 1}
        await model.release_all()
    await model.wait_for_in_flight(0)
    assert (await model.stats()).answered == 1


async def test_waiting_for_calls_that_do_not_come_says_what_there_is(model: FakeModel) -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.1 s for 1 calls in flight.*max_in_flight=0"):
        await model.wait_for_in_flight(1, deadline=0.1)
    with pytest.raises(AssertionError, match=r"waited 0\.1 s for 1 calls to the model"):
        await model.wait_for_calls(1, deadline=0.1)


async def test_many_calls_share_few_connections_in_flight_at_once(sdk: openai.AsyncOpenAI, model: FakeModel) -> None:
    await model.hold()
    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(ask(sdk, str(number)))
        await model.wait_for_in_flight(200)
        await model.release_all()
    stats = await model.stats()
    assert (stats.calls, stats.most_calls_of_one_prompt, stats.answered) == (200, 1, 200)


@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        ("PUT /_control", '{"statuss": 1}', 400),
        ("PUT /_control", "nonsense", 400),
        ("POST /_control/release", '{"count": 0}', 400),
        ("GET /_nothing", "", 404),
        ("POST /v1/chat/completions", "nonsense", 400),
        ("POST /v1/chat/completions", "[]", 400),
        ("POST /v1/embeddings", '{"input": "a", "stream": true}', 400),
        ("GET /v1/chat/completions", "", 404),
    ],
)
async def test_what_the_fake_model_does_not_know_is_refused(
    http: aiohttp.ClientSession, model: FakeModel, request_line: str, body: str, status: int
) -> None:
    method, path = request_line.split()
    async with http.request(method, path, data=body) as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]
    assert (await model.stats()).calls == 0


async def test_requests_sent_ahead_are_answered_in_their_order(model: FakeModel) -> None:
    def request(prompt: str) -> bytes:
        body = f'{{"messages": [{{"role": "user", "content": "{prompt}"}}]}}'.encode()
        return b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    port = int(model.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request("[[hold]] 1") + request("2") + request("3"))
        await model.wait_for_in_flight(1)
        await model.release_all()
        received = b""

        async def read_on() -> bool:
            nonlocal received
            received += await reader.read(65536)
            return received.count(b'"total_tokens"') == 3

        await until(read_on, what="three answers")
        assert received.index(b"echo: [[hold]] 1") < received.index(b"echo: 2") < received.index(b"echo: 3")
    finally:
        writer.close()


async def test_what_is_not_http_is_refused_and_closed(model: FakeModel) -> None:
    port = int(model.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    finally:
        writer.close()


async def test_leaving_ends_calls_under_way() -> None:
    async with openai.AsyncOpenAI(base_url="http://127.0.0.1", api_key="k", max_retries=0) as sdk:
        async with running_fake_model(hold=True) as model:
            asking = asyncio.ensure_future(ask(sdk.with_options(base_url=model.base_url), "held"))
            await model.wait_for_in_flight(1)
        with pytest.raises(openai.APIConnectionError):
            await asking


async def test_a_model_process_takes_its_behaviour_from_the_command_line() -> None:
    async with (
        fake_model_process(latency=600, log_limit=1) as model,
        openai.AsyncOpenAI(base_url=model.base_url, api_key="k", max_retries=0) as sdk,
    ):
        assert await ask(sdk, "[[latency=0]] 1") == "echo: [[latency=0]] 1"
        assert await ask(sdk, "[[latency=0]] 2") == "echo: [[latency=0]] 2"
        assert [call.prompt for call in await model.calls()] == ["[[latency=0]] 2"]
        assert (await model.stats()).calls == 2
        asking = asyncio.ensure_future(ask(sdk, "slow"))
        await model.wait_for_in_flight(1)
        asking.cancel()
        await model.wait_for_in_flight(0)
