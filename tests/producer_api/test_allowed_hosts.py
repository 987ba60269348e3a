"""By which names the API may be called."""

import pytest

from producer_api.allowed_hosts import AllowedHosts
from tests.support.api import Api

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a setting's value; nothing listens


@pytest.mark.parametrize(
    ("names", "listens_on", "host", "expected"),
    [
        ("", LOOPBACK, "127.0.0.1:8000", True),
        ("", LOOPBACK, "127.0.0.1", True),
        ("", LOOPBACK, "[::1]:8000", True),
        ("", LOOPBACK, "192.168.0.7:8000", True),
        ("", LOOPBACK, "localhost:8000", True),
        ("", LOOPBACK, "LocalHost.", True),
        ("", LOOPBACK, "promptmill.localhost:8000", True),
        ("", LOOPBACK, "desk:8000", True),
        ("", LOOPBACK, None, True),
        ("", LOOPBACK, "", True),
        ("", LOOPBACK, "evil.example:8000", False),
        ("", LOOPBACK, "evil.example", False),
        ("", LOOPBACK, "127.0.0.1.evil.example", False),
        ("", LOOPBACK, "localhost.evil.example", False),
        ("", LOOPBACK, "evillocalhost.example", False),
        ("", LOOPBACK, "127.0.0.1@evil.example", False),
        ("", LOOPBACK, "[evil.example", False),
        ("", "::1", "evil.example", False),
        ("", "localhost", "evil.example", False),
        ("", EVERYWHERE, "mill.example", True),
        ("", "mill.example", "mill.example", True),
        ("localhost", EVERYWHERE, "evil.example", False),
        ("localhost", EVERYWHERE, "api:8000", True),
        ("mill.example, Other.Example", EVERYWHERE, "other.example:443", True),
        ("mill.example", LOOPBACK, "MILL.example", True),
        ("mill.example", EVERYWHERE, "sub.mill.example", False),
        ("*", LOOPBACK, "evil.example", True),
        (" , ", LOOPBACK, "evil.example", False),
    ],
)
def test_names_that_a_page_elsewhere_may_have_are_to_be_allowed(
    names: str, listens_on: str, host: str | None, *, expected: bool
) -> None:
    hosts = AllowedHosts(names, listens_on=listens_on)
    # Also from what it keeps.
    assert [hosts.allows(host), hosts.allows(host)] == [expected, expected]


def test_what_many_clients_call_it_is_not_kept_for_ever() -> None:
    hosts = AllowedHosts("", listens_on=LOOPBACK)
    for number in range(2_000):
        assert not hosts.allows(f"name-{number}.example")
    assert hosts.allows("localhost")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/tasks"),
        ("GET", "/v1/tasks?limit=1"),
        ("GET", "/v1/tasks/01a20894-7494-752d-a6b1-787f9a4dd4f1"),
        ("GET", "/v1/tasks/stream?task_ids=01a20894-7494-752d-a6b1-787f9a4dd4f1"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
        ("GET", "/v1/operator/overview"),
    ],
)
async def test_a_page_whose_name_leads_here_reads_nothing_and_runs_nothing(api: Api, method: str, path: str) -> None:
    # What a browser sends for it: to it the API is the page's own origin.
    headers = {"Host": "rebound.example:8000", "Origin": "http://rebound.example:8000", "Authorization": "Bearer x"}
    answer = await api.ask(method, path, headers=headers, json={"prompts": ["x"]} if method == "POST" else None)
    assert (answer.status, answer.body["error"]["code"]) == (403, "host_not_allowed")
    assert "PROMPTMILL_API__ALLOWED_HOSTS" in answer.body["error"]["message"]
    assert "rebound" not in str(answer.body)
