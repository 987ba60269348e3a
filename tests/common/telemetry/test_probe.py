import asyncio
import os
import sys
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from common.telemetry.operations import Operations, serving_operations
from tests.support.servers import free_ports

Asked = tuple[int | None, str]


async def ask(port: int | str, path: str, environ: Mapping[str, str] | None = None) -> Asked:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.telemetry.probe", str(port), path),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **(environ or {})},
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_exit_status_says_whether_the_port_answers_200() -> None:
    hindrances: list[str] = []

    async def probed() -> list[str]:
        return hindrances

    operations = Operations(liveness=probed, readiness=probed, registry=CollectorRegistry())
    async with serving_operations(operations, host="127.0.0.1", port=0) as port:
        assert await ask(port, "/readyz") == (0, "ok\n")
        assert await ask("THE_PORT", "/livez", {"THE_PORT": str(port)}) == (0, "ok\n")
        hindrances.append("Redis does not answer")
        assert await ask(port, "/readyz") == (1, "Redis does not answer\n")


async def test_a_port_where_nobody_listens_is_a_failure_and_no_traceback() -> None:
    async with free_ports() as ports:
        assert await ask(ports.free(), "/livez") == (1, "no answer: ConnectionRefusedError\n")
