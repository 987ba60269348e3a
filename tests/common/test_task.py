from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common.task import Status, new_task_id, parse_task_id
from tests.support.task_moves import Move, after


def test_ids_are_uuid7_and_sort_by_the_time_they_were_made() -> None:
    ids = [new_task_id() for _ in range(1000)]
    assert all(UUID(task_id).version == 7 for task_id in ids)
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


@given(st.uuids())
def test_an_id_reads_in_both_its_spellings(uuid: UUID) -> None:
    assert parse_task_id(str(uuid)) == str(uuid)
    assert parse_task_id(str(uuid).upper()) == str(uuid)
    assert parse_task_id(f"resp_{uuid.hex}") == str(uuid)


# Fixed: every process of a test run must collect the same tests.
AN_ID = UUID("0192f0c1-2345-7678-9abc-def012345678")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        AN_ID.hex,
        f"{{{AN_ID}}}",
        f"urn:uuid:{AN_ID}",
        "resp_",
        f"resp_{AN_ID}",
        f"resp_{AN_ID.hex[:-1]}",
        f"resp_{AN_ID.hex[:-1]}g",
        "----" + AN_ID.hex,
        str(AN_ID)[:-1],
        str(AN_ID) + "0",
        "\u0660" * 36,
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    assert parse_task_id(text) is None


@given(st.text(max_size=64))
def test_no_text_breaks_the_reading_of_ids(text: str) -> None:
    assert parse_task_id(text) is None or len(text) in {36, 37}


class Life(RuleBasedStateMachine):
    """Any sequence of moves keeps a task within its diagram."""

    def __init__(self) -> None:
        super().__init__()
        self.status = Status.QUEUED
        self.run = 1
        self.ended: dict[int, Status] = {}

    @rule(move=st.sampled_from(Move))
    def attempt(self, move: Move) -> None:
        reached = after(self.status, move)
        if reached is None:
            return
        if move is Move.REDRIVE:
            self.run += 1
        self.status = reached
        if reached.is_final:
            assert self.run not in self.ended, "a run ends once"
            self.ended[self.run] = reached

    @invariant()
    def a_final_status_is_left_by_a_redrive_only(self) -> None:
        leaving = {move for move in Move if after(self.status, move) is not None}
        if self.status.is_final:
            assert leaving == {Move.REDRIVE}
        else:
            assert Move.REDRIVE not in leaving
            assert Move.CANCEL in leaving
            assert Move.EXPIRE in leaving


Life.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
