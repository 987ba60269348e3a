import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

RELEASE = "prod"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and the helm that renders it."""

    helm: Path
    folder: Path

    def lint(self, values: Path) -> str | None:
        """What helm finds wrong with the chart under these values; None where nothing is."""
        run = self._run("lint", "--strict", str(self.folder), "--values", str(values))
        return None if run.returncode == 0 else run.stdout + run.stderr

    def render(self, values: Path, namespace: str = "promptmill") -> tuple[str, str | None]:
        """The manifests' text under these values, and why there are none, if so."""
        run = self._run("template", RELEASE, str(self.folder), "--namespace", namespace, "--values", str(values))
        return (run.stdout, None) if run.returncode == 0 else ("", run.stderr)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.helm, *arguments], capture_output=True, text=True, check=False)


def parse(text: str) -> list[Manifest]:
    """The manifests in a rendered text."""
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]
