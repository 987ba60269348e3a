from hypothesis import given, strategies as st

from common.store.resp import CommandTemplate, Gap, encode_command

TEXTS = st.binary(max_size=12) | st.sampled_from([b"%", b"%%", b"%b", b"100%d", b"\r\n"])


@given(first=st.lists(TEXTS, min_size=1, max_size=3), rest=st.lists(TEXTS, max_size=3))
def test_a_template_makes_the_command_that_its_arguments_make(first: list[bytes], rest: list[bytes]) -> None:
    assert CommandTemplate(*first, more=len(rest)).encode(rest) == encode_command(*first, *rest)


@given(
    first=TEXTS,
    around=st.tuples(TEXTS, TEXTS),
    whole=TEXTS,
    filled=st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.integers(0, 10**10 - 1)), min_size=1, max_size=3),
)
def test_a_command_with_gaps_is_filled_in_again_and_again(
    first: bytes, around: tuple[bytes, bytes], whole: bytes, filled: list[tuple[bytes, int]]
) -> None:
    before, after = around
    template = CommandTemplate(first, more=2)
    form = template.with_gaps([[before, Gap(b"%b", 4), after, Gap(b"%10d", 10)], [whole]])
    for text, number in filled:
        argument = before + text + after + f"{number:10d}".encode()
        assert form % (text, number) == encode_command(first, argument, whole)
