"""Operators' requests: with their token, where this machine's settings have one."""

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from common.settings import SettingsError, load_settings
from producer_api.settings import Settings


def operator_headers() -> dict[str, str]:
    """What operators' requests carry.

    Raises:
        CommandError: The settings are wrong.
    """
    try:
        token = load_settings(Settings).api.operator_token
    except SettingsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from None
    return {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
