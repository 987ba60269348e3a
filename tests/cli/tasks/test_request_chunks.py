import json

from hypothesis import given, strategies as st

from cli.tasks.prompts import Prompt, PromptLine
from cli.tasks.request_chunks import Chunk, chunks_of, derived_keys, requests_of

PROMPTS: st.SearchStrategy[list[Prompt]] = st.lists(
    st.one_of(st.text(max_size=40), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3)), max_size=30
)
COMMON = st.dictionaries(st.sampled_from(["model", "lane", "deadline_seconds"]), st.one_of(st.text(), st.floats(1, 9)))


@given(PROMPTS, COMMON, st.integers(1, 10), st.integers(60, 300))
def test_requests_carry_all_prompts_in_order_within_the_limits(
    prompts: list[Prompt], common: dict[str, str | float], max_prompts: int, max_bytes: int
) -> None:
    seen: list[Prompt] = []
    for count, body in requests_of(prompts, common, max_prompts=max_prompts, max_bytes=max_bytes):
        request = json.loads(body)
        assert {name: value for name, value in request.items() if name != "prompts"} == common
        assert 1 <= count == len(request["prompts"]) <= max_prompts
        assert len(body) <= max_bytes or count == 1
        seen += request["prompts"]
    assert seen == prompts


def test_no_request_is_made_for_no_prompt() -> None:
    assert list(requests_of([], {})) == []


def test_many_prompts_go_in_requests_of_five_hundred() -> None:
    assert [count for count, _ in requests_of(["x"] * 1_200, {})] == [500, 500, 200]


def chunked(prompts: list[str], *, run: str = "", model: str = "m") -> list[Chunk]:
    lines = [PromptLine(prompt, f"row-{number}") for number, prompt in enumerate(prompts)]
    return list(chunks_of(lines, {"model": model}, derived_keys(run), max_prompts=2))


def test_a_chunk_has_the_lines_of_its_body() -> None:
    chunks = chunked(["a", "b", "c"])
    assert [[line.custom_id for line in chunk.lines] for chunk in chunks] == [["row-0", "row-1"], ["row-2"]]
    assert [json.loads(chunk.body)["prompts"] for chunk in chunks] == [["a", "b"], ["c"]]


def test_the_same_input_has_the_same_keys_and_no_two_requests_of_it_have_one() -> None:
    prompts = ["a", "b", "a", "b", "c"]
    keys = [chunk.idempotency_key for chunk in chunked(prompts)]
    assert [chunk.idempotency_key for chunk in chunked(prompts)] == keys
    assert len(set(keys)) == 3
    # What comes behind, as when a last line is mended, changes nothing of what stands before it.
    assert [chunk.idempotency_key for chunk in chunked([*prompts[:4], "mended", "d"])][:2] == keys[:2]


def test_another_run_and_other_options_have_other_keys() -> None:
    keys = {
        chunk.idempotency_key
        for chunks in (chunked(["a"]), chunked(["a"], run="again"), chunked(["a"], model="other"), chunked(["b"]))
        for chunk in chunks
    }
    assert len(keys) == 4
    assert all(1 <= len(key) <= 250 and key.isascii() and key.isprintable() for key in keys)
