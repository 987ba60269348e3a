import asyncio
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from cli.json_lines import write_json_lines
from cli.stack.cache import cache_dir
from cli.stack.concurrency import done_before
from cli.stack.data_dir import DataDir, claimed_data_dir
from cli.stack.errors import StackError
from cli.stack.layout import claim_layout
from cli.stack.leftovers import end_leftovers
from cli.stack.llm_choice import choose_llm
from cli.stack.options import StackOptions
from cli.stack.ports import Ports
from cli.stack.progress import Display, display
from cli.stack.ready_message import ready_message
from cli.stack.stack import Stack
from cli.stack.stack_file import StackFile
from cli.stack.stop_request import StopRequest
from cli.stack.worker_env import WorkerEnvFile
from common.setting_loading import load_settings
from common.setting_sources import SettingsError
from consumer.settings import Settings as WorkerSettings
from producer_api.settings import Settings as ApiSettings


async def run_stack(options: StackOptions, environ: Mapping[str, str], console: Console) -> int:
    """Run the local stack until a signal asks for its end; return the exit status.

    `environ` is this process's environment: the services' settings are read from it before anything starts. Raises
    StackError when something cannot start; whatever did start is stopped by then.
    """
    api_settings, settings = _checked_settings()
    with (
        claimed_data_dir(options.data_dir, ephemeral=options.ephemeral) as data_dir,
        Ports(cache_dir(environ) / "ports", random.Random()) as ports,  # noqa: S311 (a port is no secret)
        display(console) as shown,
    ):
        # A killed stack left its own.
        StackFile(data_dir.path).remove()
        WorkerEnvFile(data_dir.path).remove()
        await end_leftovers(data_dir.pids, shown.say)
        layout = claim_layout(options, data_dir, ports, shown.say)
        stack = Stack(
            options=options,
            api_settings=api_settings.api,
            worker_settings=settings.worker,
            environ=environ,
            data_dir=data_dir,
            layout=layout,
            llm=choose_llm(options, settings.llm, environ, layout.model),
            display=shown,
        )
        return await _run(stack, options, data_dir, shown)


def _checked_settings() -> tuple[ApiSettings, WorkerSettings]:
    """Load what both services would, so that a setting at fault is said before anything starts."""
    faults: dict[str, None] = {}
    for settings_class in (ApiSettings, WorkerSettings):
        try:
            load_settings(settings_class)
        except SettingsError as error:
            faults.update(dict.fromkeys(str(error).splitlines()))
    if faults:
        raise StackError("; ".join(faults))
    return load_settings(ApiSettings), load_settings(WorkerSettings)


async def _run(stack: Stack, options: StackOptions, data_dir: DataDir, shown: Display) -> int:
    began = time.monotonic()

    def heard() -> None:
        shown.say("stopping: calls in flight may end; Ctrl-C (again) ends them now")

    with StopRequest(asyncio.get_running_loop(), heard=heard, hurry=stack.kill) as stop:
        try:
            if await done_before(stop.requested, stack.start()):
                shown.finish()
                took = time.monotonic() - began
                shown.say(ready_message(stack.addresses, options, data_dir, Path(sys.executable).parent, took))
                if options.as_json:
                    write_json_lines(sys.stdout, [asdict(stack.addresses)])
                await stack.run_until(stop.requested)
        finally:
            await stack.stop()
        return stop.exit_status
