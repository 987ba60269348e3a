"""Text of others on a terminal: models, prompts and records may hold anything, escape sequences too."""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WHITE_SPACE = re.compile(r"\s+")


def printable(text: str) -> str:
    """The text with control characters made visible; line ends and tabs stay."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))


def escaped_json(text: str) -> str:
    """A line of JSON, which means the same, with what a terminal might obey escaped by its number."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def excerpt(text: str, width: int) -> str:
    """The beginning of the text on one line of at most `width` characters."""
    # Cut first: a text may be long, and only its beginning is looked at.
    line = printable(_WHITE_SPACE.sub(" ", text[: 8 * width]).strip())
    return line if len(line) <= width and len(text) <= 8 * width else line[: width - 1] + "…"
