from hypothesis import given, strategies as st

from producer_api.openai_compat.sequence import MOST_LOST, MOST_TEXT_BYTES, Place, Step, number_of, place_of

STEPS = st.sampled_from(list(Step)) | st.integers(Step.TEXT + 1, Step.TEXT + MOST_TEXT_BYTES - Step.TEXT)
PLACES = st.builds(
    Place, st.integers(1, 20), st.integers(0, 2**17 - 1), st.integers(0, MOST_LOST), STEPS.map(int)
)  # fmt: skip


@given(place=PLACES)
def test_a_number_says_its_place(place: Place) -> None:
    number = number_of(place)
    assert place_of(number) == place
    # So long as a task is not redriven very often every language's clients read it exactly.
    assert number < 2**53


@given(first=PLACES, second=PLACES)
def test_numbers_are_ordered_as_the_places_are(first: Place, second: Place) -> None:
    assert (number_of(first) < number_of(second)) == (first < second)


@given(offset=st.integers(1, MOST_TEXT_BYTES - Step.TEXT))
def test_a_place_in_the_text_says_how_much_is_known(offset: int) -> None:
    place = Place(1, 1, 0, Step.TEXT + offset)
    assert (place.is_in_text, place.offset) == (True, offset)


@given(number=st.integers(0, 10**19))
def test_no_number_is_out_of_place(number: int) -> None:
    assert number_of(place_of(number)) == number
