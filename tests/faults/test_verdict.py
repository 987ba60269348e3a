"""The judge itself: each way of breaking a promise is seen."""

from dataclasses import replace

import pytest

from tests.faults.verdict import Evidence, Published, SeenCall, Shown, judge, seconds_to_recover

DONE = Published("a", 1, "token", "completed")
FINE = Evidence(
    prompts={"a": "one"},
    answers={"one": "echo: one"},
    calls=[SeenCall("one")],
    published=[DONE],
    shown={"a": Shown("completed", "echo: one", 12.0)},
)


def test_one_call_and_one_outcome_that_all_agree_on_is_what_was_promised() -> None:
    verdict = judge(FINE)
    assert (verdict.tasks, verdict.lost, verdict.other, verdict.duplicate_calls) == (1, {}, (), 0)


def test_the_same_outcome_published_again_is_one_outcome() -> None:
    assert judge(replace(FINE, published=[DONE, DONE])).other == ()


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(replace(FINE, shown={}), id="not asked for"),
        pytest.param(replace(FINE, shown={"a": Shown("not_found")}), id="forgotten by the store"),
        pytest.param(replace(FINE, shown={"a": Shown("processing")}), id="unfinished"),
        pytest.param(replace(FINE, published=[]), id="never published"),
    ],
)
def test_a_task_without_an_end_is_lost(evidence: Evidence) -> None:
    assert judge(evidence).lost.keys() == {"a"}


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(replace(FINE, published=[DONE, replace(DONE, token="other")]), id="two outcomes of one run"),
        pytest.param(replace(FINE, published=[replace(DONE, status="failed")]), id="topic and store disagree"),
        pytest.param(replace(FINE, shown={"a": Shown("completed", "echo: two")}), id="another prompt's answer"),
        pytest.param(replace(FINE, may_end={"a": frozenset({"failed"})}), id="an end that may not be"),
        pytest.param(replace(FINE, published=[DONE, replace(DONE, task_id="b")]), id="another task's token"),
        pytest.param(
            replace(FINE, deleted=frozenset("a"), published=[DONE, replace(DONE, token="b")]), id="deleted, yet two"
        ),
    ],
)
def test_a_task_with_other_than_one_outcome_is_told(evidence: Evidence) -> None:
    assert judge(evidence).other == ("a",)


def test_a_deleted_task_may_be_gone() -> None:
    verdict = judge(replace(FINE, deleted=frozenset("a"), published=[], shown={}))
    assert (verdict.lost, verdict.other) == ({}, ())


def test_calls_beyond_the_first_of_a_prompt_are_duplicates_unless_the_model_failed_them() -> None:
    calls = [SeenCall("one"), SeenCall("one", spent=False), SeenCall("one"), SeenCall("never accepted")] * 2
    assert judge(replace(FINE, calls=calls)).duplicate_calls == 3 + 1


def test_recovery_lasts_until_the_last_task_ended_that_was_accepted_before() -> None:
    shown = {"a": Shown("completed", None, 12.0), "b": Shown("completed", None, 30.0), "c": Shown("queued")}
    evidence = replace(FINE, shown=shown)
    assert seconds_to_recover(evidence, {"a": 9.0, "b": 10.5, "c": 1.0}, 10.0) == 2.0
    assert seconds_to_recover(evidence, {"a": 13.5, "b": 15.0, "c": 1.0}, 13.0) == 0.0
