"""Reading a service's settings: all of them, or every variable that is at fault."""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings.exceptions import SettingsError as SourceError

from common.setting_names import UnknownVariable, variable_name, variables_of_no_group
from common.setting_sources import SettingsError
from common.settings import Block, ServiceSettings

AnySettings = TypeVar("AnySettings", bound=ServiceSettings)


def load_settings(settings_class: type[AnySettings]) -> AnySettings:
    """Read a service's settings from the environment.

    Raises:
        SettingsError: one line per variable at fault; values are never quoted. A variable that no service knows is one.
    """
    faults = _unknown(settings_class, os.environ)
    try:
        settings = settings_class()
    except SourceError as error:
        # Ours are its causes; its own text names the field alone.
        faults.append(str(error.__cause__ if isinstance(error.__cause__, SettingsError) else error))
    except SettingsError as error:
        faults.append(str(error))
    except ValidationError as error:
        known = setting_variables(settings_class)
        faults += [_explain(item["type"], item["loc"], item["msg"], known) for item in error.errors()]
    else:
        if not faults:
            return settings
    raise SettingsError("\n".join(faults))


def setting_variables(settings_class: type[ServiceSettings]) -> list[str]:
    """The variables that set a service's settings, one each."""
    return [
        variable_name(group, name)
        for group, field in settings_class.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Block)
        for name in field.annotation.model_fields
    ]


def _unknown(settings_class: type[ServiceSettings], environ: Mapping[str, str]) -> list[str]:
    return [
        f"{unknown.variable}: {unknown.fault}"
        for unknown in variables_of_no_group(environ, settings_class.model_fields, setting_variables(settings_class))
    ]


def _explain(kind: str, location: tuple[int | str, ...], message: str, known: Sequence[str]) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    variable = variable_name(*map(str, location))
    if kind == "extra_forbidden":
        message = UnknownVariable(variable, next(iter(get_close_matches(variable, known, n=1)), None)).fault
    return f"{variable}: {message}"
