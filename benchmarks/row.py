"""One line of a table: what one contender did in one case, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.sample import Sample

PER_SECOND = "per_second"
CPU_MS = "cpu_ms"


@dataclass(frozen=True, slots=True)
class Row:
    """Figures by the name of their metric, a value for each round.

    `limits` has, by the same names, what no contender could pass. `position` is where the case stands on a line, for
    cases that are numbers.
    """

    case: str
    contender: str
    figures: Mapping[str, Sequence[float]]
    limits: Mapping[str, float] = field(default_factory=dict)
    position: float | None = None


def sample_rows(
    case: str, samples: Mapping[str, Sequence[Sample]], limits: Mapping[str, float] | None = None
) -> list[Row]:
    """Return the rows of one case: items a second and processor time an item."""
    return [
        Row(
            case,
            contender,
            {
                PER_SECOND: [sample.per_second for sample in measured],
                CPU_MS: [sample.cpu_ms for sample in measured],
            },
            dict(limits or {}),
        )
        for contender, measured in samples.items()
    ]
