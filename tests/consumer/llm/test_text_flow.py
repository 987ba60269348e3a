"""Streamed answers on their way from the model to whoever follows the task."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from common.connections import create_redis_subscription
from common.settings import RedisSettings
from common.store.claims import Claimed, Hold, MoreText
from common.store.ending import Endings
from common.store.moves import Move, MoveChannel
from common.store.texts import Part, Texts, joined
from common.task import Status, Task
from consumer.engine.ports import RetryAfter, Settled
from consumer.llm.text_flow import progress_at
from tests.consumer.llm.harness import InBackground, Role, Scene, a_task
from tests.support.fake_model import FakeModel
from tests.support.waiting import until

WORDS = " ".join(f"word{number}" for number in range(40))


@pytest.fixture
def follow(scene: Scene, redis_settings: RedisSettings) -> Callable[[Task], Any]:
    """Hears the moves of a task."""

    @asynccontextmanager
    async def following(task: Task) -> AsyncIterator[list[Move]]:
        moves: list[Move] = []
        channel = MoveChannel(create_redis_subscription(redis_settings, "tests-moves"), scene.keys)
        hearing = asyncio.create_task(channel.run(moves.append, lambda: None))
        try:
            await channel.add([task.task_id])
            yield moves
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    return following


@pytest.fixture
async def worker(scene: Scene) -> AsyncIterator[Role]:
    worker = scene.worker()
    telling = asyncio.create_task(worker.texts.run())
    yield worker
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


def text_of(moves: list[Move], *, attempts: int = 1) -> bytes:
    return joined((move.part for move in moves if move.part is not None and move.attempts == attempts), after=0)


async def test_the_text_is_told_as_it_comes_and_the_result_is_what_it_would_have_been(
    scene: Scene, worker: Role, fake_model: FakeModel, follow: Callable[[Task], Any]
) -> None:
    prompt = f"{WORDS}[[chunk-latency=0.02]]"
    task = a_task(prompt, stream=True)
    task.body["max_tokens"] = 80
    async with follow(task) as moves:
        assert isinstance(await worker.handle(task), Settled)
        await until(lambda: moves[-1].status is Status.COMPLETED)
    [call] = await fake_model.calls()
    assert (call.body["stream"], call.body["stream_options"]) == (True, {"include_usage": True})
    told = text_of(moves).decode()
    assert told
    assert f"echo: {prompt}".startswith(told)
    parts = [move for move in moves if move.part is not None]
    # 42 pieces, one each 20 ms, told each 50 ms at the oftenest.
    assert 2 <= len(parts) <= 42
    progress = [move.progress for move in parts]
    assert progress == sorted(progress)
    assert 25 < progress[-1] <= 75
    state = await scene.state(task)
    assert state.result is not None
    result = orjson.loads(state.result)
    assert result["response"]["body"]["choices"][0]["message"]["content"] == f"echo: {prompt}"
    assert result["usage"]["completion_tokens"] == 41
    assert await Texts(scene.redis.link, scene.keys).read(task.task_id, run=1, attempts=1, after=0) == told.encode()
    assert 0 < await scene.redis.pttl(scene.keys.text(task.task_id)) <= 600_000


async def test_a_prompt_may_ask_for_it_itself_and_another_is_not_streamed(
    worker: Role, fake_model: FakeModel, follow: Callable[[Task], Any]
) -> None:
    asking, silent = a_task(f"{WORDS}[[chunk-latency=0.01]]"), a_task(WORDS)
    asking.body["stream"] = True
    async with follow(asking) as moves:
        await worker.handle(asking)
        await worker.handle(silent)
        assert text_of(moves)
    assert [call.body.get("stream") for call in await fake_model.calls()] == [True, None]


async def test_another_attempt_begins_the_text_anew(scene: Scene, worker: Role, follow: Callable[[Task], Any]) -> None:
    task = a_task(f"{WORDS}[[cut;fail=1;chunk-latency=0.02]]", stream=True)
    async with follow(task) as moves:
        assert isinstance(await worker.handle(task), RetryAfter)
        await scene.set(task, retry_at=0)
        assert isinstance(await worker.handle(task), Settled)
        await until(lambda: moves[-1].status is Status.COMPLETED)
    whole = f"echo: {task.body['messages'][0]['content']}".encode()
    first, second = text_of(moves), text_of(moves, attempts=2)
    assert first
    assert second
    assert whole.startswith(first)
    assert whole.startswith(second)
    texts = Texts(scene.redis.link, scene.keys)
    assert await texts.read(task.task_id, run=1, attempts=1, after=0) == b""
    assert await texts.read(task.task_id, run=1, attempts=2, after=5) == second[5:]


async def test_a_call_that_is_cancelled_leaves_no_text_to_be_told(
    worker: Role, in_background: InBackground, follow: Callable[[Task], Any]
) -> None:
    task = a_task(f"{WORDS}[[chunk-latency=0.1]]", stream=True)
    async with follow(task) as moves:
        handling = in_background(worker.handle(task))
        await until(lambda: text_of(moves))
        handling.cancel()
        await asyncio.gather(handling, return_exceptions=True)
        assert not worker.texts._waiting
        await until(lambda: moves[-1].status is Status.QUEUED)


async def test_what_is_deleted_leaves_no_text(scene: Scene, worker: Role) -> None:
    task = a_task(f"{WORDS}[[chunk-latency=0.01]]", stream=True)
    await worker.handle(task)
    assert await scene.redis.exists(scene.keys.text(task.task_id))
    await Endings(scene.redis.link, scene.keys, result_ttl_seconds=60).delete([task.task_id], tenant="local", token="t")
    assert not await scene.redis.exists(scene.keys.text(task.task_id))


async def test_a_part_that_is_told_twice_is_read_once(scene: Scene, worker: Role) -> None:
    task = a_task()
    reply = await worker.leases.claim(task, token="a", partition=3, offset=7)
    assert isinstance(reply, Claimed)
    parts = [(0, b"ab"), (0, b"ab"), (0, b"abc"), (3, b"d"), (3, b"d"), (9, b"lost between")]
    holds = await worker.leases.stream([(MoreText(reply.claim, start, text, 1, 25), True) for start, text in parts])
    assert holds == [Hold.HELD] * len(parts)
    texts = Texts(scene.redis.link, scene.keys)
    assert [await texts.read(task.task_id, run=1, attempts=1, after=after) for after in range(5)] == [
        b"abcd", b"bcd", b"cd", b"d", b"",
    ]  # fmt: skip
    await worker.leases.finish(reply.claim, Status.FAILED, b"{}", finished_at=1.0, failures=1, may_restore=True)
    assert await worker.leases.stream([(MoreText(reply.claim, 4, b"late", 1, 25), True)]) == [Hold.FINAL]
    assert await texts.read(task.task_id, run=1, attempts=1, after=0) == b"abcd"


def test_parts_are_joined_up_to_the_first_gap() -> None:
    parts = [Part(0, b"ab"), Part(1, b"bcd"), Part(4, b"e"), Part(6, b"x")]
    assert [joined(parts, after=after) for after in (0, 1, 5, 6)] == [b"abcde", b"bcde", b"", b"x"]


@pytest.mark.parametrize(
    ("tokens", "limit", "progress"), [(0, 100, 25), (50, 100, 50), (100, 100, 75), (300, 100, 75), (7, None, 25)]
)
def test_progress_is_by_tokens_where_their_number_is_bounded(tokens: int, limit: int | None, progress: int) -> None:
    assert progress_at(tokens, limit) == progress
