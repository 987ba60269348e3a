"""The dashboard's files, read once: what they are served as, and under which address."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

_PAGE = "index.html"
# Where the page's head goes on: with what depends on the files beside it.
_MARK = "<!-- files -->"
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent; `etag` is of its content."""

    content: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class DashboardFiles:
    """The page, and by their paths the files it refers to; `version` stands for all of them together."""

    page: StaticFile
    by_path: Mapping[str, StaticFile]
    version: str


def read_dashboard() -> DashboardFiles:
    """Read the files that come with this package.

    Raises:
        KeyError: one of a kind that is not known.
    """
    return dashboard_of(_read(files(__package__) / "static", ""))


def dashboard_of(contents: Mapping[str, bytes]) -> DashboardFiles:
    """Give each of the files, which are named by their paths, what it is served as.

    The page gets a line for every style sheet and, so that a browser asks for all at once, for every module.
    """
    whole = hashlib.sha256()
    for path, content in sorted(contents.items()):
        whole.update(f"{path}\n{len(content)}\n".encode())
        whole.update(content)
    version = whole.hexdigest()[:_DIGEST_CHARACTERS]
    by_path = {path: _file(path, content) for path, content in contents.items() if path != _PAGE}
    page = contents[_PAGE].decode().replace(_MARK, _head(sorted(by_path), version))
    return DashboardFiles(_file(_PAGE, page.encode()), by_path, version)


def _head(paths: list[str], version: str) -> str:
    """The classic script goes before the styles: it says in which of them the page is first painted."""
    place = f"dashboard/{version}"
    lines = [f'<script src="{place}/first-paint.js"></script>', f'<link rel="icon" href="{place}/mark.svg">']
    lines += [f'<link rel="stylesheet" href="{place}/{escape(path)}">' for path in paths if path.endswith(".css")]
    modules = [path for path in paths if path.endswith(".js") and path != "first-paint.js"]
    lines += [f'<link rel="modulepreload" href="{place}/{escape(path)}">' for path in modules]
    lines.append(f'<script type="module" src="{place}/app.js"></script>')
    return "\n".join(lines)


def _file(path: str, content: bytes) -> StaticFile:
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_CHARACTERS]
    return StaticFile(content, _MEDIA_TYPES[path.rpartition(".")[2]], f'"{digest}"')


def _read(folder: Traversable, prefix: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            contents |= _read(entry, f"{prefix}{entry.name}/")
        else:
            contents[prefix + entry.name] = entry.read_bytes()
    return contents
