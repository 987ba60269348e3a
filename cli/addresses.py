"""Where the API and Kafka are: what the user says first, then the local stack of this folder, then the default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.profiles import PROFILE_VARIABLE, profiles_file, read_profile

API_URL_VARIABLE = "PROMPTMILL_API_URL"
DEFAULT_API_URL = "http://127.0.0.1:8000"

# Where `promptmill up` keeps its data, and what it writes there; relative to the folder that it was started in.
DEFAULT_DATA_DIR = Path(".promptmill")
STACK_FILE = DEFAULT_DATA_DIR / "stack.json"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is, and who says so, in words that end a sentence."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class ApiAddress(Address):
    """The API's base URL, without a slash at its end, and what requests to it carry.

    `profile` is the name of the one it is from, and `warning` is what its user should know of that.
    """

    profile: str | None = None
    token: str | None = field(default=None, repr=False)
    operator_token: str | None = field(default=None, repr=False)
    warning: str | None = None


def api_address(
    option: str | None, environ: Mapping[str, str], folder: Path, *, profile: str | None = None
) -> ApiAddress:
    """The first there is of: `--api`, `--profile`, the URL of the environment, its profile, `folder`'s stack, default.

    A token belongs to its profile's URL and is sent to no other.

    Raises:
        CommandError: It is no http:// or https:// URL or has a password in it, or the stack's or the profiles' file
            cannot be used.
    """
    if option and profile:
        raise CommandError("an API is named by --api or by --profile: not both", ExitCode.USAGE)
    if option:
        found = ApiAddress(option, "from --api")
    elif profile:
        found = _profile_address(profile, "from --profile", environ)
    elif environ.get(API_URL_VARIABLE):
        found = ApiAddress(environ[API_URL_VARIABLE], f"from {API_URL_VARIABLE}")
    elif environ.get(PROFILE_VARIABLE):
        found = _profile_address(environ[PROFILE_VARIABLE], f"from {PROFILE_VARIABLE}", environ)
    else:
        stack = _stack_address(folder, "api")
        found = ApiAddress(DEFAULT_API_URL, "the default") if stack is None else ApiAddress(stack.value, stack.source)
    whose = f"the API's address ({found.source})"
    if _has_credentials(found.value):
        # Not quoted: a password may stand in it, in whatever form.
        message = (
            f"{whose} should have no name and password in it: write it into profiles.toml with the token of its API, "
            "and give --profile"
        )
        raise CommandError(message, ExitCode.USAGE)
    if not is_http_url(found.value):
        raise CommandError(f"{whose} should look like {DEFAULT_API_URL}: {found.value!r}", ExitCode.USAGE)
    return replace(found, value=found.value.rstrip("/"))


def _profile_address(name: str, source: str, environ: Mapping[str, str]) -> ApiAddress:
    profile = read_profile(name, profiles_file(environ), environ)
    return ApiAddress(
        profile.url,
        f"profile {name}, {source}",
        profile=name,
        token=profile.token,
        operator_token=profile.operator_token,
        warning=profile.warning,
    )


def kafka_address_of_stack(folder: Path) -> Address | None:
    """The bootstrap servers of `folder`'s local stack; None where there is none.

    Raises:
        CommandError: The stack's file cannot be read.
    """
    return _stack_address(folder, "kafka")


def redis_address_of_stack(folder: Path) -> Address | None:
    """The URL of the store of `folder`'s local stack; None where there is none.

    Raises:
        CommandError: The stack's file cannot be read.
    """
    return _stack_address(folder, "redis")


def _stack_address(folder: Path, service: str) -> Address | None:
    path = folder / STACK_FILE
    try:
        stack: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandError(f"{STACK_FILE} cannot be read: {error}", ExitCode.USAGE) from error
    address = stack.get(service) if isinstance(stack, dict) else None
    if not isinstance(address, str):
        raise CommandError(f'{STACK_FILE} has no address "{service}"', ExitCode.USAGE)
    return Address(address, f"from {STACK_FILE}")


def _has_credentials(address: str) -> bool:
    if not is_http_url(address):
        return "@" in address
    return "@" in urlsplit(address).netloc


def is_http_url(text: str) -> bool:
    """Whether this is an http:// or https:// URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
