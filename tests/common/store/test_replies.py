from typing import Any

import pytest
from hypothesis import given, strategies as st

from common.store.replies import INCOMPLETE, ReplyReader, UnreadableReply, reply_reader
from common.store.resp import CommandTemplate, ReplyError, encode_command

texts = st.binary(max_size=40) | st.just(b"\r\n$-1\r\n")
plain = texts | st.integers(-(2**63), 2**63 - 1) | st.none()
errors = st.sampled_from(["ERR no", "NOSCRIPT No matching script.", "LOADING"]).map(ReplyError)
replies = st.recursive(plain | errors, lambda inner: st.lists(inner, max_size=5), max_leaves=20)


def on_the_wire(reply: Any) -> bytes:
    match reply:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case ReplyError():
            return b"-%b\r\n" % str(reply).encode()
        case list():
            return b"*%d\r\n" % len(reply) + b"".join(map(on_the_wire, reply))
    raise TypeError(reply)


def shown(reply: Any) -> Any:
    """Errors of one text are the same."""
    if isinstance(reply, ReplyError):
        return (reply.code, str(reply))
    return [shown(item) for item in reply] if isinstance(reply, list) else reply


def read_all(reader: ReplyReader) -> list[Any]:
    found = []
    while (reply := reader.gets()) is not INCOMPLETE:
        found.append(reply)
    return found


@given(expected=st.lists(replies, max_size=8), data=st.data())
def test_replies_come_whole_and_in_order_however_they_are_cut(expected: list[Any], data: st.DataObject) -> None:
    content = b"".join(map(on_the_wire, expected))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=6)))
    reader, found = reply_reader(), []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        reader.feed(content[start:end])
        found += read_all(reader)
    assert shown(found) == shown(expected)


@pytest.mark.parametrize(
    "content", [b"HTTP/1.1 400 Bad Request\r\n", b"$x\r\n", b"*-7\r\n", b":1.5\r\n", b"\x00\x00\r\n"]
)
def test_what_is_no_reply_is_said_so_and_stays_so(content: bytes) -> None:
    reader = reply_reader()
    reader.feed(b"+OK\r\n" + content)
    assert reader.gets() == b"OK"
    for _ in range(2):
        with pytest.raises(UnreadableReply):
            reader.gets()


def test_a_simple_word_an_empty_list_and_none_are_told_apart() -> None:
    reader = reply_reader()
    reader.feed(b"+PONG\r\n*0\r\n*-1\r\n$0\r\n\r\n")
    assert read_all(reader) == [b"PONG", [], None, b""]


arguments = st.lists(st.text() | st.binary() | st.integers(), max_size=5)


@given(name=st.text(min_size=1), rest=arguments)
def test_a_command_is_a_list_of_its_arguments_as_bytes(name: str, rest: list[str | bytes | int]) -> None:
    reader = reply_reader()
    reader.feed(encode_command(name, *rest))
    told = [item if isinstance(item, bytes) else str(item).encode() for item in (name, *rest)]
    assert read_all(reader) == [told]


@given(first=st.lists(st.text(), min_size=1, max_size=4), rest=st.lists(st.binary(), min_size=1, max_size=4))
def test_a_template_makes_the_same_command(first: list[str], rest: list[bytes]) -> None:
    assert CommandTemplate(*first, more=len(rest)).encode(rest) == encode_command(*first, *rest)


def test_a_template_takes_neither_fewer_nor_more_arguments_than_it_said() -> None:
    template = CommandTemplate("GET", more=1)
    for arguments in ((), (b"a", b"b")):
        with pytest.raises(TypeError):
            template.encode(arguments)
