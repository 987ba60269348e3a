"""Room on the disk of the local stack's data, where all of Kafka's records are."""

import os
from dataclasses import dataclass
from pathlib import Path

from cli.doctor.finding import Check, Finding, Unanswered, failure, ok, warning

_GIB = 1024**3
# A warning comes at so many times what a failure begins at.
_WARNED_BEFORE = 5


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """The file system under `path`, in bytes."""

    path: Path
    free: int
    total: int


def look_at_disk(data_dir: Path) -> DiskSeen | Unanswered:
    """Ask for the file system under the stack's data, or under where it would be."""
    path = data_dir.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        seen = os.statvfs(path)
    except OSError as error:
        return Unanswered(f"{path}: {error.strerror}")
    if not os.access(path, os.W_OK):
        return Unanswered(f"{path} cannot be written")
    return DiskSeen(path, seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize)


def judge_disk(seen: DiskSeen | Unanswered, *, least_gib: float) -> list[Finding]:
    """Whether there is room for more records."""
    if isinstance(seen, Unanswered):
        return [failure(Check.DISK, seen.reason, "name a folder of yours by --data-dir")]
    of = f"{seen.free / _GIB:,.1f} of {seen.total / _GIB:,.1f} GiB free under {seen.path}"
    mend = "remove what is old there, or keep the data elsewhere: promptmill up --data-dir"
    if seen.free < least_gib * _GIB:
        return [failure(Check.DISK, f"{of}: Kafka stops when there is none", mend)]
    if seen.free < _WARNED_BEFORE * least_gib * _GIB:
        return [warning(Check.DISK, f"{of}: that is soon full", mend)]
    return [ok(Check.DISK, of)]
