"""What a doctor looks at: the settings of both services here, those of `promptmill up` where it has run."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.settings.listing import unknown_variables
from common.setting_loading import AnySettings, load_settings
from common.setting_sources import SettingsError
from consumer.settings import Settings as WorkerSettings, SettingsForCalls
from producer_api.settings import Settings as ApiSettings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings, None where none can be used; `faults` are what is wrong with them, a line each.

    `of_stack` says that what the environment leaves open is as the local stack has it.
    """

    worker: WorkerSettings | None
    api: ApiSettings | None
    faults: tuple[str, ...]
    of_stack: bool


def read_surroundings(environ: Mapping[str, str], data_dir: Path) -> Surroundings:
    """Read the settings; variables that are at fault are named, and then taken as not set.

    `data_dir` is the local stack's, if there is one.
    """
    stack = stack_variables(data_dir)
    missing = {name: value for name, value in stack.items() if name not in environ}
    with _environment({**environ, **missing}):
        calling, faults = _load(SettingsForCalls)
        # Without a key for its model no worker starts; all else can be looked at.
        worker = calling or _load(WorkerSettings)[0]
        api, more = _load(ApiSettings)
    unknown = {
        variable.variable: f"{variable.variable}: {variable.fault}"
        for variable in unknown_variables([ApiSettings, WorkerSettings], environ)
    }
    others = [line for line in dict.fromkeys([*faults, *more]) if _variable(line) not in unknown]
    return Surroundings(worker, api, (*unknown.values(), *others), of_stack=bool(missing))


def stack_variables(data_dir: Path) -> dict[str, str]:
    """What a further worker of the stack is started with whose data is there; nothing where there is none."""
    try:
        text = (data_dir / "worker.env").read_text(encoding="utf-8")
        pairs = [word.partition("=") for word in shlex.split(text)]
    except (OSError, ValueError):
        return {}
    # One port of many is not the worker's that runs.
    return {name: value for name, sign, value in pairs if sign and not name.endswith("_PORT")}


def _load(settings_class: type[AnySettings]) -> tuple[AnySettings | None, list[str]]:
    try:
        return load_settings(settings_class), []
    except SettingsError as error:
        faults = str(error).splitlines()
    at_fault = {_variable(line) for line in faults}
    with _environment({name: value for name, value in os.environ.items() if name.upper() not in at_fault}):
        try:
            return load_settings(settings_class), faults
        except SettingsError:
            return None, faults


def _variable(line: str) -> str:
    return line.partition(":")[0]


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    """Let this process have another environment: settings are read from nothing else."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environ)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
