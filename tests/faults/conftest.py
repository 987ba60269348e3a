import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cli.stack.ports import Ports
from tests.faults.fault import Fault, check, suffer
from tests.faults.scene import Servers, scene
from tests.support.processes import LIVE_PROCESSES, running_processes
from tests.support.servers import free_ports, own_kafka, own_valkey

MEASUREMENTS_VARIABLE = "PROMPTMILL_FAULT_MEASUREMENTS"

Strike = Callable[[Fault], Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Minutes each, all in all: `make faults` runs them, `make test` leaves them out.
    for item in items:
        if "strike" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.fault)


@pytest.fixture(scope="session")
async def fault_ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


@pytest.fixture(scope="session")
async def kept_servers(fault_ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """A Kafka and a Valkey that faults alone use, one after the other."""
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
            measurement.append_to(Path(os.environ[MEASUREMENTS_VARIABLE]))
        check(fault, measurement, verdict, struck.notes)

    return strike
