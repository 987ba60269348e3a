import pytest

from common.openai.native import NativeModels


@pytest.mark.parametrize(
    ("names", "model", "is_native"),
    [
        ("", "gpt-5", False),
        ("gpt-5", "gpt-5", True),
        ("gpt-5", "gpt-5-mini", False),
        ("other, gpt-*", "gpt-5-mini", True),
        ("*", "anything", True),
        ("*", None, True),
        ("gpt-*", None, False),
        ("gpt-*", 5, False),
    ],
)
def test_models_are_known_by_their_names(names: str, model: object, *, is_native: bool) -> None:
    assert NativeModels(names).has(model) is is_native
