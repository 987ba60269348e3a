"""`python -m tests.docs.metrics_page docs/metrics.md`: write the page of all metrics, from the instruments."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from common.telemetry.metrics import Label
from tests.docs.instruments import API, WORKER, Instrument, instruments

_HEAD = """\
# Metrics

Written by `make docs` from the instruments of the services; a test holds it to them. Each process serves its own at
`/metrics` of its operations port, in the text format of Prometheus. Beside these there are `process_*` and `python_*`
of the client library.

Units stand in the names: `_seconds`, `_bytes`, else a count of what is named; what ends in `_total` only grows. A
histogram has `_bucket`, `_sum` and `_count`, and `le` beside its labels. Every label has a closed set of values, or a
bound on their number: whatever else came would be counted under `other`. Models and tenants are no labels, for they are
other people's words; neither are ids.
"""
_SECTIONS = ((frozenset({API, WORKER}), "Both services"), (frozenset({API}), "API"), (frozenset({WORKER}), "Worker"))


def page(found: Iterable[Instrument]) -> str:
    """The whole page."""
    every = list(found)
    lines = [_HEAD]
    for services, title in _SECTIONS:
        lines += [f"## {title}\n", "| metric | type | labels | meaning |", "|---|---|---|---|"]
        lines += [_row(instrument) for instrument in every if instrument.services == services]
        lines.append("")
    return "\n".join(lines)


def _row(instrument: Instrument) -> str:
    meaning = instrument.meaning
    if instrument.buckets:
        bounds = ", ".join(bound.removesuffix(".0") for bound in instrument.buckets[:-1])
        meaning += f" Buckets: {bounds}."
    labels = "; ".join(_label(label) for label in instrument.labels)
    return f"| `{instrument.name}` | {instrument.kind} | {labels} | {meaning.replace('|', '/')} |"


def _label(label: Label) -> str:
    if label.values:
        return f"`{label.name}`: " + ", ".join(f"`{value}`" for value in label.values)
    return f"`{label.name}`: {label.what}, at most {label.most}"


def metrics_in(text: str) -> Iterator[str]:
    """The metrics that a page names."""
    for line in text.splitlines():
        if line.startswith("| `promptmill_"):
            yield line.split("`")[1]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(instruments()), encoding="utf-8")
