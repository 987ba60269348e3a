"""docs/metrics.md is what the instruments say, and what they say is fit to be documented."""

import re

import pytest

from producer_api.metrics import LETTER_FATES
from producer_api.operator.redrive import Fate
from tests.docs.instruments import Instrument, instruments
from tests.docs.metrics_page import metrics_in, page
from tests.support.docker import ROOT

PAGE = ROOT / "docs" / "metrics.md"
FOUND = instruments()
NO_UNIT = re.compile(r"(_milliseconds|_ms|_minutes|_kb|_mb|_percent)(_|$)")
# Words that speak of somebody else's words.
UNBOUNDED = frozenset({"task_id", "tenant", "model", "worker", "partition", "offset", "path", "url", "error"})


def named(instrument: Instrument) -> str:
    return instrument.name


def test_the_page_is_what_make_docs_writes() -> None:
    assert PAGE.read_text("utf-8") == page(FOUND), "run make docs"
    assert sorted(metrics_in(PAGE.read_text("utf-8"))) == sorted(instrument.name for instrument in FOUND)


@pytest.mark.parametrize("instrument", FOUND, ids=named)
def test_names_follow_the_conventions(instrument: Instrument) -> None:
    assert re.fullmatch(r"promptmill(_[a-z]+)+", instrument.name)
    assert not NO_UNIT.search(instrument.name)
    assert instrument.name.endswith("_total") == (instrument.kind == "counter")
    assert instrument.meaning.endswith(".")
    if instrument.kind == "histogram":
        assert instrument.name.endswith(("_seconds", "_bytes", "_tokens", "_offsets", "_attempts"))
        bounds = [float(bound) for bound in instrument.buckets]
        assert bounds == sorted(set(bounds))
        assert len(bounds) <= 20


@pytest.mark.parametrize("instrument", FOUND, ids=named)
def test_every_label_is_bounded(instrument: Instrument) -> None:
    series = 1
    for label in instrument.labels:
        assert label.name not in UNBOUNDED
        assert bool(label.values) != bool(label.most)
        assert label.values or label.what
        series *= len(label.values) or label.most
    assert series * max(1, len(instrument.buckets)) <= 10_000


def test_the_histograms_of_a_prompt_s_way_are_there() -> None:
    assert {
        "promptmill_engine_accept_to_start_seconds",
        "promptmill_engine_start_to_done_seconds",
        "promptmill_engine_kafka_seconds",
        "promptmill_engine_window_offsets",
        "promptmill_lease_left_seconds",
        "promptmill_model_call_seconds",
        "promptmill_model_call_tokens",
        "promptmill_model_first_token_seconds",
        "promptmill_redis_round_trip_seconds",
        "promptmill_task_attempts",
        "promptmill_task_seconds",
    } <= {instrument.name for instrument in FOUND if instrument.kind == "histogram"}


def test_a_letter_s_fates_are_those_of_a_redrive() -> None:
    assert tuple(fate.value for fate in Fate) == LETTER_FATES


def test_a_label_s_values_are_words_of_ours() -> None:
    labels = {label for instrument in FOUND for label in instrument.labels}
    for label in labels:
        assert all(re.fullmatch(r"[a-z_]+|[A-Z]+|[0-5]xx", value) for value in label.values), label
