"""Where the peers are installed: one environment with our Python, and one with a newer for those that need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from types import MappingProxyType

PEERS: Mapping[str, str] = MappingProxyType(
    {
        "taskiq_kafka": "taskiq-aio-kafka",
        "faststream": "FastStream, Kafka",
        "pyrallel": "Pyrallel Consumer",
        "saq": "SAQ",
        "arq": "arq",
    }
)
_KAFKA_MODULES = ("taskiq_kafka", "faststream", "pyrallel")
KAFKA_PEERS = tuple(PEERS[module] for module in _KAFKA_MODULES)
_NEEDS_NEWER = "pyrallel"
_NEEDS_NEWER_PACKAGE = "pyrallel-consumer"
_PACKAGES = ("arq", "faststream", "saq", "taskiq", "taskiq-aio-kafka")


@dataclass(frozen=True, slots=True)
class PeerEnvironments:
    """The environments' folders; `newer` has Python 3.12 or later. None where there is none."""

    main: Path | None
    newer: Path | None

    @classmethod
    def found(cls, main: Path, newer: Path) -> "PeerEnvironments":
        """Return those that are there."""
        return cls(main if _python(main).exists() else None, newer if _python(newer).exists() else None)

    def pythons(self, *, kafka_alone: bool = False) -> dict[str, tuple[str, str]]:
        """Return module and interpreter of each peer that can run, by its name."""
        found = {}
        for module, name in PEERS.items():
            folder = self.newer if module == _NEEDS_NEWER else self.main
            if folder is not None and (module in _KAFKA_MODULES or not kafka_alone):
                found[name] = (module, str(_python(folder)))
        return found

    def versions(self) -> dict[str, str]:
        """Return the versions of the peers, as their environments have them."""
        found: dict[str, str] = {}
        for folder, packages in ((self.main, _PACKAGES), (self.newer, (_NEEDS_NEWER_PACKAGE,))):
            if folder is not None:
                paths = [str(path) for path in folder.glob("lib/python*/site-packages")]
                found |= {one.name: one.version for name in packages for one in distributions(name=name, path=paths)}
        return found


def _python(folder: Path) -> Path:
    return folder.absolute() / "bin" / "python"
