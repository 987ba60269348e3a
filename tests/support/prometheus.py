"""Prometheus itself, as it is on this machine: promtool to check what is deployed, the server to scrape and ask."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from cli.stack.child import Child
from tests.support.docker import ROOT
from tests.support.processes import Processes

_FETCHED = ROOT / ".venv" / "prometheus"
_FILES = ROOT / "deploy" / "helm" / "promptmill" / "files"


def program(name: str) -> str:
    """The path of `promtool` or `prometheus`; fails the test where there is none."""
    found = shutil.which(name, path=str(_FETCHED)) or shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: deploy/tools/get-prometheus .venv/prometheus, or apt-get install prometheus")
    return found


async def promtool(*arguments: str | Path) -> tuple[int, str]:
    """The exit status of promtool, and what it said."""
    running = await asyncio.create_subprocess_exec(
        program("promtool"), *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    assert running.returncode is not None
    return running.returncode, said.decode()


class Prometheus:
    """A running server that scrapes a deployment by our own configuration."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def ask(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of its API.

        Raises:
            AssertionError: it refused.
        """
        async with self._session.get(f"{self._url}/api/v1/{path}", params=parameters) as response:
            answer = await response.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an expression now."""
        found: list[dict[str, Any]] = (await self.ask("query", query=expression))["result"]
        return found


def _configure(folder: Path, targets: Mapping[str, list[str]]) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        # Compose's names are found by DNS, which nothing here has.
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": targets[job["job_name"]]}]
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(_FILES / "alerts.yml", folder)


@asynccontextmanager
async def running_prometheus(
    processes: Processes,
    session: aiohttp.ClientSession,
    *,
    port: int,
    targets: Mapping[str, list[str]],
    folder: Path,
) -> AsyncIterator[Prometheus]:
    """Prometheus with our configuration and rules, scraping `targets` (by our jobs' names) every second."""
    _configure(folder, targets)
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        try:
            async with session.get(f"{url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    argv = (
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    server = await processes.start(Child(name="prometheus", argv=argv, log=folder / "log", ready=ready, env={}))
    try:
        yield Prometheus(url, session)
    finally:
        await server.stop()
