"""What pages of other origins have browsers send."""

import pytest

from producer_api.cross_site import is_cross_site
from tests.support.api import Api

HOST = "127.0.0.1:8000"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        # Another port of this machine is another origin of the same site.
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:3000"}, True),
        ({"origin": f"http://{HOST}"}, False),
        ({"origin": "http://127.0.0.1:3000"}, True),
        ({"origin": "https://elsewhere.example"}, True),
        ({"origin": "null"}, True),
        ({"sec-fetch-site": "cross-site", "authorization": "Bearer sk-mine"}, False),
    ],
    ids=str,
)
def test_a_browser_says_whose_page_a_request_is_of(headers: dict[str, str], *, expected: bool) -> None:
    for method in ("POST", "DELETE"):
        assert is_cross_site(method, {"host": HOST, **headers}) is expected
    assert not is_cross_site("GET", {"host": HOST, **headers})


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}], ids=str
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/tasks"),
        ("POST", "/v1/tasks/cancel"),
        ("DELETE", "/v1/tasks/01a20894-7494-752d-a6b1-787f9a4dd4f1"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/operator/dead-letters/redrive"),
        ("POST", "/v1/operator/tasks/retry"),
    ],
)
async def test_a_page_of_another_origin_changes_nothing(
    api: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    # A form's content type: a browser asks nobody first.
    body = '{"prompts": ["paid for by somebody else"], "all": true}'
    answer = await api.ask(method, path, data=body, headers={"Content-Type": "text/plain", **headers})
    assert (answer.status, answer.body["error"]["code"]) == (403, "cross_site_request")
    assert "paid for" not in str(answer.body)


async def test_the_dashboards_own_requests_pass(api: Api) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": api.url}
    answer = await api.try_submit_as("of-our-own-page", ["hello"])
    assert answer.status == 202
    answer = await api.ask("POST", "/v1/tasks", json={"prompts": ["hello"]}, headers=headers)
    assert answer.status == 202
