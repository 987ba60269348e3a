from typing import Any

from hypothesis import given, strategies as st

from common.store.idempotency import Stamp
from common.task import Lane, new_task_id
from producer_api.batch import Batch, Prompt, Terms, prepare_batch, restamped

LIMIT = 1_000_000

texts = st.text(max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
prompts = st.builds(Prompt, st.dictionaries(texts, values, max_size=4), st.dictionaries(texts, texts, max_size=3))
terms = st.builds(
    Terms,
    tenant=st.just("local"),
    lane=st.sampled_from(Lane),
    expires_in_seconds=st.just(60.0),
    traceparent=st.none() | st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
)
times = st.integers(0, 10**13).map(lambda millis: millis / 1000)


def stamp(count: int, created_at: float, expires_at: float) -> Stamp:
    return Stamp([new_task_id() for _ in range(count)], created_at, expires_at)


@given(st.lists(prompts, min_size=1, max_size=4), terms, times, times)
def test_a_batch_under_another_stamp_is_byte_by_byte_what_that_stamp_would_have_made(
    some: list[Prompt], common: Terms, first: float, second: float
) -> None:
    ours, theirs = stamp(len(some), first, first + 60), stamp(len(some), second, second + 60)
    made: Batch = prepare_batch(some, common, theirs, max_prompt_bytes=LIMIT)
    again = restamped(prepare_batch(some, common, ours, max_prompt_bytes=LIMIT), theirs)
    assert again == made
    assert again.stamp.task_ids == theirs.task_ids


def test_a_part_of_a_batch_has_its_records_and_their_size() -> None:
    common: dict[str, Any] = {"tenant": "local", "lane": Lane.BATCH, "expires_in_seconds": 60.0}
    whole = prepare_batch(
        [Prompt({"n": number}, {}) for number in range(4)], Terms(**common), stamp(4, 1.0, 2.0), max_prompt_bytes=LIMIT
    )
    part = whole.only({whole.task_ids[1], whole.task_ids[3]})
    assert [record.key.decode() for record in part.records] == part.task_ids
    assert [task.task_id for task in part.tasks(part.task_ids)] == part.task_ids
    assert list(part.records) == [whole.records[1], whole.records[3]]
    assert part.size_bytes == sum(len(record.value) for record in part.records)
