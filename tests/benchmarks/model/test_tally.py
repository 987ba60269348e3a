import itertools

from benchmarks.model.tally import Tally


async def test_who_waits_for_answers_is_told_when_so_many_were_given_and_not_before() -> None:
    tally = Tally(itertools.count(1.0).__next__)
    second, first, at_once = tally.reached(2), tally.reached(1), tally.reached(0)
    assert (at_once.done(), first.done(), second.done()) == (True, False, False)
    tally.answer(tally.begin(), None)
    assert (first.done(), second.done()) == (True, False)
    tally.answer(tally.begin(), None)
    assert second.done()


async def test_who_gave_up_waiting_harms_no_other() -> None:
    tally = Tally(itertools.count(1.0).__next__)
    gone, there = tally.reached(1), tally.reached(1)
    gone.cancel()
    tally.answer(tally.begin(), None)
    assert there.done()


def test_calls_are_counted_from_a_reset_on() -> None:
    tally = Tally(itertools.count(1.0).__next__)
    tally.answer(tally.begin(), None)
    tally.reset(keep_instants=True)
    begun_at = tally.begin()
    tally.begin()
    tally.abandon(None)
    tally.abandon(8)
    tally.answer(begun_at, 7)
    assert tally.report() == {"begun": 2, "answered": 1, "abandoned": 2, "held_seconds": 3.0, "first_at": begun_at}
    assert tally.instants == {7: (begun_at, begun_at + 3.0)}
    assert tally.left == {8: begun_at + 2.0}
