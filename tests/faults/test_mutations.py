"""The planted bugs fit the source and the tests as they are now, and the page lists them."""

import re
from pathlib import Path

import pytest

from tests.faults.mutations import MUTATIONS, Mutation

_ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| ([^|`]+) \| `(test_\w+)` \|$", re.MULTILINE)


@pytest.mark.parametrize("mutation", [pytest.param(mutation, id=mutation.name) for mutation in MUTATIONS])
def test_a_planted_bug_fits_the_source_and_names_a_test_that_exists(mutation: Mutation) -> None:
    source = (_ROOT / mutation.file).read_text("utf-8")
    assert mutation.planted(source) != source
    file, _, _ = mutation.test.partition("::")
    assert f"def {mutation.test_name}(" in (_ROOT / file).read_text("utf-8")


def test_a_bug_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match=r"a bug: a\.py has 'x' 2 times"):
        Mutation("a bug", "a.py", (("x", "y"),), "test").planted("x = x")


def test_the_page_lists_every_planted_bug_and_its_test() -> None:
    page = (_ROOT / "docs/reliability.md").read_text("utf-8").partition("## Planted bugs")[2]
    assert _ROW.findall(page) == [(mutation.name, mutation.test_name) for mutation in MUTATIONS]
