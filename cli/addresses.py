"""Where the API and Kafka are: what the user says first, then the local stack of this folder, then the default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.errors import CommandError
from cli.exit_codes import ExitCode

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


def api_address(option: str | None, environ: Mapping[str, str], folder: Path) -> Address:
    """The API's base URL, without a slash at its end: `--api`, the environment, `folder`'s stack, the default.

    Raises:
        CommandError: It is no http:// or https:// URL, or the stack's file cannot be read.
    """
    if option:
        found = Address(option, "from --api")
    elif environ.get(API_URL_VARIABLE):
        found = Address(environ[API_URL_VARIABLE], f"from {API_URL_VARIABLE}")
    else:
        found = _stack_address(folder, "api") or Address(DEFAULT_API_URL, "the default")
    if not is_http_url(found.value):
        raise CommandError(
            f"the API's address ({found.source}) should look like {DEFAULT_API_URL}: {found.value!r}", ExitCode.USAGE
        )
    return Address(found.value.rstrip("/"), found.source)


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


def is_http_url(text: str) -> bool:
    """Whether this is an http:// or https:// URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
