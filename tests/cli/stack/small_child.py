"""A small program to be supervised, and how a test launches it.

`python small_child.py PORT JOURNAL NAME` answers every GET with 200 and writes its beginning and end to the journal.
"""

import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cli.stack.child import Child
from cli.stack.probes import http_ok


def small_child(folder: Path, port: int, name: str = "small") -> Child:
    async def ready() -> bool:
        return await http_ok(port, "/readyz")

    return Child(
        name=name,
        argv=(sys.executable, __file__, str(port), str(folder / "journal"), name),
        log=folder / "logs" / f"{name}.log",
        ready=ready,
    )


def journal(folder: Path) -> list[str]:
    file = folder / "journal"
    return file.read_text("utf-8").splitlines() if file.exists() else []


class _Always200(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    port, path, name = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

    def note(what: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{name} {what}\n")

    def leave(_number: int, _frame: object) -> None:
        note("asked to end")
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    server = HTTPServer(("127.0.0.1", port), _Always200)
    note("begun")
    sys.stdout.write(f"{name} says hello\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
