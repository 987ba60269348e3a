"""Profiles: remote APIs by name, each with its address and tokens, in one file of the user's."""

import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.errors import CommandError
from cli.exit_codes import ExitCode

PROFILE_VARIABLE = "PROMPTMILL_PROFILE"

_FIELDS = ("url", "token", "token_env", "operator_token", "operator_token_env")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Profile:
    """One remote API. `warning` says what is wrong with the file without keeping the profile from being used."""

    url: str
    token: str | None = field(default=None, repr=False)
    operator_token: str | None = field(default=None, repr=False)
    warning: str | None = None


def profiles_file(environ: Mapping[str, str]) -> Path:
    """Where the profiles are: `promptmill/profiles.toml` in the user's folder of configuration."""
    folder = environ.get("XDG_CONFIG_HOME") or ""
    home = Path(folder) if Path(folder).is_absolute() else Path(environ.get("HOME") or "~").expanduser() / ".config"
    return home / "promptmill" / "profiles.toml"


def profile_names(file: Path) -> list[str]:
    """The names in the file, none where it cannot be read: for completion, which must not fail."""
    try:
        return [
            name for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items() if isinstance(entry, dict)
        ]
    except (OSError, ValueError):
        return []


def read_profile(name: str, file: Path, environ: Mapping[str, str]) -> Profile:
    """The profile of that name; tokens that it takes from the environment are in it.

    Raises:
        CommandError: There is none, or it cannot be used; no token is quoted.
    """
    entries = _entries(file)
    entry = entries.get(name)
    if not isinstance(entry, dict):
        known = ", ".join(sorted(each for each, value in entries.items() if isinstance(value, dict))) or "none"
        raise CommandError(f"{file} has no profile {name!r}; it has: {known}", ExitCode.USAGE)
    where = f"{file}, profile {name}"
    for key, value in entry.items():
        if key not in _FIELDS:
            raise CommandError(f"{where}: {key!r} is none of {', '.join(_FIELDS)}", ExitCode.USAGE)
        if not isinstance(value, str) or not value:
            raise CommandError(f"{where}: {key} should be a text", ExitCode.USAGE)
    if "url" not in entry:
        raise CommandError(f'{where}: it needs a url = "https://…"', ExitCode.USAGE)
    return Profile(
        url=entry["url"],
        token=_token("token", entry, where, environ),
        operator_token=_token("operator_token", entry, where, environ),
        warning=_warning(file, entries),
    )


def _entries(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{file} does not exist: write [NAME], and below it url and token_env, into it"
        raise CommandError(message, ExitCode.USAGE) from None
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"{file} is no TOML: {error}", ExitCode.USAGE) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {type(error).__name__}", ExitCode.USAGE) from error


def _token(field_name: str, entry: Mapping[str, str], where: str, environ: Mapping[str, str]) -> str | None:
    token, variable = entry.get(field_name), entry.get(f"{field_name}_env")
    if token is not None and variable is not None:
        raise CommandError(f"{where}: {field_name} or {field_name}_env, not both", ExitCode.USAGE)
    if variable is not None:
        token = environ.get(variable)
        if not token:
            raise CommandError(
                f"{where}: the variable {variable}, which has its {field_name}, is not set", ExitCode.USAGE
            )
    if token is not None and not (token.isascii() and token.isprintable()):
        raise CommandError(f"{where}: {field_name} has characters that no header can carry", ExitCode.USAGE)
    return token


def _warning(file: Path, entries: Mapping[str, Any]) -> str | None:
    """Whether others of this machine may read the tokens that stand in the file."""
    has_token = any(
        isinstance(entry, dict) and ("token" in entry or "operator_token" in entry) for entry in entries.values()
    )
    if has_token and stat.S_IMODE(file.stat().st_mode) & _OTHERS:
        return f"{file} holds a token and others may read it: chmod 600 {file}"
    return None
