"""Integers in a request are exact or refused; digits elsewhere are nobody's business."""

import json

import pytest
from hypothesis import given, strategies as st

from producer_api.errors import RefusedRequest
from producer_api.request_body import parse_json

NUMBERS = st.integers(-(2**70), 2**70) | st.sampled_from([-(2**63) - 1, -(2**63), 2**63, 2**64 - 1, 2**64])
LEAVES = NUMBERS | st.text('0123456789"\\-.e ') | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text('0123456789"\\'), inner))


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551615",
        "-9223372036854775808",
        "[9223372036854775808]",
        '"18446744073709551616"',
        '{"18446744073709551616": "\\"-18446744073709551616"}',
        '["\\\\", "18446744073709551616"]',
        "0.18446744073709551616",
        "18446744073709551616.5",
        "18446744073709551616e1",
        "1e-00000000000000000000000001",
        "1E+00000000000000000000000001",
        "[" * 1_000 + "1234567890123456789" + "]" * 1_000,
    ],
)
def test_what_fits_and_digits_that_are_no_integer_are_taken(text: str) -> None:
    if text.startswith("[["):
        parse_json(text.encode())
    else:
        assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551616",
        "-9223372036854775809",
        "-18446744073709551616",
        "[1,18446744073709551616]",
        '{"a":"\\\\","b":18446744073709551616}',
        '["18446744073709551616",18446744073709551616 ]',
        "[0.5,-9999999999999999999]",
        "9" * 300,
    ],
)
def test_an_integer_past_64_bits_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        parse_json(text.encode())
    assert (refused.value.status, refused.value.error.code, refused.value.error.param) == (400, "invalid_value", None)
    assert refused.value.error.message == "Integers must fit 64 bits: send larger ones as text."


@given(VALUES, st.sampled_from([None, 1]))
def test_a_value_is_taken_whole_or_refused_for_an_integer_of_its_own(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    if all(-(2**63) <= integer < 2**64 for integer in integers_in(value)):
        parsed = parse_json(text.encode())
        assert parsed == value
        assert list(map(type, integers_in(parsed))) == list(map(type, integers_in(value)))
    else:
        with pytest.raises(RefusedRequest):
            parse_json(text.encode())


def integers_in(value: object) -> list[int]:
    match value:
        case int():
            return [value]
        case list():
            return [integer for part in value for integer in integers_in(part)]
        case dict():
            return integers_in(list(value.values()))
    return []
