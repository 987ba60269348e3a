"""OpenAI's own client, unmodified, in both of its versions: a program of a test's, run in its environment."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

# Where `make` puts the older version; another place may be named.
OLDER_VARIABLE = "PROMPTMILL_TEST_OPENAI_2"
_OLDER = Path(sys.prefix) / "openai-2" / "bin" / "python"
SDK_VERSIONS = ("3", "2")
_END_SECONDS = 120
_FROM_OUTSIDE = ("HOME", "LANG", "PATH", "TZ")


def sdk_python(version: str, environ: Mapping[str, str] = MappingProxyType(os.environ)) -> str:
    """The interpreter that has this version.

    Raises:
        AssertionError: it is not there; the text says how to get it.
    """
    if version == "3":
        return sys.executable
    python = Path(environ.get(OLDER_VARIABLE, _OLDER))
    assert python.exists(), (
        f"{python} is not there: `make .venv/openai-2/.installed` makes it, {OLDER_VARIABLE} names it"
    )
    return str(python)


async def run_sdk(version: str, program: Path, *arguments: str) -> Any:
    """Run a program of standard library and `openai` alone; what it prints is JSON, and returned.

    Raises:
        AssertionError: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *(sdk_python(version), "-I", str(program), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ},
    )
    try:
        async with asyncio.timeout(_END_SECONDS):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complained.decode()
    return orjson.loads(said)
