"""What the figures were measured on, and with."""

import asyncio
import os
import platform
from importlib.metadata import version
from pathlib import Path

from cli.stack.kafka_jars import LOCK, locked_jars
from cli.stack.valkey import find_valkey

_OURS = ("aiohttp", "aiokafka", "fastapi", "openai", "orjson", "redis", "uvicorn", "uvloop")


def machine() -> str:
    """Say what machine this is."""
    processors = {line.partition(":")[2].strip() for line in _processor_lines()}
    names = " / ".join(sorted(processors)) or platform.processor() or "an unnamed processor"
    return f"{os.cpu_count()} cores of {names}, {platform.system()} {platform.machine()}"


def _processor_lines() -> list[str]:
    file = Path("/proc/cpuinfo")
    lines = file.read_text("utf-8", "replace").splitlines() if file.exists() else []
    return [line for line in lines if line.startswith("model name")]


async def versions() -> dict[str, str]:
    """Return the versions of what runs, ours and the servers'."""
    kafka = next(jar for jar in locked_jars(LOCK.read_text("ascii")) if jar.artifact == "kafka_2.13")
    process = await asyncio.create_subprocess_exec(find_valkey(os.environ), "--version", stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    valkey = next(word for word in said.decode().split() if word.startswith("v="))
    return {
        "Python": platform.python_version(),
        "Promptmill": version("promptmill"),
        **{name: version(name) for name in _OURS},
        "Apache Kafka": kafka.version,
        "Valkey": valkey.removeprefix("v="),
    }
