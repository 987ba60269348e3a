import shlex
from pathlib import Path

from cli.addresses import API_URL_VARIABLE, DEFAULT_DATA_DIR
from cli.stack.data_dir import DataDir
from cli.stack.options import StackOptions
from cli.stack.stack_file import Addresses
from cli.stack.worker_env import WorkerEnvFile
from common.setting_names import variable_name


def ready_message(
    addresses: Addresses, options: StackOptions, data_dir: DataDir, programs: Path, took_seconds: float
) -> str:
    """Return what a person needs once everything is ready: where it is, a first request, one more worker, how to stop.

    `programs` is the folder of `python` and `promptmill`.
    """
    # The commands find a stack in the default place by themselves.
    found = "" if data_dir.path == DEFAULT_DATA_DIR.resolve() else _how_to_find(addresses)
    return f"""
Promptmill is ready after {took_seconds:.1f} s.

  Dashboard  {addresses.api}/
  API        {addresses.api}  (try {addresses.api}/docs)
  Kafka      {addresses.kafka}
  Redis      {addresses.redis}
  Model      {addresses.llm}
  Workers    {options.workers}, each with {options.concurrency} calls at once
  Logs       {data_dir.logs}

  curl -s {addresses.api}/v1/tasks -H 'Content-Type: application/json' \\
    -d '{{"prompts": ["What is the capital of France?", "Name three primary colours."]}}'
  curl -s '{addresses.api}/v1/tasks?task_ids=ID,ID'

{found}Or submit prompts and watch them:
  {_shown(programs / "promptmill")} submit "Name a river." "Count to five."

One more worker:
  (set -a; . {_shown(WorkerEnvFile(data_dir.path).path)}; set +a; {_shown(programs / "python")} -m consumer)

Ctrl-C stops it all.
"""


def _how_to_find(addresses: Addresses) -> str:
    variables = {
        API_URL_VARIABLE: addresses.api,
        # Of commands that speak with these themselves: elsewhere they would look in the default places.
        variable_name("kafka", "bootstrap_servers"): addresses.kafka,
        variable_name("redis", "url"): addresses.redis,
    }
    exported = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"""In each shell whose commands should find this stack, topics and rebuild among them:
  export {exported}

"""


def _shown(path: Path) -> str:
    """A path as one types it here: relative where it is below this folder, quoted where a shell needs it."""
    here = Path.cwd()
    name = str(path.relative_to(here) if path.is_relative_to(here) else path)
    # Without a folder a shell would look for it in its PATH.
    return shlex.quote(name if "/" in name else f"./{name}")
