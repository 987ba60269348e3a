"""One connection, without a network: what is written is seen, and answers are given by hand."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, strategies as st

from common.store.replies import reply_reader
from common.store.resp import encode_command
from common.store.wire import Wire, WireBroken
from tests.common.store.test_replies import read_all


class Seen(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unsent = 0
        self._wire = wire

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def abort(self) -> None:
        asyncio.get_running_loop().call_soon(self._wire.connection_lost, None)


def a_wire(*, silence_seconds: float = 60.0, max_in_flight: int = 100) -> tuple[Wire, Seen]:
    wire = Wire(silence_seconds=silence_seconds, max_in_flight=max_in_flight)
    seen = Seen(wire)
    wire.connection_made(seen)
    return wire, seen


async def a_tick() -> None:
    """Let everything that is ready run."""
    ready = asyncio.Event()
    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, ready.set)
    await ready.wait()


def asking(wire: Wire, *texts: str) -> asyncio.Future[list[Any]]:
    return wire.ask([encode_command("ECHO", text) for text in texts])


def bulk(text: str) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text.encode()), text.encode())


async def test_all_that_is_asked_within_a_tick_goes_out_in_one_write() -> None:
    wire, seen = a_wire()
    asks = [asking(wire, f"{number}a", f"{number}b") for number in range(50)]
    await a_tick()
    assert len(seen.writes) == 1
    wire.data_received(b"".join(bulk(f"{number}{letter}") for number in range(50) for letter in "ab"))
    expected = [[f"{number}a".encode(), f"{number}b".encode()] for number in range(50)]
    assert await asyncio.gather(*asks) == expected


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12))
def test_callers_that_leave_at_any_moment_shift_nobodys_answers(seed: int, sizes: list[int]) -> None:
    async def scenario() -> None:
        rng = random.Random(seed)
        wire, seen = a_wire()
        asks = []
        left = set()
        answered = 0
        for number, size in enumerate(sizes):
            asks.append(asking(wire, *(f"{number}.{part}" for part in range(size))))
            if rng.random() < 0.5:
                await a_tick()
            if rng.random() < 0.4:
                victim = rng.randrange(len(asks))
                if asks[victim].cancel():
                    left.add(victim)
            if rng.random() < 0.5:
                await a_tick()
                reader = reply_reader()
                reader.feed(b"".join(seen.writes))
                commands = read_all(reader)
                count = rng.randint(0, len(commands) - answered)
                content = b"".join(bulk(text.decode()) for _, text in commands[answered : answered + count])
                answered += count
                cut = rng.randint(0, len(content))
                wire.data_received(content[:cut])
                wire.data_received(content[cut:])
        await a_tick()
        reader = reply_reader()
        reader.feed(b"".join(seen.writes))
        wire.data_received(b"".join(bulk(text.decode()) for _, text in read_all(reader)[answered:]))
        found = await asyncio.gather(*asks, return_exceptions=True)
        for number, size in enumerate(sizes):
            if number not in left:
                assert found[number] == [f"{number}.{part}".encode() for part in range(size)]
            else:
                assert isinstance(found[number], asyncio.CancelledError)
        assert wire.broken is None

    asyncio.run(scenario())


async def test_callers_wait_for_room_and_go_on_when_there_is_some() -> None:
    wire, _ = a_wire(max_in_flight=2)
    first = asking(wire, "a", "b")
    await a_tick()
    assert not wire.has_room
    waiting = asyncio.ensure_future(wire.room())
    await a_tick()
    assert not waiting.done()
    wire.data_received(bulk("a") + bulk("b"))
    await waiting
    assert await first == [b"a", b"b"]


async def test_callers_wait_while_the_server_takes_no_bytes() -> None:
    wire, _ = a_wire()
    wire.pause_writing()
    waiting = asyncio.ensure_future(wire.room())
    await a_tick()
    assert not waiting.done()
    wire.resume_writing()
    await waiting


async def test_whoever_waits_for_room_is_told_when_the_connection_is_lost() -> None:
    wire, _ = a_wire(max_in_flight=1)
    first = asking(wire, "a")
    await a_tick()
    waiting = asyncio.ensure_future(wire.room())
    await a_tick()
    wire.connection_lost(None)
    await waiting
    with pytest.raises(WireBroken):
        await first


async def test_a_server_that_talks_garbage_is_cut_off() -> None:
    wire, _ = a_wire()
    asks = [asking(wire, "a"), asking(wire, "b", "c")]
    await a_tick()
    wire.data_received(bulk("a") + bulk("b") + b"garbage\r\n")
    assert await asks[0] == [b"a"]
    with pytest.raises(WireBroken, match="an answer that cannot be read"):
        await asks[1]
    with pytest.raises(WireBroken):
        await wire.ask([encode_command("PING")])


async def test_a_server_that_answers_what_nobody_asked_is_cut_off() -> None:
    wire, _ = a_wire()
    ask = asking(wire, "a")
    await a_tick()
    wire.data_received(bulk("a") * 2)
    assert await ask == [b"a"]
    assert wire.broken == "an answer to nothing"


async def test_a_silent_server_is_given_up_also_by_those_who_asked_late() -> None:
    wire, _ = a_wire(silence_seconds=0.05)
    early = asking(wire, "early")
    await a_tick()
    late = asking(wire, "late")
    for ask in (early, late):
        with pytest.raises(WireBroken, match="silence"):
            await ask


async def test_an_idle_connection_is_not_taken_for_a_silent_one() -> None:
    wire, _ = a_wire(silence_seconds=0.02)
    first = asking(wire, "a")
    await a_tick()
    wire.data_received(bulk("a"))
    assert await first == [b"a"]
    looked = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, looked.set)
    await looked.wait()
    assert wire.broken is None


async def test_bytes_that_get_through_are_a_sign_of_life() -> None:
    wire, seen = a_wire(silence_seconds=0.05)
    seen.unsent = 1_000
    ask = asking(wire, "x" * 2_000)
    loop = asyncio.get_running_loop()
    began = loop.time()

    def through() -> None:
        seen.unsent -= 100
        if seen.unsent:
            loop.call_later(0.02, through)

    loop.call_later(0.02, through)
    with pytest.raises(WireBroken, match="silence"):
        await ask
    assert seen.unsent == 0
    assert loop.time() - began >= 0.2


async def test_closing_fails_what_is_under_way_and_waits_for_the_end() -> None:
    wire, _ = a_wire()
    ask = asking(wire, "a")
    await a_tick()
    await wire.close()
    with pytest.raises(WireBroken, match="closed"):
        await ask
    assert wire.broken == "closed"
