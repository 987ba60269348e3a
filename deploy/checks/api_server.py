"""A Kubernetes API server of one's own: etcd and kube-apiserver on loopback, and nothing that schedules or controls."""

import json
import secrets
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 180
_STOP_SECONDS = 20
_TICK_SECONDS = 0.2
MERGE_PATCH = "application/merge-patch+json"


class NotReady(Exception):  # noqa: N818 - names a state
    """Something did not come about in time, or the process that it was waited for ended."""


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A server that runs; ``certificate`` is the one to trust."""

    url: str
    token: str
    certificate: Path
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Any:
        """Send a request and return its answer.

        Raises:
            urllib.error.HTTPError: it was refused.
        """
        request = urllib.request.Request(  # noqa: S310 - https, on loopback
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body, default=str).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
        )
        context = ssl.create_default_context(cafile=str(self.certificate))
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310 - the same
            return json.loads(answer.read())

    def has(self, path: str) -> bool:
        """Tell whether an object is there.

        Raises:
            urllib.error.HTTPError: the server said something else than that.
        """
        try:
            self.ask("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:  # noqa: PLR2004 - HTTP's own
                return False
            raise
        return True

    def path_of(self, api_version: str, kind: str, namespace: str) -> str:
        """The path of all objects of a kind in a namespace.

        Raises:
            NotReady: the server knows no such kind.
        """
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        for resource in self.ask("GET", root)["resources"]:
            if resource["kind"] == kind and "/" not in resource["name"]:
                return f"{root}/namespaces/{namespace}/{resource['name']}"
        raise NotReady(f"{api_version} {kind}: unknown to the server")


@contextmanager
def running_api_server(programs: Path, folder: Path) -> Iterator[ApiServer]:
    """Run both; they have ended afterwards.

    Args:
        programs: Folder of the programs `etcd` and `kube-apiserver`.
        folder: Takes data, certificates and logs.

    Raises:
        NotReady: one does not start; its log is in the folder.
    """
    etcd_port, peer_port, port = _free_ports(3)
    etcd, token = f"http://127.0.0.1:{etcd_port}", secrets.token_hex(16)
    peer, key = f"http://127.0.0.1:{peer_port}", folder / "accounts.key"
    (folder / "tokens.csv").write_text(f"{token},check,check,system:masters\n", "utf-8")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    etcd_command: list[str | Path] = [
        programs / "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync",
        "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
    ]  # fmt: skip
    server_command: list[str | Path] = [
        programs / "kube-apiserver", f"--etcd-servers={etcd}", f"--secure-port={port}", "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", f"--cert-dir={folder / 'certificates'}",
        "--service-cluster-ip-range=10.0.0.0/24", f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC", "--service-account-issuer=https://localhost",
        f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
    ]  # fmt: skip
    certificate = folder / "certificates" / "apiserver.crt"
    with (
        _running(etcd_command, folder / "etcd.log"),
        _running(server_command, folder / "kube-apiserver.log") as process,
    ):
        server = ApiServer(f"https://127.0.0.1:{port}", token, certificate, process)
        until(lambda: _is_ready(server), process, "the API server")
        yield server


def until(condition: Callable[[], bool], process: subprocess.Popen[Any], what: str) -> None:
    """Wait until something is so, while a process runs.

    Raises:
        NotReady: It was not within three minutes, or the process ended first.
    """
    for _ in range(round(_START_SECONDS / _TICK_SECONDS)):
        if condition():
            return
        with suppress(subprocess.TimeoutExpired):
            raise NotReady(f"{what}: the process ended with status {process.wait(_TICK_SECONDS)}")
    raise NotReady(f"{what}: not within {_START_SECONDS} s")


def _is_ready(server: ApiServer) -> bool:
    try:
        # Namespaces of its own are made last.
        return server.certificate.exists() and server.has("/api/v1/namespaces/default")
    except OSError:
        return False


@contextmanager
def _running(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
