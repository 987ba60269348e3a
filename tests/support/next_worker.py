"""A worker of the next release: it knows task records of version 2, which are those of version 1 but for the number."""

import sys

import orjson

from common.record import VERSION, decode_task, encode_task
from common.task import Task
from consumer.__main__ import main as run_worker
from consumer.llm import executor

MODULE = "tests.support.next_worker"
NEXT_VERSION = VERSION + 1


def encode_next(task: Task) -> bytes:
    """The task's record as the next release writes it."""
    return _of_version(encode_task(task), NEXT_VERSION)


def decode_next(value: bytes | None) -> Task:
    """Read either version; what is neither is left to the real reader."""
    try:
        is_next = value is not None and orjson.loads(value)["version"] == NEXT_VERSION
    except (orjson.JSONDecodeError, TypeError, KeyError):
        is_next = False
    return decode_task(_of_version(value, VERSION) if is_next and value is not None else value)


def _of_version(value: bytes, version: int) -> bytes:
    return orjson.dumps(orjson.loads(value) | {"version": version})


def main() -> int:
    """Run the worker as its own composition root does."""
    vars(executor)["decode_task"] = decode_next
    return run_worker()


if __name__ == "__main__":
    sys.exit(main())
