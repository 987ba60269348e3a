from typing import Any

import pytest
from hypothesis import given, strategies as st

from producer_api.errors import RefusedRequest
from producer_api.openai_compat.response_input import page_of


def items(count: int) -> list[dict[str, Any]]:
    return [{"id": f"msg_{number}"} for number in range(count)]


@given(count=st.integers(0, 60), limit=st.integers(1, 25), order=st.sampled_from(["asc", "desc"]))
def test_page_by_page_every_item_is_listed_once(count: int, limit: int, order: str) -> None:
    query = {"limit": str(limit), "order": order}
    listed: list[str] = []
    while True:
        page = page_of(items(count), query)
        listed += [item["id"] for item in page["data"]]
        assert len(page["data"]) <= limit
        if not page["has_more"]:
            break
        assert page["last_id"] == listed[-1]
        query["after"] = page["last_id"]
    expected = [item["id"] for item in items(count)]
    assert listed == (expected if order == "asc" else expected[::-1])


def test_without_more_the_newest_twenty_come_first() -> None:
    page = page_of(items(30), {})
    assert (page["first_id"], page["last_id"], len(page["data"])) == ("msg_29", "msg_10", 20)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "many"}, "limit"), ({"limit": "²"}, "limit"),
        ({"limit": "9" * 5000}, "limit"), ({"order": "up"}, "order"), ({"after": "msg_other"}, "after"),
    ],
)  # fmt: skip
def test_what_cannot_be_listed_is_refused(query: dict[str, str], param: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        page_of(items(3), query)
    assert refused.value.error.param == param
