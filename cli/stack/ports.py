import fcntl
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Self

from cli.stack.errors import StackError

# Below the range from which Linux and macOS take the ports of outgoing connections, so that none of
# those sits on a child's port in the moment between its end and its replacement.
_FREE_RANGE = range(15_000, 32_000)
_NEXT_TO_WANTED = 50
_TRIES = 500


class Ports:
    """Ports of 127.0.0.1 that are free, and kept from other stacks of this user until closed.

    The claim is a file lock, not a socket: the child has to bind the port itself, also the child that replaces it.
    `random` decides where the search for a port nobody asked for begins.
    """

    def __init__(self, claims: Path, random: random.Random) -> None:
        claims.mkdir(parents=True, exist_ok=True)
        self._claims = claims
        self._random = random
        self._held = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.close()

    def prefer(self, port: int) -> int:
        """Claim `port`, or the next free one when it is taken."""
        nearby = range(port, min(port + _NEXT_TO_WANTED, 65_536))
        return self._first_free(chain(nearby, self._anywhere()))

    def free(self) -> int:
        """Claim a port that nobody asked for by number."""
        return self._first_free(self._anywhere())

    def _anywhere(self) -> Iterator[int]:
        return (self._random.choice(_FREE_RANGE) for _ in range(_TRIES))

    def _first_free(self, candidates: Iterator[int]) -> int:
        for port in candidates:
            if self._claim(port):
                return port
        raise StackError("no free port found on 127.0.0.1")

    def _claim(self, port: int) -> bool:
        file = self._claims / str(port)
        claim = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
        if not _locked(claim, file):
            os.close(claim)
            return False
        if not _bindable(port):
            _release(claim, file)
            return False
        self._held.callback(_release, claim, file)
        return True


def _locked(claim: int, file: Path) -> bool:
    """Take the lock; whoever held it before may have removed the file, and then it is worth nothing."""
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(claim), file.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _release(claim: int, file: Path) -> None:
    file.unlink(missing_ok=True)
    os.close(claim)


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: without it, connections that just closed would make the port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True
