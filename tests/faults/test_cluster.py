"""Brokers of a cluster of three that are killed while tasks come in."""

import re
from collections.abc import AsyncIterator

import pytest

from cli.stack.ports import Ports
from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import Scene, Servers
from tests.support.processes import LiveProcess, running_processes
from tests.support.servers import own_cluster, own_valkey
from tests.support.waiting import until

_LEADS = re.compile(r"Becoming the active controller at epoch (\d+)")


@pytest.fixture(scope="module")
async def cluster(fault_ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """Three brokers, replication 3, two in sync: what production is asked to have."""
    folder = tmp_path_factory.mktemp("cluster")
    async with running_processes() as processes:
        brokers = await own_cluster(processes, fault_ports, folder, brokers=3)
        yield Servers(brokers, await own_valkey(processes, fault_ports, folder))


@pytest.fixture
async def servers(cluster: Servers) -> AsyncIterator[Servers]:
    yield cluster
    await cluster.restore()


def controller_leader(scene: Scene) -> LiveProcess:
    """Return the node that leads the quorum of controllers, by the nodes' own logs."""

    def last_epoch(process: LiveProcess) -> int:
        return max((int(epoch) for epoch in _LEADS.findall(process.log())), default=-1)

    return max((server.process for server in scene.servers.kafka), key=last_epoch)


async def kill_a_broker(scene: Scene) -> None:
    leader = controller_leader(scene)
    follower = next(server.process for server in scene.servers.kafka if server.process is not leader)
    await _kill_and_replace(scene, follower)


async def kill_the_controller_leader(scene: Scene) -> None:
    leader = controller_leader(scene)
    await _kill_and_replace(scene, leader)
    await until(lambda: controller_leader(scene) is not leader, what="another leader")


async def _kill_and_replace(scene: Scene, broker: LiveProcess) -> None:
    """Tasks are accepted and completed by the two that are left, before the third is back."""
    await broker.kill()
    await scene.load.accepts_more(20)
    await scene.model_called_more(20)
    await broker.start()


FAULTS = [
    Fault(name="`kill -9` of one broker in three", strike=kill_a_broker),
    Fault(name="`kill -9` of the controller leader, one broker in three", strike=kill_the_controller_leader),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_the_loss_of_one_broker_in_three_costs_nothing(strike: Strike, fault: Fault) -> None:
    await strike(fault)
