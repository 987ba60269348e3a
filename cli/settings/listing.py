"""Every setting of the services as rows: its variable, its value, where that came from; pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from common.setting_loading import setting_variables
from common.setting_names import (
    ENV_DELIMITER,
    ENV_PREFIX,
    FILE_SUFFIX,
    UnknownVariable,
    variable_name,
    variables_of_no_group,
)
from common.settings import OPENTELEMETRY_NAMES, ServiceSettings
from consumer.settings import OPENAI_NAMES

_MASK = "********"
_SECRET_ADDRESSES = ("redis://", "rediss://", "unix://")

# Read where our own name for the same thing is not set; the services' settings do it too.
_FALLBACKS = {
    variable_name(group, name): variable
    for group, variables in (("llm", OPENAI_NAMES), ("tracing", OPENTELEMETRY_NAMES))
    for name, variable in variables.items()
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `value` is ready to be shown: secrets are masked.

    `source` is `default`, or the variable that has it, or the file that a variable names.
    """

    variable: str
    value: str | None
    source: str
    services: tuple[str, ...]
    meaning: str


def list_settings(services: Mapping[str, ServiceSettings], environ: Mapping[str, str]) -> list[Setting]:
    """Each setting once, in the order of the services' blocks; `services` has their names and loaded settings."""
    rows: dict[str, Setting] = {}
    readers: dict[str, list[str]] = {}
    present = {name.upper(): value for name, value in environ.items() if value}
    for service, settings in services.items():
        for block_name, block in _blocks(settings):
            for name, field in type(block).model_fields.items():
                variable = variable_name(block_name, name)
                readers.setdefault(variable, []).append(service)
                rows[variable] = Setting(
                    variable=variable,
                    value=_shown(getattr(block, name)),
                    source=_source(variable, variable_name(block_name), present),
                    services=tuple(readers[variable]),
                    meaning=field.description or "",
                )
    return list(rows.values())


def unknown_variables(
    settings_classes: Sequence[type[ServiceSettings]], environ: Mapping[str, str]
) -> list[UnknownVariable]:
    """The variables with our prefix that set nothing in any of the services, sorted."""
    settings = list(dict.fromkeys(name for settings in settings_classes for name in setting_variables(settings)))
    groups = {name for settings in settings_classes for name in settings.model_fields}
    grouped = {variable_name(group) + ENV_DELIMITER for group in groups}
    known = {*settings, *(name + FILE_SUFFIX for name in settings)}
    found = variables_of_no_group(environ, groups, settings)
    # Compared without what they all begin with, or everything would be near to everything.
    candidates = [name.removeprefix(ENV_PREFIX) for name in settings]
    for name in environ:
        if name.upper().startswith(tuple(grouped)) and name.upper() not in known:
            own = name.upper().removeprefix(ENV_PREFIX).removesuffix(FILE_SUFFIX)
            nearest = get_close_matches(own, candidates, n=1)
            found.append(UnknownVariable(name, ENV_PREFIX + nearest[0] if nearest else None))
    return sorted(found)


def _blocks(settings: ServiceSettings) -> list[tuple[str, BaseModel]]:
    return [(name, getattr(settings, name)) for name in type(settings).model_fields]


def _source(variable: str, block_variable: str, present: Mapping[str, str]) -> str:
    if variable in present:
        return variable
    if variable + FILE_SUFFIX in present:
        return f"file {present[variable + FILE_SUFFIX]}"
    if block_variable in present and _sets(present[block_variable], variable, block_variable):
        return block_variable
    fallback = _FALLBACKS.get(variable)
    if fallback is not None and fallback in present:
        return fallback
    return "default"


def _sets(block_json: str, variable: str, block_variable: str) -> bool:
    """Whether a whole block given as JSON has this setting."""
    try:
        block = json.loads(block_json)
    except ValueError:
        return False
    name = variable.removeprefix(block_variable + ENV_DELIMITER).lower()
    return isinstance(block, dict) and name in block


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        # Where Redis is is no secret; who may use it is.
        return _without_credentials(secret) if secret.startswith(_SECRET_ADDRESSES) else _MASK
    return _without_credentials(str(value)) if "://" in str(value) else str(value)


def _without_credentials(url: str) -> str:
    """The address alone: names, passwords and queries may let somebody in."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _MASK
    credentials, at, host = parts.netloc.rpartition("@")
    name = f"{_MASK}{at}" if credentials else at
    query = f"?{_MASK}" if parts.query else ""
    return f"{parts.scheme}://{name}{host}{parts.path}{query}"
