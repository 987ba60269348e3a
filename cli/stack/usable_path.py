from pathlib import Path

from cli.stack.errors import StackError


def check_usable(path: Path) -> None:
    """Raise StackError when Kafka or Valkey would take the name of a folder for something else than it is."""
    name = str(path)
    if "," in name:
        fault = "has a comma, which to Kafka separates folders"
    elif not name.isascii() and not _is_utf8(name):
        fault = "is not UTF-8"
    elif any(character < " " or character == "\x7f" for character in name):
        fault = "has a control character"
    else:
        return
    raise StackError(f"the path of the data dir {name!a} {fault}: choose another --data-dir")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
