"""docker-compose.yml, read without Docker."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"


def composed_services() -> dict[str, dict[str, Any]]:
    """Return the services by name, as they are written."""
    services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))["services"]
    return services


def resolved(text: str, given: Mapping[str, str]) -> str:
    """Fill in `${NAME:-default}` as Compose does."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: given.get(found[1]) or found[2], text)


def environment_of(service: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return a service's environment, its variables filled in."""
    return {name: resolved(str(value), given) for name, value in service["environment"].items()}
