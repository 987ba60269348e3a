"""Apache Kafka's jars: which ones (`kafka_jars.lock`), and how they come onto this machine."""

import asyncio
import hashlib
import importlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.stack.errors import StackError

LOCK = Path(__file__).with_name("kafka_jars.lock")
_CONNECTIONS = 8
_TIMEOUT_SECONDS = 20

# Takes the number of bytes that have just arrived.
Arrived = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """A jar by its Maven coordinates and the hash of the one we tried."""

    group: str
    artifact: str
    version: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        """What the file is called in a Maven repository and in our cache."""
        return f"{self.artifact}-{self.version}.jar"


def locked_jars(lock: str) -> list[Jar]:
    """Read the lock's text: `group:artifact:version size sha256` a line, `#` begins a comment."""
    jars = []
    for line in lock.splitlines():
        if line and not line.startswith("#"):
            coordinates, size, sha256 = line.split()
            group, artifact, version = coordinates.split(":")
            jars.append(Jar(group, artifact, version, int(size), sha256))
    return jars


def missing_jars(jars: list[Jar], folder: Path) -> list[Jar]:
    """Make `folder` if need be and return the jars that it lacks.

    A jar is moved there whole and verified, so its size tells enough.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [jar for jar in jars if not _is_there(folder / jar.file_name, jar.size_bytes)]


def _is_there(file: Path, size_bytes: int) -> bool:
    try:
        return file.stat().st_size == size_bytes
    except FileNotFoundError:
        return False


async def download_jars(jars: list[Jar], folder: Path, arrived: Arrived) -> None:
    """Bring `jars` into the existing `folder` from the Maven repositories that jgo is configured for.

    A jar in the local Maven repository is taken from there. Raises StackError naming the first jar that cannot be
    had; those that came before it stay.
    """
    loop = asyncio.get_running_loop()

    given_up = threading.Event()

    def arrived_in_thread(count_bytes: int) -> None:
        if given_up.is_set():
            raise StackError("the download was given up")
        loop.call_soon_threadsafe(arrived, count_bytes)

    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="incoming-") as incoming,
        ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="jars") as threads,
    ):
        try:
            await asyncio.gather(
                *(
                    loop.run_in_executor(threads, _download, jar, Path(incoming), folder, arrived_in_thread)
                    for jar in jars
                )
            )
        except BaseException:
            given_up.set()
            threads.shutdown(cancel_futures=True)
            raise


def _download(jar: Jar, incoming: Path, folder: Path, arrived: Arrived) -> None:
    coordinates = f"{jar.group}:{jar.artifact}:{jar.version}"
    received_bytes = 0

    def received(count_bytes: int) -> None:
        nonlocal received_bytes
        received_bytes += count_bytes
        arrived(count_bytes)

    try:
        content = _resolved(jar, incoming, received).read_bytes()
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise StackError(
            f"Kafka's jar {coordinates} cannot be downloaded ({type(error).__name__}): is there a network?"
        ) from error
    if hashlib.sha256(content).hexdigest() != jar.sha256:
        raise StackError(f"Kafka's jar {coordinates} is not the expected one: its SHA-256 differs")
    whole = incoming / jar.file_name
    try:
        whole.write_bytes(content)
        whole.replace(folder / jar.file_name)
    except OSError as error:
        raise StackError(f"Kafka's jar {coordinates} cannot be kept in {folder}: {error.strerror}") from error
    arrived(jar.size_bytes - received_bytes)  # nothing of a local jar was counted yet


def _resolved(jar: Jar, incoming: Path, received: Arrived) -> Path:
    try:
        maven = importlib.import_module("jgo.maven")
        settings = importlib.import_module("jgo.config").GlobalSettings.load()
        central = importlib.import_module("jgo.constants").MAVEN_CENTRAL_URL
    except ImportError as error:
        raise StackError("jgo is not installed: pip install 'promptmill[stack]'") from error

    @contextmanager
    def progress(_file: str, _total_bytes: int) -> Iterator[Arrived]:
        yield received

    context = maven.MavenContext(
        resolver=maven.PythonResolver(progress_callback=progress),
        repo_cache=incoming,
        local_repos=[settings.repo_cache],
        remote_repos={"central": central, **settings.repositories},
        timeout=_TIMEOUT_SECONDS,
    )
    return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())
