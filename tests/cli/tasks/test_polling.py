from hypothesis import given, strategies as st

from cli.tasks.polling import IDS_PER_QUERY, pause_seconds, queries


@given(st.integers(0, 6_000), st.integers(0, 1_000))
def test_a_round_asks_for_different_ids_in_few_queries(count: int, round_number: int) -> None:
    unfinished = [str(number) for number in range(count)]
    found = queries(unfinished, round_number)
    asked = [task_id for query in found for task_id in query]
    assert len(found) <= 10
    assert all(1 <= len(query) <= IDS_PER_QUERY for query in found)
    assert len(set(asked)) == len(asked) == min(count, 1_000)
    assert set(asked) <= set(unfinished)


@given(st.integers(1, 8_000))
def test_the_oldest_are_always_asked_for_and_every_other_one_in_turn(count: int) -> None:
    unfinished = [str(number) for number in range(count)]
    seen: set[str] = set()
    for round_number in range(1 + count // 500):
        asked = {task_id for query in queries(unfinished, round_number) for task_id in query}
        assert set(unfinished[:500]) <= asked
        seen |= asked
    assert seen == set(unfinished)


def test_a_round_that_found_most_tasks_final_is_followed_by_the_next_at_once() -> None:
    assert pause_seconds(asked=1_000, finished=600) == 0
    assert pause_seconds(asked=1_000, finished=100) == 0.5
    assert pause_seconds(asked=4, finished=3) == 0.25
