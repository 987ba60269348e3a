"""What a suite is given."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.deployment import Deployment
from benchmarks.peer_environments import PeerEnvironments
from benchmarks.sizes import Sizes

OURS = "Promptmill"


@dataclass(frozen=True, slots=True)
class Setting:
    """A deployment that is the suite's own, how much is measured, the peers that are there, and whom to tell of it."""

    deployment: Deployment
    sizes: Sizes
    peers: PeerEnvironments
    tell: Callable[[str], None]
