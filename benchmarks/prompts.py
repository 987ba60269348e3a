"""The prompts of every benchmark: about 600 characters each, all different, the same in every run."""

from random import Random
from typing import Any

MODEL = "bench-model"
_VOCABULARY = (
    "river stone market answer window quiet letter engine copper harbour silver record garden winter "
    "number bridge summer island signal carpet orange ladder pencil mirror violet anchor basket candle "
    "desert forest hammer jacket kettle lemon magnet needle orchard pepper rabbit saddle temple umbrella "
    "valley walnut yellow zebra"
)
_WORDS = _VOCABULARY.split()
_LENGTH = 600


def prompt(number: int) -> str:
    """Return the prompt of that number; it begins with the number, so that a call can be told from others."""
    random = Random(number)  # noqa: S311 - a prompt is no secret
    text = f"[{number}]"
    while len(text) < _LENGTH:
        text += " " + " ".join(random.choices(_WORDS, k=8))
    return text[:_LENGTH]


def messages(text: str) -> list[Any]:
    """Return the prompt as a chat."""
    return [{"role": "user", "content": text}]
