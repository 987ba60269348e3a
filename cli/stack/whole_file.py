from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file at one stroke, so that a reader never sees half of it."""
    incoming = path.with_name(f".{path.name}.new")
    incoming.write_text(text, "utf-8")
    incoming.replace(path)
