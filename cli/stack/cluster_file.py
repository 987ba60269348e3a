"""`cluster.json` in Kafka's folder: which cluster's data is there."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cli.stack.errors import StackError
from cli.stack.whole_file import write_whole

_NAME = "cluster.json"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's id in Kafka's spelling, and the number of its brokers."""

    cluster_id: str
    brokers: int


def read_cluster(folder: Path) -> Cluster | None:
    """Return the cluster whose data `folder` has, None for a new one. Raises StackError when the file is damaged."""
    file = folder / _NAME
    try:
        content: Any = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise StackError(f"{folder} is no folder: remove it, or choose another --data-dir") from error
    except OSError as error:
        raise StackError(f"{file} cannot be read: {error.strerror}; mend that, or choose another --data-dir") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(file) from error
    match content:
        case {"cluster_id": str(cluster_id), "brokers": int(brokers)}:
            return Cluster(cluster_id, brokers)
    raise _damaged(file)


def write_cluster(folder: Path, cluster: Cluster) -> None:
    """Note that `folder` has the data of `cluster`. Raises StackError."""
    write_whole(folder / _NAME, json.dumps(asdict(cluster)))


def _damaged(file: Path) -> StackError:
    return StackError(
        f"{file} is damaged, it should say cluster_id and brokers: restore it, remove {file.parent} to begin without "
        "its tasks, or choose another --data-dir"
    )
