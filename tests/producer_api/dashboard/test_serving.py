"""The dashboard as the API serves it."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from producer_api.dashboard.files import read_dashboard
from tests.support.api import Api

TYPES = {
    "app.js": "text/javascript; charset=utf-8",
    "first-paint.js": "text/javascript; charset=utf-8",
    "style/1-tokens.css": "text/css; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Served:
    """An answer with its body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """A client that leaves paths as they are, and follows nowhere."""

    root: str

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> Served:
        return await asyncio.to_thread(self._get, path, method, headers)

    def _get(self, path: str, method: str, headers: Mapping[str, str]) -> Served:
        with closing(HTTPConnection(urlsplit(self.root).netloc, timeout=30)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Served(response.status, found, response.read())


@pytest.fixture
def site(api: Api) -> Site:
    return Site(api.url)


@pytest.fixture(scope="module")
def version() -> str:
    return read_dashboard().version


async def test_the_page_is_at_the_root_and_asked_for_anew_each_time(site: Site) -> None:
    page = await site.get("/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert page.body.startswith(b"<!doctype html>")


async def test_all_that_the_page_names_is_there_and_kept_for_ever(site: Site) -> None:
    page = (await site.get("/")).body.decode()
    named = re.findall(r'(?:src|href)="(dashboard/[^"]+)"', page)
    assert len(set(named)) > 20
    for path in set(named):
        answer = await site.get(f"/{path}")
        assert (answer.status, answer.headers["cache-control"]) == (200, FOR_EVER), path
        assert answer.body
        assert answer.headers["content-type"] in set(TYPES.values())


@pytest.mark.parametrize("path", TYPES)
async def test_a_file_has_its_type(site: Site, version: str, path: str) -> None:
    answer = await site.get(f"/dashboard/{version}/{path}")
    assert answer.headers["content-type"] == TYPES[path]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/dashboard/{version}/app.js"])
async def test_the_policy_lets_no_script_in_from_elsewhere_or_out_of_text(site: Site, version: str, path: str) -> None:
    headers = (await site.get(path.format(version=version))).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/dashboard/{version}/app.js"])
async def test_what_the_browser_has_is_not_sent_again(site: Site, version: str, path: str) -> None:
    path = path.format(version=version)
    whole = await site.get(path)
    etag = whole.headers["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = await site.get(path, if_none_match=known)
        assert (again.status, again.body) == (304, b""), known
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == whole.headers["cache-control"]
        assert again.headers["content-security-policy"] == whole.headers["content-security-policy"]
    assert (await site.get(path, if_none_match='"other"')).body == whole.body


async def test_a_page_of_another_version_is_served_and_does_not_keep_it(site: Site, version: str) -> None:
    ours = await site.get(f"/dashboard/{version}/app.js")
    other = await site.get("/dashboard/0123456789abcdef/app.js")
    assert (other.status, other.body) == (200, ours.body)
    assert other.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "index.html",
        "",
        "style",
        "style/",
        "../files.py",
        "%2e%2e/files.py",
        "..%2ffiles.py",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "app.js/",
        "style/../app.js",
        "APP.JS",
        "app.js%00",
    ],
)
async def test_only_the_files_that_were_read_are_there(site: Site, version: str, path: str) -> None:
    answer = await site.get(f"/dashboard/{version}/{path}")
    assert answer.status == 404
    assert b"import" not in answer.body


async def test_head_says_the_same_without_the_content(site: Site) -> None:
    whole, head = await asyncio.gather(site.get("/"), site.get("/", method="HEAD"))
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "etag", "content-type", "content-security-policy"):
        assert head.headers[name] == whole.headers[name]


async def test_it_takes_nothing(api: Api) -> None:
    for path in ("/", "/dashboard/x/app.js"):
        answer = await api.ask("POST", path)
        assert answer.status == 405
        assert "GET" in answer.headers["allow"]


async def test_what_there_is_not_under_v1_is_still_an_error_of_the_api(api: Api) -> None:
    answer = await api.ask("GET", "/v1/dashboard")
    assert (answer.status, answer.body["error"]["code"]) == (404, "unknown_url")
