"""What became of the tasks under a fault, from what the model, the results topic and the store say; pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.api import FINAL

COMPLETED = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One call by the model's log; ``spent`` unless the model itself failed it on purpose."""

    prompt: str
    spent: bool = True


@dataclass(frozen=True, slots=True)
class Published:
    """One record of the results topic that is not null."""

    task_id: str
    run: int
    token: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as the API shows it at the end. ``finished_at`` is Unix seconds."""

    status: str
    result: str | None = None
    finished_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was seen.

    Args:
        prompts: Prompt of each task that a 202 named, by task id.
        answers: Text that each prompt's answer must have; a prompt that is not in it may have any.
        may_end: Statuses in which a task may end, by id; ``completed`` where it is not in it.
        deleted: Ids that somebody deleted: nothing need be left of them.
        calls: Every call of the model.
        published: The results topic in the order of each partition.
        shown: The store's view, by task id.
    """

    prompts: Mapping[str, str]
    calls: Sequence[SeenCall]
    published: Sequence[Published]
    shown: Mapping[str, Shown]
    answers: Mapping[str, str] = field(default_factory=dict)
    may_end: Mapping[str, frozenset[str]] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """``lost`` says how each task without an end stands, by id; ``other`` are those with other than one outcome."""

    tasks: int
    lost: Mapping[str, str]
    other: tuple[str, ...]
    duplicate_calls: int


def judge(evidence: Evidence) -> Verdict:
    """Compare what was promised with what was seen."""
    outcomes: dict[str, set[Published]] = {}
    for published in evidence.published:
        outcomes.setdefault(published.task_id, set()).add(published)
    kept = [task_id for task_id in evidence.prompts if task_id not in evidence.deleted]
    lost = {
        task_id: f"{shown.status if shown else 'never shown'}, {len(outcomes.get(task_id, ()))} results"
        for task_id in kept
        if _is_lost(shown := evidence.shown.get(task_id), outcomes.get(task_id))
    }
    shared = _sharing_tokens(evidence.published)
    other = [
        task_id
        for task_id in kept
        if task_id not in lost and (task_id in shared or not _is_one(task_id, outcomes[task_id], evidence))
    ]
    # A deleted task may have an outcome, or none; never two.
    other += [task_id for task_id in evidence.deleted if len(outcomes.get(task_id, ())) > 1]
    spent = Counter(call.prompt for call in evidence.calls if call.spent)
    return Verdict(
        tasks=len(evidence.prompts),
        lost=lost,
        other=tuple(other),
        duplicate_calls=sum(count - 1 for count in spent.values()),
    )


def seconds_to_recover(evidence: Evidence, accepted_at: Mapping[str, float], moment: float) -> float:
    """Return how long after ``moment`` the last of these tasks ended that were accepted before it.

    Args:
        evidence: What was seen.
        accepted_at: When each was accepted, Unix seconds, by id; other tasks do not count.
        moment: When the fault was over, or in a crash when it struck; Unix seconds.
    """
    ends = [
        shown.finished_at
        for task_id, shown in evidence.shown.items()
        if shown.finished_at is not None and accepted_at.get(task_id, math.inf) <= moment
    ]
    return max(0.0, max(ends, default=moment) - moment)


def _sharing_tokens(published: Sequence[Published]) -> set[str]:
    """Tasks ended under a token that another task's claim had, too: it would not have told the two apart."""
    holders: dict[str, set[str]] = {}
    for outcome in published:
        if outcome.token is not None:
            holders.setdefault(outcome.token, set()).add(outcome.task_id)
    return {task_id for task_ids in holders.values() if len(task_ids) > 1 for task_id in task_ids}


def _is_lost(shown: Shown | None, outcomes: set[Published] | None) -> bool:
    return shown is None or shown.status not in FINAL or not outcomes


def _is_one(task_id: str, outcomes: set[Published], evidence: Evidence) -> bool:
    shown = evidence.shown[task_id]
    if len(outcomes) != 1 or {outcome.status for outcome in outcomes} != {shown.status}:
        return False
    if shown.status not in evidence.may_end.get(task_id, COMPLETED):
        return False
    expected = evidence.answers.get(evidence.prompts[task_id])
    return shown.status != "completed" or expected is None or shown.result == expected
