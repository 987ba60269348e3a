"""Making a connection to Redis as its address says: TCP, TLS or a Unix socket, name, password, database."""

import asyncio
from typing import Any

from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection

from common.settings import RedisSettings
from common.store.resp import ReplyError, encode_command
from common.store.wire import Heard, Timed, Wire, WireBroken

# Some 10 MB of a bulk request's commands.
_MOST_IN_FLIGHT = 20_000


def tls_options(settings: RedisSettings) -> dict[str, str]:
    """What redis-py is told of the files that the settings name; what the address says goes before it."""
    if not settings.is_encrypted:
        return {}
    files, password = settings.tls, settings.ssl_key_password
    options = {
        "ssl_ca_certs": None if files.cafile is None else str(files.cafile),
        "ssl_certfile": None if files.certfile is None else str(files.certfile),
        "ssl_keyfile": None if files.keyfile is None else str(files.keyfile),
        "ssl_password": None if password is None else password.get_secret_value(),
    }
    return {name: value for name, value in options.items() if value is not None}


class Dialler:
    """Makes connections that Redis knows as `client_name`. redis-py reads the address, with all that it may say.

    `timed` is told how long round trips over them take, in seconds.
    """

    def __init__(self, settings: RedisSettings, client_name: str, timed: Timed | None = None) -> None:
        pool = ConnectionPool.from_url(settings.url.get_secret_value(), **tls_options(settings))
        self._address = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's
        self._timeout_seconds = settings.timeout_seconds
        self._client_name = client_name
        self._timed = timed

    async def connect(self, heard: Heard | None = None) -> Wire:
        """A connection that is ready for commands; one for subscriptions has `heard`, which takes their messages.

        Raises:
            OSError: there is none to be had within the timeout, or Redis refuses us.
        """
        async with asyncio.timeout(self._timeout_seconds):
            wire = await self._open(heard)
            try:
                _welcome(await wire.ask(self._greeting()))
            except BaseException:
                wire.abort("not ready")
                raise
        return wire

    async def _open(self, heard: Heard | None) -> Wire:
        loop = asyncio.get_running_loop()

        def protocol() -> Wire:
            return Wire(
                silence_seconds=self._timeout_seconds, max_in_flight=_MOST_IN_FLIGHT, heard=heard, timed=self._timed
            )

        match self._address:
            case UnixDomainSocketConnection(path=path):
                _, wire = await loop.create_unix_connection(protocol, path)
            case SSLConnection(host=host, port=port, ssl_context=tls):
                _, wire = await loop.create_connection(protocol, host, port, ssl=tls.get(), server_hostname=host)
            case Connection(host=host, port=port):
                _, wire = await loop.create_connection(protocol, host, port)
            case other:
                raise TypeError(f"no way to connect by {type(other).__name__}")
        return wire

    def _greeting(self) -> list[bytes]:
        address = self._address
        greeting = [encode_command("CLIENT", "SETNAME", self._client_name), encode_command("SELECT", address.db or 0)]
        if address.username or address.password:
            names = [address.username] if address.username else []
            greeting.insert(0, encode_command("AUTH", *names, address.password or ""))
        return greeting


def _welcome(replies: list[Any]) -> None:
    for reply in replies:
        if isinstance(reply, ReplyError):
            raise WireBroken(f"refused with {reply.code}")
