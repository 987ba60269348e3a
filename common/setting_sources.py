"""Where settings come from: the environment, files that it names, and names that others have for the same thing."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from common.setting_names import ENV_PREFIX, variable_name


class SettingsError(ValueError):
    """Settings that cannot be used; the text names each environment variable and what is wrong with it."""


class OtherNames(PydanticBaseSettingsSource):
    """Settings of one group under the names that other programs of the kind read, after our own names.

    `variables` has the variable of each setting; one that is empty is not set.
    """

    def __init__(self, settings_cls: type[BaseSettings], group: str, variables: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._group = group
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic's
        """Unused: the whole source is one value."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """What the source has."""
        found = {name: value for name, variable in self._variables.items() if (value := os.environ.get(variable))}
        return {self._group: found} if found else {}


class Environment(EnvSettingsSource):
    """The environment, where `NAME_FILE` sets NAME to that file's content without its trailing line end."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        resolved = dict(self.env_vars)
        for name in self.env_vars:
            if name.startswith(ENV_PREFIX.lower()) and name.endswith("_file"):
                path = resolved.pop(name)
                if path:
                    resolved.setdefault(name.removesuffix("_file"), _read_secret(name, path))
        self.env_vars = resolved

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:  # noqa: FBT001 - the signature is pydantic's
        """As pydantic has it; a block that is no JSON is told by its variable's name."""
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            raise SettingsError(f"{variable_name(field_name)}: is a group of settings: give a JSON object") from None


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name.upper()}: cannot read {path}: {type(error).__name__}") from error
