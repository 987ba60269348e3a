"""The events of a Response: any reader, cut off after any of them, ends with the same whole."""

from collections.abc import Sequence
from typing import Any

import orjson
from hypothesis import given, strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from common.openai.echo import echoed
from common.openai.ids import item_id
from common.openai.output import message_item, text_part
from common.openai.response import response
from common.task import new_task_id
from producer_api.openai_compat.happenings import Happening, Position, Queued, Reset, Started, Text
from producer_api.openai_compat.response_events import ResponseEvents
from producer_api.openai_compat.sequence import Step, place_of

TASK_ID = new_task_id()
ECHO = echoed({"model": "m"})
QUEUED = response(TASK_ID, ECHO, status="queued", created_at=1.0)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CALL = {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"}

Event = dict[str, Any]


def completed(text: str, attempt: int, *others: Event, status: str = "completed") -> Event:
    message = message_item(item_id("msg", TASK_ID, run=1, attempt=attempt), [text_part(text)], status)
    output = [message, *others] if text else list(others)
    return response(TASK_ID, ECHO, status=status, created_at=1.0, output=output)


def events_in(frames: bytes) -> list[Event]:
    events = []
    for frame in frames.decode().split("\n\n")[:-1]:
        name, data = frame.split("\n")
        event = orjson.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        # In OpenAI's older clients it ends the stream.
        assert "error" not in event
        EVENT.validate_python(event)
        events.append(event)
    return events


class Life:
    """A task's attempts, each a text; all but the last are lost. What it tells depends on what was told before."""

    def __init__(self, attempts: Sequence[str], final: Event) -> None:
        self.attempts, self.final = attempts, final

    def happenings(self, since: Position, present: int, pieces: int) -> list[Happening]:
        """What a story tells in attempt `present` after `since`."""
        happenings: list[Happening] = []
        content = self.attempts[present - 1].encode()
        start = since.offset if (since.run, since.attempt) == (1, present) else 0
        if since.offset and not start:
            happenings.append(Reset(*since))
        happenings.append(Started(1, present))
        text = content[start:].decode()
        for part in (text[place : place + pieces] for place in range(0, len(text), pieces)):
            happenings.append(Text(1, present, start, part))
            start += len(part.encode())
        return happenings


def read(life: Life, *, after: int | None, pieces: int, present: int, until: int | None = None) -> list[Event]:
    """What one connection is told while the task is in attempt `present` and to its end, at most `until` events."""
    events = ResponseEvents(TASK_ID, QUEUED, after=after)
    since = events.since
    told = events_in(events.begin())
    for attempt in range(present, len(life.attempts) + 1):
        for happening in life.happenings(since, attempt, pieces):
            told += events_in(events.on(happening))
        known = life.attempts[attempt - 1].encode()
        since = Position(1, attempt, len(known))
    told += events_in(events.end(life.final, run=1, attempts=len(life.attempts)))
    return told[:until]


def texts(events: Sequence[Event]) -> list[str]:
    """The text of each item, in the order they were opened."""
    items: dict[int, str] = {}
    for event in events:
        if event["type"] == "response.output_text.delta":
            items[event["output_index"]] = items.get(event["output_index"], "") + event["delta"]
    return [items[index] for index in sorted(items)]


def test_a_text_and_a_call_make_the_whole_sequence() -> None:
    life = Life(["ab"], completed("ab", 1, CALL))
    events = read(life, after=None, pieces=1, present=1)
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "queued", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "output_item.added",
        "function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert [event["sequence_number"] for event in events][:3] == [0, 1, 2]
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events:
        state.handle_event(EVENT.validate_python(event))
    whole = Response.model_validate(events[-1]["response"])
    assert [item.type for item in whole.output] == ["message", "function_call"]


def test_an_answer_without_text_has_its_items_whole_at_the_end() -> None:
    events = read(Life([""], completed("", 1, CALL)), after=None, pieces=1, present=1)
    assert [event["output_index"] for event in events if "output_index" in event] == [0] * 4


def test_a_lost_attempt_leaves_an_incomplete_item_and_a_new_one_is_behind_it() -> None:
    life = Life(["lost", "kept"], completed("kept", 2, CALL))
    events = read(life, after=None, pieces=2, present=1)
    ends = [event for event in events if event["type"] == "response.output_item.done"]
    assert [(event["output_index"], event["item"]["status"]) for event in ends] == [
        (0, "incomplete"), (1, "completed"), (2, "completed"),
    ]  # fmt: skip
    assert texts(events) == ["lost", "kept"]
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message", "function_call"]
    assert ends[0]["item"]["id"] != ends[1]["item"]["id"] == events[-1]["response"]["output"][0]["id"]


@given(
    attempts=st.lists(st.text(max_size=6), min_size=1, max_size=3),
    cuts=st.lists(st.tuples(st.integers(0, 8), st.integers(1, 3)), max_size=6),
    with_call=st.booleans(),
)
def test_a_reader_that_is_cut_off_anywhere_misses_nothing_and_is_told_nothing_twice(
    attempts: list[str], cuts: list[tuple[int, int]], *, with_call: bool
) -> None:
    others = [CALL] if with_call else []
    life = Life(attempts, completed(attempts[-1], len(attempts), *others))
    told: list[Event] = []
    after: int | None = None
    # Each connection goes on in whatever attempt the task is by then, and has its own pieces.
    present = 1
    for count, pieces in cuts:
        told += read(life, after=after, pieces=pieces, present=present, until=count)
        after = told[-1]["sequence_number"] if told else None
        present = min(present + count % 2, len(attempts))
        if told:
            present = max(present, ResponseEvents(TASK_ID, QUEUED, after=after).since.attempt, 1)
    told += read(life, after=after, pieces=1, present=present)
    numbers = [event["sequence_number"] for event in told]
    assert numbers == sorted(set(numbers))
    assert told[-1]["type"] == "response.completed"
    if attempts[-1]:
        assert texts(told)[-1] == attempts[-1]
        dones = [event for event in told if event["type"] == "response.output_text.done"]
        assert [event["text"] for event in dones] == [attempts[-1]]
    added = [event["output_index"] for event in told if event["type"] == "response.output_item.added"]
    done = [event["output_index"] for event in told if event["type"] == "response.output_item.done"]
    assert added == done == list(range(len(added)))
    assert read(life, after=numbers[-1], pieces=1, present=len(attempts)) == []


def test_who_was_told_of_an_item_that_had_no_text_yet_hears_that_it_is_lost() -> None:
    life = Life(["lost", "kept"], completed("kept", 2))
    begun = read(life, after=None, pieces=4, present=1, until=5)
    assert begun[-1]["type"] == "response.content_part.added"
    rest = read(life, after=begun[-1]["sequence_number"], pieces=4, present=2)
    assert rest[0]["type"] == "response.output_item.done"
    assert texts([*begun, *rest]) == ["kept"]


def test_a_failure_closes_what_was_told_and_ends_the_stream() -> None:
    failed = response(TASK_ID, ECHO, status="failed", created_at=1.0, error={"code": "server_error", "message": "why"})
    events = ResponseEvents(TASK_ID, QUEUED, after=None)
    told = events_in(events.begin() + events.on(Started(1, 1)) + events.on(Text(1, 1, 0, "a")))
    told += events_in(events.on(Reset(1, 1, 1)) + events.on(Queued(1, 1)) + events.end(failed, run=1, attempts=1))
    assert [event["type"] for event in told[-2:]] == ["response.output_item.done", "response.failed"]
    assert told[-2]["item"]["status"] == "incomplete"


def test_one_that_is_cancelled_before_any_attempt_ends_as_incomplete() -> None:
    cancelled = response(TASK_ID, ECHO, status="cancelled", created_at=1.0)
    events = ResponseEvents(TASK_ID, QUEUED, after=None)
    told = events_in(events.begin() + events.end(cancelled, run=1, attempts=0))
    assert [event["type"] for event in told] == ["response.created", "response.queued", "response.incomplete"]
    assert told[-1]["response"]["status"] == "cancelled"


@given(after=st.integers(0, 10**19))
def test_whatever_number_is_named_the_stream_has_an_end(after: int) -> None:
    events = ResponseEvents(TASK_ID, QUEUED, after=after)
    told = events_in(events.begin() + events.on(Started(1, 1)) + events.on(Text(1, 1, 0, "a")))
    told += events_in(events.end(completed("a", 1), run=1, attempts=1))
    assert all(event["sequence_number"] > after for event in told)
    assert told or place_of(after).step == Step.END
    assert events_in(events.broken_off({"code": "stopping", "message": "m"}))[0]["sequence_number"] > after
