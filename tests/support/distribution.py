"""How the tests are spread over processes: those that wait for long come first, so that all processes end together."""

from collections.abc import Collection

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # ships no type information

_FAULTS = "tests/faults/"
# Its faults share a cluster of three brokers, which takes long to start.
_TOGETHER = "tests/faults/test_cluster.py"
# They share one project of containers.
_CONTAINERS = "tests/deploy/"
_ON_SERVERS = frozenset({"kafka_bootstrap", "redis_url", "processes"})


class Distribution(LoadFileScheduling):  # type: ignore[misc]  # the same
    """Gives what belongs together to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def together(nodeid: str) -> str:
    """Name what runs in one process: a file, for what its tests share.

    Faults share little and go one by one; tests of containers share all of them.
    """
    file = nodeid.partition("::")[0]
    if file.startswith(_CONTAINERS):
        return _CONTAINERS
    return nodeid if file.startswith(_FAULTS) and file != _TOGETHER else file


def place(nodeid: str, fixtures: Collection[str]) -> int:
    """Tell when a test's turn is: faults and containers first, then all on servers, in the end the quick ones."""
    if nodeid.startswith((_FAULTS, _CONTAINERS)):
        return 0
    return 1 if _ON_SERVERS & set(fixtures) else 2
