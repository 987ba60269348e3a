import asyncio
import hashlib
import time

import orjson
import pytest

from common.topics import MAX_DEAD_LETTER_BYTES, REFERENCE_CONTENT_TYPE
from consumer.engine.ports import Delivery, Outcome, OutgoingRecord, RetryAfter, Settled, always
from tests.consumer.engine.harness import Cluster, RecordingHandler
from tests.support.waiting import until


async def test_records_are_published_in_their_order_before_the_offset_is_done(cluster: Cluster) -> None:
    def publish(_delivery: Delivery) -> Outcome:
        return Settled(
            (
                OutgoingRecord(topic=cluster.names.dead_letters, key=b"k", value=b"letter", headers=[("h", b"1")]),
                OutgoingRecord(topic=cluster.names.results, key=b"k", value=b"result"),
                OutgoingRecord(topic=cluster.names.results, key=b"k", value=None),
            )
        )

    await cluster.produce(0, 1)
    await cluster.start_engine(RecordingHandler(publish, hold=False))
    await cluster.until_committed(0, 1)
    (letter,) = await cluster.read(cluster.names.dead_letters, 1)
    result, forgotten = await cluster.read(cluster.names.results, 2)
    assert (letter.key, letter.value, letter.headers) == (b"k", b"letter", (("h", b"1"),))
    assert (result.value, forgotten.value) == (b"result", None)
    assert letter.timestamp <= result.timestamp


@pytest.mark.parametrize(
    ("broken", "error_code"),
    [
        (ValueError("says the prompt"), b"ValueError"),
        # A cancellation of the handler's own that got out of it.
        (asyncio.CancelledError(), b"CancelledError"),
        (RetryAfter(float("nan")), b"ValueError"),
        (None, b"TypeError"),
    ],
    ids=["raises", "cancelled", "no time", "nothing"],
)
async def test_a_record_that_our_own_bug_keeps_from_being_handled_is_dead_lettered(
    cluster: Cluster, broken: object, error_code: bytes
) -> None:
    def fail(delivery: Delivery) -> Outcome:
        if delivery.offset != 1:
            return Settled()
        if isinstance(broken, BaseException):
            raise broken
        return broken  # type: ignore[return-value]  # the bug

    handler = RecordingHandler(fail, hold=False)
    await cluster.produce(0, 3, value=b"\xff original")
    worker = await cluster.start_engine(handler, max_handler_errors=2)
    before = time.time()
    await cluster.until_committed(0, 3)
    (letter,) = await cluster.read(cluster.names.dead_letters, 1)
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (b"key", b"\xff original")
    assert before <= float(headers.pop("failed-at")) <= time.time()
    assert headers == {
        "a": b"b",
        "reason": b"handler_error",
        "error-code": error_code,
        "source-topic": cluster.names.interactive.encode(),
        "source-partition": b"0",
        "source-offset": b"1",
    }
    assert handler.started.count((0, 1)) == 2
    assert worker.count("handler_errors_total", topic=cluster.names.interactive) == 2
    assert worker.count("records_given_up_total", topic=cluster.names.interactive) == 1


async def test_an_outcome_that_kafka_refuses_is_replaced_by_a_reference_to_its_record(cluster: Cluster) -> None:
    def too_large(_delivery: Delivery) -> Outcome:
        value = b"x" * (MAX_DEAD_LETTER_BYTES + 2**20)
        return Settled((OutgoingRecord(topic=cluster.names.results, key=b"k", value=value),))

    await cluster.produce(0, 1, value=b"original")
    worker = await cluster.start_engine(RecordingHandler(too_large, hold=False))
    await cluster.until_committed(0, 1)
    (letter,) = await cluster.read(cluster.names.dead_letters, 1)
    assert dict(letter.headers)["reason"] == b"unpublishable"
    assert dict(letter.headers)["content-type"] == REFERENCE_CONTENT_TYPE
    assert orjson.loads(letter.value)["sha256"] == hashlib.sha256(b"original").hexdigest()
    assert worker.count("publish_errors_total", topic=cluster.names.results, fate="refused") == 1


async def test_an_outcome_whose_time_to_be_published_is_over_is_asked_for_again(cluster: Cluster) -> None:
    def late_at_first(_delivery: Delivery) -> Outcome:
        late = len(handler.started) == 1
        record = OutgoingRecord(topic=cluster.names.results, key=b"k", value=b"late" if late else b"in time")
        return Settled((record,), publish_before=0.0 if late else time.monotonic() + 60)

    handler = RecordingHandler(late_at_first, hold=False)
    await cluster.produce(0, 1)
    await cluster.start_engine(handler)
    await cluster.until_committed(0, 1)
    (result,) = await cluster.read(cluster.names.results, 1)
    assert result.value == b"in time"
    assert handler.started == [(0, 0), (0, 0)]


async def test_an_outcome_that_forbids_its_records_on_the_way_is_asked_for_again(cluster: Cluster) -> None:
    def forbids_the_second_at_first(_delivery: Delivery) -> Outcome:
        first = len(handler.started) == 1
        consents = iter([True, False])
        return Settled(
            (
                OutgoingRecord(topic=cluster.names.dead_letters, key=b"k", value=b"letter"),
                OutgoingRecord(topic=cluster.names.results, key=b"k", value=b"unwanted" if first else b"wanted"),
            ),
            publish_if=(lambda: next(consents)) if first else always,
        )

    handler = RecordingHandler(forbids_the_second_at_first, hold=False)
    await cluster.produce(0, 1)
    await cluster.start_engine(handler)
    await cluster.until_committed(0, 1)
    (result,) = await cluster.read(cluster.names.results, 1)
    assert result.value == b"wanted"
    assert handler.started == [(0, 0), (0, 0)]


async def test_no_offset_is_committed_while_a_record_of_its_outcome_is_not_written(cluster: Cluster) -> None:
    cluster.settings = cluster.settings.model_copy(update={"request_timeout_seconds": 2.0})
    missing = f"{cluster.settings.topic_prefix}later"
    handler = RecordingHandler(
        lambda _delivery: Settled((OutgoingRecord(topic=missing, key=b"k", value=b"result"),)), hold=False
    )
    await cluster.produce(0, 1)
    worker = await cluster.start_engine(handler)
    # By then commits had a chance again and again: the interval is far shorter than the wait for a write.
    await until(lambda: worker.count("publish_errors_total", topic=missing, fate="retried") >= 1)
    assert await cluster.committed(0) is None
    await cluster.create_topic(missing)
    await cluster.until_committed(0, 1)


async def test_outcomes_that_wait_for_kafka_keep_new_records_from_starting(cluster: Cluster) -> None:
    """The topic of the outcome does not exist: no write is acknowledged until it does."""
    cluster.settings = cluster.settings.model_copy(update={"request_timeout_seconds": 2.0})
    missing = f"{cluster.settings.topic_prefix}later"

    def publish(_delivery: Delivery) -> Outcome:
        return Settled((OutgoingRecord(topic=missing, key=b"k", value=b"x" * 2**21),))

    handler = RecordingHandler(publish, hold=False)
    await cluster.produce(0, 4)
    worker = await cluster.start_engine(handler, concurrency=1, max_buffered_bytes=2**21)
    await until(lambda: worker.count("publish_errors_total", topic=missing, fate="retried") >= 1)
    assert len(handler.started) == 1
    assert worker.count("unpublished_bytes") > 2**21
    assert await cluster.committed(0) is None
    await cluster.create_topic(missing)
    await cluster.until_committed(0, 4)
    assert len(handler.started) == 4
