import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.stack.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything is; the same as long as the stack runs."""

    api: str
    operations: tuple[str, ...]
    kafka: str
    redis: str
    llm: str


@dataclass(frozen=True, slots=True)
class Pids:
    """The process of every child; `llm` is None where the model is not ours."""

    api: tuple[int, ...]
    workers: tuple[int, ...]
    kafka: tuple[int, ...]
    redis: int
    llm: int | None


class StackFile:
    """`stack.json` in the data dir: what other programs need to find and to test a stack that is ready."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "stack.json"

    def write(self, addresses: Addresses, pids: Pids) -> None:
        """Replace the file at one stroke, so that a reader never sees half of it."""
        content = {**asdict(addresses), "pids": asdict(pids)}
        write_whole(self.path, json.dumps(content, indent=2) + "\n")

    def remove(self) -> None:
        """Remove the file: the stack is not ready (any more)."""
        self.path.unlink(missing_ok=True)
