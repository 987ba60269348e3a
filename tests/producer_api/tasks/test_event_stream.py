"""One stream on a real store, with a reader that the test is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from producer_api.following import TooManyFollowers
from producer_api.tasks.event_stream import Pace
from producer_api.tasks.listener import MOST_MOVES, Listener, TooSlow
from tests.producer_api.tasks.conftest import Scene
from tests.support.waiting import until


async def streaming(
    scene: Scene, task_id: str, listener: Listener, send: Callable[[bytes], Awaitable[None]], pace: Pace
) -> None:
    async with scene.following.follow([task_id], listener):
        await scene.stream(task_id, pace=pace).run(listener, send)


async def test_a_silent_stream_says_that_it_is_alive(scene: Scene) -> None:
    sent: list[bytes] = []

    async def send(content: bytes) -> None:
        sent.append(content)

    task_id = (await scene.claimed()).claim.task.task_id
    listener = Listener()
    running = asyncio.create_task(streaming(scene, task_id, listener, send, Pace(keep_alive_seconds=0.02)))
    await until(lambda: sent.count(b": keep-alive\n\n") >= 5)
    assert sent[0].startswith(b"id: ")
    listener.stop()
    await running
    assert set(sent[1:]) == {b": keep-alive\n\n"}


async def test_a_reader_that_takes_nothing_is_given_up_and_what_is_kept_for_it_is_bounded(scene: Scene) -> None:
    async def stuck(_content: bytes) -> None:
        await asyncio.Event().wait()

    claim = (await scene.claimed()).claim
    listener = Listener()
    running = asyncio.create_task(streaming(scene, claim.task.task_id, listener, stuck, Pace(send_timeout_seconds=1)))
    for _ in range(MOST_MOVES + 20):
        await scene.leases.progress(claim, 30, may_restore=False)
    with pytest.raises(TooSlow):
        await running
    await until(lambda: scene.following.followers == 0)


async def test_a_reader_that_is_far_behind_is_told_so(scene: Scene) -> None:
    held = asyncio.Event()

    async def slow(_content: bytes) -> None:
        await held.wait()

    claim = (await scene.claimed()).claim
    listener = Listener(most_moves=10)
    running = asyncio.create_task(streaming(scene, claim.task.task_id, listener, slow, Pace()))
    await until(lambda: scene.following.followers == 1)
    for _ in range(11):
        await scene.leases.progress(claim, 30, may_restore=False)
    await until(lambda: listener.overrun)
    assert listener.take() == []
    held.set()
    with pytest.raises(TooSlow):
        await running


async def test_the_end_of_the_process_is_not_held_up_by_a_reader_that_takes_nothing(scene: Scene) -> None:
    sending = asyncio.Event()

    async def stuck(_content: bytes) -> None:
        sending.set()
        await asyncio.Event().wait()

    task_id = (await scene.claimed()).claim.task.task_id
    listener = Listener()
    running = asyncio.create_task(streaming(scene, task_id, listener, stuck, Pace()))
    await sending.wait()
    scene.following.stop()
    with pytest.raises(TooSlow):
        async with asyncio.timeout(5):
            await running


async def test_more_than_may_follow_are_refused_and_room_comes_back(scene: Scene) -> None:
    async with scene.following.follow(["a"], Listener()):
        async with scene.following.follow(["a", "b"], Listener()):
            with pytest.raises(TooManyFollowers):
                async with scene.following.follow([], Listener()):
                    raise AssertionError("one too many")
        with pytest.raises(TooManyFollowers):
            async with scene.following.follow(["a", "b", "c"], Listener()):
                raise AssertionError("too many tasks")
        async with scene.following.follow(["b", "c"], Listener()):
            pass
    assert (scene.following.followers, scene.following.tasks_followed) == (0, 0)
