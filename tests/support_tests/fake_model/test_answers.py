import pytest
from hypothesis import given, strategies as st

from tests.support.fake_model import answers, prompts


@given(st.text())
def test_the_pieces_of_a_stream_are_the_text(text: str) -> None:
    assert "".join(answers.pieces_of(text)) == text


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 12_000_000])
def test_a_sized_answer_has_exactly_so_many_characters(size: int) -> None:
    text = answers.text_for("any", size)
    assert len(text) == size
    assert text == answers.text_for("any", size)


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([{"role": "user", "content": "a"}], "a"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "a"),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "b"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "ab"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], ""),
        ([{"role": "system", "content": "a"}], ""),
        (None, ""),
    ],
)
def test_the_prompt_is_the_last_user_message(messages: object, prompt: str) -> None:
    assert prompts.of_chat({"messages": messages}) == prompt
    assert prompts.of_response({"input": messages}) == prompt


@pytest.mark.parametrize(
    ("given_input", "texts"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], ["[1, 2]"]), ([[1], [2]], ["[1]", "[2]"]), ([], [])],
)
def test_embedding_input_takes_all_of_openais_forms(given_input: object, texts: list[str]) -> None:
    assert prompts.embedding_texts({"input": given_input}) == texts
