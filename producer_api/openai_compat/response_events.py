"""What happens to a task as the events of a Response's stream. Pure.

An attempt that is lost after it gave text leaves an item that is incomplete; the next one's is put behind it, and the
final Response has that alone. Calls of functions, and whatever else is no text, come as whole items at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from common.openai.ids import item_id
from common.openai.output import main_message, message_item, response_text, text_part
from producer_api.openai_compat.happenings import BEGINNING, Happening, Position, Queued, Reset, Started, Text
from producer_api.openai_compat.sequence import MOST_LOST, MOST_TEXT_BYTES, Place, Step, number_of, place_of

Json = Mapping[str, Any]

_ENDS = {"completed": "response.completed", "failed": "response.failed"}


class ResponseEvents:
    """Those of one task after the event of number `after`, each as a frame; `beginning` is the Response when queued."""

    def __init__(self, task_id: str, beginning: Json, *, after: int | None) -> None:
        self._task_id = task_id
        self._beginning = beginning
        self._told = -1 if after is None else after
        place = place_of(max(0, self._told))
        self._run, self._attempt, self._index = place.run, place.attempt, place.lost
        # The item whose end was not told.
        self._is_open = Step.ITEM_ADDED <= place.step < Step.LOST
        if place.step == Step.LOST:
            self._index = min(self._index + 1, MOST_LOST)

    @property
    def since(self) -> Position:
        """Where the text goes on that was told."""
        place = place_of(max(0, self._told))
        return Position(place.run, place.attempt, place.offset) if place.attempt else BEGINNING

    def begin(self) -> bytes:
        """What every stream begins with."""
        return b"".join(
            [
                self._at(Step.CREATED, "response.created", 0, response=self._beginning),
                self._at(Step.QUEUED, "response.queued", 0, response=self._beginning),
            ]
        )

    def on(self, happening: Happening) -> bytes:
        """What follows from something that is no end."""
        match happening:
            case Queued(run, attempts):
                return self._move_to(run, attempts) if attempts else b""
            case Started(run, attempt):
                in_progress = {**self._beginning, "status": "in_progress"}
                started = self._at(Step.IN_PROGRESS, "response.in_progress", 0, response=in_progress)
                return started + self._move_to(run, attempt)
            case Reset():
                return self._close()
            case Text(run, attempt, start, content):
                moved = self._move_to(run, attempt)
                opened = self._open() if start == 0 or not self._is_open else b""
                return moved + opened + self._delta(content, happening.end)
        return b""

    def end(self, response: Json, *, run: int, attempts: int) -> bytes:
        """The end of a task: what of the answer was not told, and the whole Response."""
        frames = [self._move_to(run, attempts)]
        status = response["status"]
        if status in {"completed", "incomplete"}:
            steps = enumerate(self._rest(response), start=Step.FINISH)
            frames += [self._at(step, kind, attempts, **fields) for step, (kind, fields) in steps]
        else:
            frames.append(self._close())
        frames.append(self._at(Step.END, _ENDS.get(status, "response.incomplete"), attempts, response=response))
        return b"".join(frames)

    def broken_off(self, error: Json) -> bytes:
        """That there will be no Response, and why."""
        content = {"type": "error", "code": error.get("code"), "message": error.get("message"), "param": None}
        self._told += 1
        return _frame({**content, "sequence_number": self._told})

    def _move_to(self, run: int, attempt: int) -> bytes:
        closed = self._close() if (run, attempt) != (self._run, self._attempt) else b""
        self._run, self._attempt = run, attempt
        return closed

    def _close(self) -> bytes:
        """The end of an item that is no part of the answer; its text was told, and is not kept."""
        if not self._is_open:
            return b""
        item = message_item(self._message_id, [], "incomplete")
        closed = self._at(Step.LOST, "response.output_item.done", self._attempt, output_index=self._index, item=item)
        self._is_open = False
        self._index = min(self._index + 1, MOST_LOST)
        return closed

    def _open(self) -> bytes:
        self._is_open = True
        item = message_item(self._message_id, [], "in_progress")
        return b"".join(
            [
                self._at(
                    Step.ITEM_ADDED, "response.output_item.added", self._attempt, output_index=self._index, item=item
                ),
                self._at(
                    Step.PART_ADDED,
                    "response.content_part.added",
                    self._attempt,
                    **self._part_place,
                    part=text_part(""),
                ),
            ]
        )

    def _delta(self, content: str, end: int) -> bytes:
        step = Step.TEXT + min(end, MOST_TEXT_BYTES - Step.TEXT)
        fields = {**self._part_place, "delta": content, "logprobs": []}
        return self._at(step, "response.output_text.delta", self._attempt, **fields)

    def _rest(self, response: Json) -> Iterator[tuple[str, dict[str, Any]]]:
        """The ends of the text and its item, then all other items."""
        output: Sequence[Json] = response["output"]
        index = self._index
        text = response_text(response)
        message = main_message(output) if text else None
        if message is not None:
            part = next(
                (part for part in message["content"] if part.get("type") == "output_text"), text_part(text or "")
            )
            yield "response.output_text.done", {**self._part_place, "text": text, "logprobs": []}
            yield "response.content_part.done", {**self._part_place, "part": part}
            yield "response.output_item.done", {"output_index": index, "item": message}
            index += 1
        for item in output:
            if item is message:
                continue
            yield from _whole_item(item, index)
            index += 1

    @property
    def _message_id(self) -> str:
        return item_id("msg", self._task_id, run=self._run, attempt=self._attempt)

    @property
    def _part_place(self) -> dict[str, Any]:
        return {"item_id": self._message_id, "output_index": self._index, "content_index": 0}

    def _at(self, step: int, kind: str, attempt: int, **fields: Any) -> bytes:
        """The event of a step, unless it was told."""
        # What comes before any attempt is numbered alike, whenever a reader comes.
        number = number_of(Place(self._run, attempt, self._index, step)) if attempt else step
        if step == Step.END and place_of(max(0, self._told)).step != Step.END:
            # Every reader is told of the end, also one that the store, which lost something, takes for further ahead.
            number = max(number, self._told + 1)
        if number <= self._told:
            return b""
        self._told = number
        return _frame({"type": kind, "sequence_number": number, **fields})


def _whole_item(item: Json, index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if item.get("type") == "function_call":
        place = {"item_id": item.get("id"), "output_index": index}
        arguments = str(item.get("arguments", ""))
        begun = {**item, "arguments": "", "status": "in_progress"}
        yield "response.output_item.added", {"output_index": index, "item": begun}
        yield "response.function_call_arguments.delta", {**place, "delta": arguments}
        done = {"arguments": arguments, "name": str(item.get("name", ""))}
        yield "response.function_call_arguments.done", {**place, **done}
    else:
        yield "response.output_item.added", {"output_index": index, "item": item}
    yield "response.output_item.done", {"output_index": index, "item": item}


def _frame(event: Json) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), orjson.dumps(event))
