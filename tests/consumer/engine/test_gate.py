"""The role's word on whether records may be started, and on those that its own errors use up."""

import asyncio

import pytest

from consumer.engine.ports import Delivery, Held, Outcome, OutgoingRecord, RetryAfter, Settled
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


class Turnstile:
    """Lets one record pass at a time, whenever it is told to, and counts who passed."""

    def __init__(self) -> None:
        self.hindrance: str | None = "for the test"
        self.inside: list[int] = []
        self.passed: list[int] = []
        self._tickets = asyncio.Semaphore(0)

    async def opened(self) -> None:
        if self.hindrance is None:
            return
        await self._tickets.acquire()
        self._tickets.release()

    def entered(self, delivery: Delivery) -> None:
        self.inside.append(delivery.offset)

    def left(self, delivery: Delivery) -> None:
        self.inside.remove(delivery.offset)
        self.passed.append(delivery.offset)

    def open(self) -> None:
        self.hindrance = None
        self._tickets.release()


async def test_nothing_is_started_while_the_gate_is_shut_and_all_is_when_it_opens(cluster: Cluster) -> None:
    gate, handler = Turnstile(), RecordingHandler()
    await cluster.produce(0, 3)
    worker = await cluster.start_engine(handler, gate=gate, concurrency=2)
    await until(lambda: worker.count("records_buffered") == 3)
    assert await worker.engine.readiness() == ["for the test"]
    assert handler.started == []
    gate.open()
    await handler.until_running(2)
    assert gate.inside == [0, 1]
    await handler.let_all_go()
    await cluster.until_committed(0, 3)
    assert gate.passed == [0, 1, 2]
    assert gate.inside == []
    assert await worker.engine.readiness() == []


async def test_a_record_that_raises_leaves_the_gate_too(cluster: Cluster) -> None:
    def fail(_delivery: Delivery) -> Outcome:
        raise ValueError

    gate = Turnstile()
    gate.open()
    await cluster.produce(0, 1)
    await cluster.start_engine(RecordingHandler(fail, hold=False), gate=gate, max_handler_errors=2)
    await cluster.until_committed(0, 1)
    assert gate.passed == [0, 0]


async def test_the_role_says_what_is_published_of_a_record_that_its_errors_use_up(cluster: Cluster) -> None:
    def fail(_delivery: Delivery) -> Outcome:
        raise ValueError

    def give_up(_delivery: Delivery) -> Outcome:
        return Settled(
            (
                OutgoingRecord(topic=cluster.names.dead_letters, key=b"k", value=b"letter"),
                OutgoingRecord(topic=cluster.names.results, key=b"k", value=b"result"),
            )
        )

    handler = RecordingHandler(fail, hold=False)
    handler.decide_to_give_up = give_up
    await cluster.produce(0, 1)
    worker = await cluster.start_engine(handler, max_handler_errors=2)
    await cluster.until_committed(0, 1)
    assert handler.given_up == [(0, 0, "ValueError")]
    [letter] = await cluster.read(cluster.names.dead_letters, 1)
    [result] = await cluster.read(cluster.names.results, 1)
    assert (letter.value, result.value) == (b"letter", b"result")
    assert worker.count("records_given_up_total", topic=cluster.names.interactive) == 1


@pytest.mark.parametrize("answer", [RetryAfter(0.0), Held("brake", 0.0)], ids=["later", "held"])
async def test_a_role_that_gives_nothing_up_now_has_the_record_again(cluster: Cluster, answer: Outcome) -> None:
    def fail_thrice(_delivery: Delivery) -> Outcome:
        if len(handler.started) <= 3:
            raise ValueError
        return Settled()

    handler = RecordingHandler(fail_thrice, hold=False)
    handler.decide_to_give_up = lambda _delivery: answer
    await cluster.produce(0, 1)
    worker = await cluster.start_engine(handler, max_handler_errors=2)
    await cluster.until_committed(0, 1)
    assert handler.started == [(0, 0)] * 4
    assert handler.given_up == [(0, 0, "ValueError")] * 2
    assert worker.count("records_given_up_total", topic=cluster.names.interactive) == 0


async def test_a_role_that_cannot_even_give_up_has_its_record_dead_lettered_by_the_engine(cluster: Cluster) -> None:
    def fail(_delivery: Delivery) -> Outcome:
        raise ValueError

    handler = RecordingHandler(fail, hold=False)
    handler.decide_to_give_up = fail
    await cluster.produce(0, 2, value=b"original")
    await cluster.start_engine(handler, max_handler_errors=2)
    await cluster.until_committed(0, 2)
    letters = await cluster.read(cluster.names.dead_letters, 2)
    assert [letter.value for letter in letters] == [b"original"] * 2
    assert {dict(letter.headers)["error-code"] for letter in letters} == {b"ValueError"}
    assert len(handler.given_up) == 4
