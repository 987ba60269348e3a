import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cli.stack.ports import Ports
from tests.faults.circumstances import circumstances_of
from tests.faults.fault import Fault, check, suffer
from tests.faults.scene import Servers, scene
from tests.support.processes import LIVE_PROCESSES, running_processes
from tests.support.servers import free_ports, own_kafka, own_valkey

MEASUREMENTS_VARIABLE = "PROMPTMILL_FAULT_MEASUREMENTS"
# Set where tests run in several processes at once.
_PROCESSES_VARIABLE = "PYTEST_XDIST_WORKER_COUNT"

_TIMEOUT_SECONDS = 600

Strike = Callable[[Fault], Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "strike" in getattr(item, "fixturenames", ()):
            # For `make faults`, which runs them alone.
            item.add_marker(pytest.mark.fault)
            # They wait for servers to come back, on a machine that may have other work.
            item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))


@pytest.fixture(scope="package")
async def fault_ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture(scope="package")
async def kept_servers(fault_ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """A Kafka and a Valkey that only this process's faults use, one after the other; they end with the last."""
    folder = tmp_path_factory.mktemp("faults")
    async with running_processes() as processes:
        kafka = await own_kafka(processes, fault_ports, folder)
        yield Servers((kafka,), await own_valkey(processes, fault_ports, folder))


@pytest.fixture
async def servers(kept_servers: Servers) -> AsyncIterator[Servers]:
    yield kept_servers
    # A test that failed in the middle of its fault must not take the next ones with it.
    await kept_servers.restore()


@pytest.fixture
def strike(request: pytest.FixtureRequest, servers: Servers, fault_ports: Ports, tmp_path: Path) -> Strike:
    """Lets a fault strike a fresh deployment on the kept servers, and holds the result to the promises."""
    started = request.node.stash.setdefault(LIVE_PROCESSES, [])

    async def strike(fault: Fault) -> None:
        async with scene(fault.terms, servers=servers, ports=fault_ports, folder=tmp_path, started=started) as struck:
            measurement, verdict = await suffer(fault, struck)
            if MEASUREMENTS_VARIABLE in os.environ:
                circumstances = await circumstances_of(struck, at_once=int(os.environ.get(_PROCESSES_VARIABLE, "1")))
                measurement.append_to(Path(os.environ[MEASUREMENTS_VARIABLE]), circumstances)
        check(fault, measurement, verdict, struck.notes)

    return strike
