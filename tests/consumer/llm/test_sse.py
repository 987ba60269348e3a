import tracemalloc

from hypothesis import given, strategies as st

from consumer.llm.sse import EventLines

lines = st.binary(max_size=20).filter(lambda data: not set(data) & set(b"\r\n"))


@given(st.lists(lines, max_size=8), st.sampled_from([b"\n", b"\r\n"]), st.data())
def test_however_a_stream_is_cut_its_events_are_the_same(events: list[bytes], end: bytes, data: st.DataObject) -> None:
    stream = b"".join(b": note%bevent: x%bdata: %b%b%b" % (end, end, event, end, end) for event in events)
    cuts = sorted(data.draw(st.lists(st.integers(min_value=0, max_value=len(stream)), max_size=8)))
    parser = EventLines()
    seen: list[bytes] = []
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        seen += parser.feed(stream[first:last])
    assert seen == events
    assert [*parser.end()] == []


def test_data_of_several_lines_is_one_and_what_the_end_leaves_open_is_an_event() -> None:
    parser = EventLines()
    assert [*parser.feed(b"data:a\ndata: b\n\ndata: last")] == [b"a\nb"]
    assert parser.waiting_bytes == len(b"data: last")
    assert [*parser.end()] == [b"last"]


def test_lines_of_an_event_that_does_not_end_are_counted() -> None:
    parser = EventLines()
    for _ in range(100):
        assert [*parser.feed(b"data: " + b"x" * 1_000 + b"\ndata:\n: note\n")] == []
    assert 100_000 <= parser.waiting_bytes <= 120_000
    assert [len(data) for data in parser.feed(b"\n")] == [100_199]
    assert parser.waiting_bytes == 0


def test_a_line_in_many_parts_is_not_copied_with_each() -> None:
    parser, most = EventLines(), 0
    parts = [b"data: ", *(bytes([65 + number % 26]) * 1_000 for number in range(500))]
    tracemalloc.start()
    try:
        for part in parts:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            assert [*parser.feed(part)] == []
            most = max(most, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert most < 100_000
    assert parser.waiting_bytes == 500_006
    [data] = parser.feed(b"\n\n")
    assert data == b"".join(parts[1:])
