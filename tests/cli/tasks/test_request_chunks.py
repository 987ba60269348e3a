import json

from hypothesis import given, strategies as st

from cli.tasks.prompts import Prompt
from cli.tasks.request_chunks import requests_of

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
