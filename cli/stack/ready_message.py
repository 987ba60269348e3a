from pathlib import Path

from cli.stack.options import StackOptions
from cli.stack.stack_file import Addresses


def ready_message(addresses: Addresses, options: StackOptions, logs: Path, took_seconds: float) -> str:
    """Return what a person needs once everything is ready: where it is, a first request, how to stop."""
    return f"""
Promptmill is ready after {took_seconds:.1f} s.

  API      {addresses.api}  (try {addresses.api}/docs)
  Kafka    {addresses.kafka}
  Redis    {addresses.redis}
  Model    {addresses.llm}
  Workers  {options.workers}, each with {options.concurrency} calls at once
  Logs     {logs}

  curl -s {addresses.api}/v1/tasks -H 'Content-Type: application/json' \\
    -d '{{"prompts": ["What is the capital of France?", "Name three primary colours."]}}'
  curl -s '{addresses.api}/v1/tasks?task_ids=ID,ID'

Ctrl-C stops it all.
"""
