import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.stack.cache import cache_dir
from cli.stack.java import find_java
from cli.stack.kafka_jars import LOCK, Arrived, download_jars, locked_jars, missing_jars

# Takes the number of bytes that a download will bring.
Expected = Callable[[int], None]

_JVM = (
    "-Xmx512m",
    # One small broker: the collector with the smallest footprint, and no second compiler's long warm-up;
    # together they take a quarter off the start.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dfile.encoding=UTF-8",
)


@dataclass(frozen=True, slots=True)
class KafkaProgram:
    """What runs a node: a Java and Kafka's class path."""

    java: Path
    class_path: str

    def command(self, log4j: Path, *arguments: str) -> tuple[str, ...]:
        """Return the command line of one of Kafka's main classes, logging as the file `log4j` says."""
        # A URI, or Log4j would read one out of a path that has a "%" or a "#".
        logging = f"-Dlog4j2.configurationFile={log4j.absolute().as_uri()}"
        return (str(self.java), *_JVM, logging, "-cp", self.class_path, *arguments)

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment to run it in: it is the locale that tells Java how the names of files are spelled."""
        return {**environ, "LC_ALL": "C.UTF-8"}


async def install_kafka(environ: Mapping[str, str], expected: Expected, arrived: Arrived) -> KafkaProgram:
    """Find Java and bring the jars into the cache, those that are not there yet.

    `expected` is told the number of bytes to download, `arrived` each piece of it. Raises StackError.
    """
    java = await find_java(environ)
    folder = cache_dir(environ) / "kafka"
    jars = locked_jars(LOCK.read_text("ascii"))
    if missing := missing_jars(jars, folder):
        expected(sum(jar.size_bytes for jar in missing))
        await download_jars(missing, folder, arrived)
    return KafkaProgram(java, os.pathsep.join(str(folder / jar.file_name) for jar in jars))
