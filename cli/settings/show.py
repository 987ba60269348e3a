import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from cli.json_lines import write_json_lines
from cli.settings.listing import Setting, list_settings, unknown_variables
from common.setting_loading import load_settings
from common.setting_names import UnknownVariable
from common.setting_sources import SettingsError
from common.settings import ServiceSettings
from consumer.settings import Settings as ConsumerSettings
from producer_api.settings import Settings as ApiSettings


def show_settings(environ: Mapping[str, str], *, as_json: bool) -> None:
    """Print every setting of both services as they would read it from `environ`, this process's environment.

    Raises:
        CommandError: A service would not start with these; the text names each variable at fault.
    """
    classes: dict[str, type[ServiceSettings]] = {"producer_api": ApiSettings, "consumer": ConsumerSettings}
    unknown = unknown_variables(list(classes.values()), environ)
    loaded = _load(classes, {variable.variable.upper(): variable for variable in unknown})
    rows = list_settings(loaded, environ)
    if as_json:
        write_json_lines(sys.stdout, map(asdict, rows))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in _lines(rows):
            console.print(line)


def _load(
    classes: Mapping[str, type[ServiceSettings]], unknown: Mapping[str, UnknownVariable]
) -> dict[str, ServiceSettings]:
    loaded = {}
    faults: dict[str, None] = {}
    for service, settings_class in classes.items():
        try:
            loaded[service] = load_settings(settings_class)
        except SettingsError as error:
            for line in str(error).splitlines():
                variable = unknown.get(line.partition(":")[0].upper())
                # What both services share is at fault in both.
                faults[line if variable is None else f"{variable.variable} {variable.fault}"] = None
    if faults:
        raise CommandError("\n".join(faults), ExitCode.USAGE)
    return loaded


def _lines(rows: list[Setting]) -> Iterator[Text]:
    for row in rows:
        yield Text.assemble(
            (row.variable, "bold"),
            "=",
            (row.value or "", "green" if row.source != "default" else ""),
            (f"  ({row.source}; {' and '.join(row.services)})", "dim"),
        )
        yield Text(f"    {row.meaning}")
