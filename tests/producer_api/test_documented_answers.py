"""docs/api.md has every code that an error can have, and every field of an answer."""

import re
from pathlib import Path

import pytest

from common.bounded_http import HEAD_TOO_LARGE, HEAD_TOO_SLOW, UNREADABLE
from producer_api.tasks.schemas import SubmitTasks, WholeTaskView

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
CODES = re.compile(r'code="([a-z_]+)"|_unavailable\(message, "([a-z_]+)"\)')


def codes_of_the_api() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "producer_api").rglob("*.py")]
    named = {code for text in texts for found in CODES.findall(text) for code in found if code}
    return sorted(named | {refusal.code for refusal in (UNREADABLE, HEAD_TOO_LARGE, HEAD_TOO_SLOW)})


def test_the_codes_are_found_in_the_source() -> None:
    assert {"not_written", "store_rebuilding", "internal_error", "request_timeout"} <= set(codes_of_the_api())


@pytest.mark.parametrize("code", codes_of_the_api())
def test_an_error_s_code_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("field", sorted({*WholeTaskView.model_fields, *SubmitTasks.model_fields} - {"task_id"}))
def test_a_field_is_on_the_page(field: str) -> None:
    assert re.search(rf"`[^`\n]*\b{field}\b[^`\n]*`", PAGE)
