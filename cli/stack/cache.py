from collections.abc import Mapping
from pathlib import Path


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder of what was downloaded or built once and serves every data dir of this user."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "promptmill"
