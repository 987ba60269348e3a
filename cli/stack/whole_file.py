from pathlib import Path

from cli.stack.errors import StackError

_MEND = "mend that, or choose another --data-dir"


def write_whole(path: Path, text: str) -> None:
    """Replace the file at one stroke, so that a reader never sees half of it; its folder is made if need be.

    Raises StackError.
    """
    make_folder(path.parent)
    incoming = path.with_name(f".{path.name}.new")
    try:
        incoming.write_text(text, "utf-8")
        incoming.replace(path)
    except OSError as error:
        raise StackError(f"{path} cannot be written: {error.strerror}; {_MEND}") from error


def make_folder(path: Path) -> None:
    """Make the folder and those above it, if need be. Raises StackError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"the folder {path} cannot be made: {error.strerror}; {_MEND}") from error
