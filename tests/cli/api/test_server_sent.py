import itertools

from hypothesis import given, strategies as st

from cli.api.server_sent import EventParser, ServerSentEvent

STREAM = (
    b": keep-alive\n\n"
    b'id: a1\nevent: status\ndata: {"task_id":"1"}\n\n'
    b"event: dropped\ndata: {}\n\n"
    b"data: \xc3\xbc\n\n"
    b"retry: 1000\n: this API is stopping\n\n"
    b"event: unfinished\ndata: x\n"
)
EVENTS = [
    ServerSentEvent("status", '{"task_id":"1"}', "a1"),
    ServerSentEvent("dropped", "{}"),
    ServerSentEvent("message", "ü"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_events_are_the_same_in_pieces_of_any_size(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parser = EventParser()
    seen = [event for begin, end in itertools.pairwise(edges) for event in parser.feed(STREAM[begin:end])]
    assert seen == EVENTS
    assert parser.retry_seconds == 1.0
