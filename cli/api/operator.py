"""Operators' requests: with their token, where the API's profile or this machine's settings have one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from cli.addresses import ApiAddress
from cli.api.link import ApiLink, linked_api
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from producer_api.settings import Settings

T = TypeVar("T")


def ask_as_operator(
    address: ApiAddress, console: Console, ask: Callable[[ApiLink, Mapping[str, str]], Awaitable[T]]
) -> T | None:
    """What `ask` returns, given a link to the API and what operators' requests carry; None when it was interrupted.

    What there is to say of the API is said on `console`.

    Raises:
        CommandError: The settings are wrong; and what `ask` raises.
    """
    headers = operator_headers(address)

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    async def run() -> T:
        async with linked_api(address, say) as link:
            return await ask(link, headers)

    say(f"API {address.value} ({address.source})")
    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        return None


def operator_headers(address: ApiAddress) -> dict[str, str]:
    """What operators' requests to this API carry: its profile's token; without a profile that of the settings here.

    Raises:
        CommandError: The settings are wrong.
    """
    if address.profile is not None:
        return bearer(address.operator_token)
    try:
        token = load_settings(Settings).api.operator_token
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    return bearer(None if token is None else token.get_secret_value())


def bearer(token: str | None) -> dict[str, str]:
    """The header that carries a token, if there is one."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}
