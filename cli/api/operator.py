"""Operators' requests: with their token, where the API's profile or this machine's settings have one."""

from cli.addresses import ApiAddress
from cli.errors import CommandError
from cli.exit_codes import ExitCode
from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from producer_api.settings import Settings


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
