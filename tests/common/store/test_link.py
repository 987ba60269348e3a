"""The link to Redis, on a real Valkey: many callers, outages, addresses."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from common.connections import create_redis_link
from common.settings import RedisSettings
from common.store.link import RedisLink, StoreUnavailable, granted
from common.store.resp import ReplyError, encode_command
from tests.support.processes import Processes
from tests.support.servers import OwnServer, free_ports, own_valkey

TIMEOUT_SECONDS = 0.3
# Three attempts and two pauses of half a second at most, on a slow machine.
BOUND_SECONDS = 10.0


@pytest.fixture
async def link(redis_settings: RedisSettings) -> AsyncIterator[RedisLink]:
    link = create_redis_link(redis_settings, "tests-link")
    yield link
    await link.aclose()


@pytest.fixture
async def valkey(processes: Processes, tmp_path: Path) -> AsyncIterator[OwnServer]:
    async with free_ports() as ports:
        yield await own_valkey(processes, ports, tmp_path)


def settings_of(url: str) -> RedisSettings:
    return RedisSettings.model_validate({"url": url, "timeout_seconds": TIMEOUT_SECONDS})


@pytest.fixture
async def own_link(valkey: OwnServer) -> AsyncIterator[RedisLink]:
    link = create_redis_link(settings_of(valkey.address), "tests-link")
    yield link
    await link.aclose()


async def echoed(link: RedisLink, text: str) -> bool:
    return bool(await link.execute("ECHO", text) == text.encode())


async def test_many_callers_share_one_connection_and_each_gets_its_own_answer(link: RedisLink) -> None:
    before = await link.execute("CLIENT", "ID")
    assert all(await asyncio.gather(*(echoed(link, f"text {number}") for number in range(2_000))))
    assert await link.execute("CLIENT", "ID") == before


async def test_callers_that_are_cancelled_leave_the_others_their_answers(link: RedisLink) -> None:
    rng = random.Random(7)
    before = await link.execute("CLIENT", "ID")
    for _ in range(30):
        callers = [asyncio.ensure_future(echoed(link, f"text {number}")) for number in range(40)]
        doomed = rng.sample(range(len(callers)), 15)
        for number in doomed:
            a_tick = asyncio.Event()
            asyncio.get_running_loop().call_soon(a_tick.set)
            await a_tick.wait()
            callers[number].cancel()
        found = await asyncio.gather(*callers, return_exceptions=True)
        assert all(answer is True for answer in found if not isinstance(answer, asyncio.CancelledError))
    assert await link.execute("CLIENT", "ID") == before


async def test_a_long_text_passes_both_ways_beside_short_ones(link: RedisLink) -> None:
    long = "x" * 20_000_000
    assert all(await asyncio.gather(echoed(link, "a"), echoed(link, long), echoed(link, "b")))


async def test_what_happens_together_is_answered_together(link: RedisLink, redis_settings: RedisSettings) -> None:
    key = f"{redis_settings.key_prefix}counter"
    found = await link.transaction(("SET", key, 1), ("INCR", key), ("PEXPIRE", key, 60_000))
    assert found == [b"OK", 2, 1]
    with pytest.raises(ReplyError, match="WRONGTYPE"):
        await link.transaction(("GET", key), ("HGETALL", key))
    with pytest.raises(ReplyError, match="unknown command"):
        await link.transaction(("NOSUCHCOMMAND",), ("GET", key))
    assert await echoed(link, "and goes on")


async def test_a_command_that_redis_refuses_is_its_callers_alone(link: RedisLink) -> None:
    refused, answered = asyncio.ensure_future(link.execute("GET")), asyncio.ensure_future(echoed(link, "a"))
    with pytest.raises(ReplyError):
        await refused
    assert await answered


@pytest.mark.parametrize(
    "text",
    [
        "LOADING Redis is loading the dataset in memory",
        "READONLY You can't write against a read only replica.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots",
        "MASTERDOWN Link with MASTER is down",
        "BUSY Redis is busy running a script.",
        "NOAUTH Authentication required.",
        "NOREPLICAS Not enough good replicas to write.",
        "NOPERM User worker has no permissions to run the 'evalsha' command",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "EXECABORT Transaction discarded because of previous errors.",
        "ERR max number of clients reached",
    ],
)
def test_a_redis_that_takes_no_commands_now_is_unavailable(text: str) -> None:
    with pytest.raises(StoreUnavailable):
        granted([b"OK", ReplyError(text)])


async def test_a_replica_and_a_full_redis_are_unavailable(own_link: RedisLink) -> None:
    await own_link.execute("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreUnavailable, match="OOM"):
        await own_link.execute("SET", "a", "b")
    await own_link.execute("CONFIG", "SET", "maxmemory", "0")
    await own_link.execute("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreUnavailable, match="READONLY"):
        await own_link.execute("SET", "a", "b")


async def test_a_frozen_server_fails_every_caller_in_time_and_answers_none_of_them_later(
    own_link: RedisLink, valkey: OwnServer
) -> None:
    assert await echoed(own_link, "before")
    valkey.process.freeze()
    async with asyncio.timeout(BOUND_SECONDS):
        found = await asyncio.gather(*(own_link.execute("ECHO", "lost") for _ in range(50)), return_exceptions=True)
    assert {type(answer) for answer in found} == {StoreUnavailable}
    valkey.process.thaw()
    assert all(await asyncio.gather(*(echoed(own_link, f"after {number}") for number in range(50))))


async def test_a_server_that_is_killed_and_started_is_found_again(own_link: RedisLink, valkey: OwnServer) -> None:
    assert await echoed(own_link, "before")
    await valkey.process.kill()
    with pytest.raises(StoreUnavailable):
        await own_link.execute("PING")
    await valkey.process.start()
    assert await echoed(own_link, "after")


async def test_a_connection_that_the_server_closes_is_replaced_without_a_word(
    own_link: RedisLink, valkey: OwnServer
) -> None:
    other = create_redis_link(settings_of(valkey.address), "tests-other")
    before = await own_link.execute("CLIENT", "ID")
    assert await other.execute("CLIENT", "KILL", "ID", before) == 1
    assert await echoed(own_link, "after")
    assert await own_link.execute("CLIENT", "ID") != before
    await other.aclose()


async def test_the_address_says_who_we_are_and_which_database(valkey: OwnServer) -> None:
    plain = create_redis_link(settings_of(valkey.address), "tests-link")
    await plain.execute("ACL", "SETUSER", "mill", "on", ">s3cret%", "~*", "&*", "+@all")
    await plain.execute("CONFIG", "SET", "requirepass", "other")
    port = valkey.address.rpartition(":")[2].partition("/")[0]
    named = create_redis_link(settings_of(f"redis://mill:s3cret%25@127.0.0.1:{port}/3"), "tests-named")
    told = (await named.execute("CLIENT", "INFO")).decode().split()
    assert {"name=tests-named", "db=3", "user=mill"} <= set(told)
    unnamed = create_redis_link(settings_of(f"redis://:other@127.0.0.1:{port}"), "tests-unnamed")
    assert {"db=0", "user=default"} <= set((await unnamed.execute("CLIENT", "INFO")).decode().split())
    for url, code in ((f"redis://mill:wrong@127.0.0.1:{port}", "WRONGPASS"), (f"redis://127.0.0.1:{port}", "NOAUTH")):
        stranger = create_redis_link(settings_of(url), "tests-stranger")
        with pytest.raises(StoreUnavailable, match=code) as caught:
            await stranger.execute("PING")
        assert "wrong" not in str(caught.value)
        await stranger.aclose()
    for link in (plain, named, unnamed):
        await link.aclose()


async def test_a_closed_link_says_so_and_those_who_are_connecting_are_not_cancelled() -> None:
    async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        came.set()
        await done.wait()
        _writer.close()

    came, done = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        link = create_redis_link(RedisSettings.model_validate({"url": url, "timeout_seconds": 30}), "tests")
        caller = asyncio.ensure_future(link.execute("PING"))
        await came.wait()
        await link.aclose()
        with pytest.raises(StoreUnavailable):
            await caller
        with pytest.raises(StoreUnavailable, match="closed"):
            await link.ask([encode_command("PING")])
        done.set()


async def test_a_caller_that_leaves_while_connecting_does_not_take_the_connection_with_it(link: RedisLink) -> None:
    leaving = asyncio.ensure_future(echoed(link, "leaving"))
    staying = asyncio.ensure_future(echoed(link, "staying"))
    both_ask = asyncio.Event()
    asyncio.get_running_loop().call_soon(both_ask.set)
    await both_ask.wait()
    assert link._connecting is not None
    leaving.cancel()
    assert await staying
    await asyncio.gather(leaving, return_exceptions=True)


async def test_it_runs_on_the_event_loop_of_the_services(redis_settings: RedisSettings) -> None:
    async def scenario() -> None:
        link = create_redis_link(redis_settings, "tests-uvloop")
        assert all(await asyncio.gather(*(echoed(link, f"text {number}") for number in range(500))))
        await link.aclose()

    def on_uvloop() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(scenario())

    await asyncio.to_thread(on_uvloop)
