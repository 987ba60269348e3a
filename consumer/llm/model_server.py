"""The model server as it is reached. Nothing else imports the SDK.

The SDK knows addresses, keys and headers, as it does for everybody. The bytes go over one pool of connections beside
it: the way through the SDK's own layers costs several times what the exchange itself does.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from consumer.settings import LlmSettings

_CONNECT_TIMEOUT_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 30.0


# Headers of a request beside those of every request, by what it is made for.
Carried = Callable[[], Mapping[str, str] | None]


def nothing_carried() -> None:
    """For who has no such headers."""


class ModelServer:
    """Sends requests, nothing more: no answer is judged here, none is asked for twice. Close it at the end."""

    def __init__(self, client: AsyncOpenAI, session: aiohttp.ClientSession, carried: Carried = nothing_carried) -> None:
        self._client = client
        self._session = session
        self._carried = carried
        self._addresses: dict[str, str] = {}

    def post(self, endpoint: str, body: bytes) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send `body` to `endpoint` ("/v1/…"); leaving the context before the answer's end closes the connection.

        Entering raises, as reading does:
            aiohttp.ClientError, OSError: the exchange broke off, or never began.
        """
        # Followed, a redirected POST would arrive as a GET.
        return self._session.post(self._address_of(endpoint), data=body, headers=self._carried(), allow_redirects=False)

    def get(self, endpoint: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask for `endpoint` ("/v1/…"); entering raises as that of `post` does."""
        return self._session.get(self._address_of(endpoint), allow_redirects=False)

    def _address_of(self, endpoint: str) -> str:
        address = self._addresses.get(endpoint)
        if address is None:
            address = self._addresses[endpoint] = _address(self._client.base_url, endpoint)
        return address

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        await self._client.close()


def create_model_server(settings: LlmSettings, *, concurrency: int, carried: Carried = nothing_carried) -> ModelServer:
    """One for the process, made while the event loop runs."""
    tls = httpx2.create_ssl_context()
    # The SDK asks for a key even of those who need none; where there is none no header is sent.
    key = "none" if settings.api_key is None else settings.api_key.get_secret_value()
    client = AsyncOpenAI(api_key=key, base_url=settings.base_url, http_client=DefaultAioHttpClient(verify=tls))
    session = aiohttp.ClientSession(
        headers=_headers(client, send_key=settings.api_key is not None),
        connector=aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=_KEEP_ALIVE_SECONDS, ssl=tls),
        # A whole call has its own limit.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_SECONDS),
        # One call's cookie is no business of the next one's.
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=_proxy(settings.base_url),
    )
    return ModelServer(client, session, carried)


def _headers(client: AsyncOpenAI, *, send_key: bool) -> dict[str, str]:
    merged = {**client.auth_headers, **client.default_headers}
    headers = {name: value for name, value in merged.items() if isinstance(value, str)}
    if not send_key:
        headers.pop("Authorization", None)
    # A packed answer could unpack to a thousand times its size before its length is looked at.
    headers["Accept-Encoding"] = "identity"
    return headers


def _address(base_url: httpx2.URL, endpoint: str) -> str:
    path, mark, query = base_url.raw_path.partition(b"?")
    whole = path.rstrip(b"/") + endpoint.removeprefix("/v1").encode() + mark + query
    return str(base_url.copy_with(raw_path=whole))


def _proxy(base_url: str) -> str | None:
    """What the environment says, asked once: asking for each call costs more than the call."""
    address = urlsplit(base_url)
    if proxy_bypass(address.netloc):
        return None
    proxies = getproxies()
    named = proxies.get(address.scheme) or proxies.get("all")
    return f"http://{named}" if named and "://" not in named else named
