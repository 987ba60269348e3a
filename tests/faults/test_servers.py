"""Kafka and Valkey stopped, killed and halted while tasks come in."""

import pytest

from tests.faults.conftest import Strike
from tests.faults.fault import Fault
from tests.faults.scene import Scene

_VALKEY_HALT_SECONDS, _KAFKA_HALT_SECONDS = 30, 60


async def restart_kafka(scene: Scene) -> None:
    [kafka] = scene.servers.kafka
    await kafka.process.stop()
    await kafka.process.start()


async def restart_valkey(scene: Scene) -> None:
    await scene.servers.valkey.process.stop()
    await scene.servers.valkey.process.start()


async def kill_valkey(scene: Scene) -> None:
    """Its append-only file is at most a second old."""
    await scene.servers.valkey.process.kill()
    await scene.servers.valkey.process.start()


async def halt_valkey(scene: Scene) -> None:
    scene.servers.valkey.process.freeze()
    await scene.lasting(_VALKEY_HALT_SECONDS)
    scene.servers.valkey.process.thaw()


async def halt_kafka(scene: Scene) -> None:
    [kafka] = scene.servers.kafka
    kafka.process.freeze()
    await scene.lasting(_KAFKA_HALT_SECONDS)
    kafka.process.thaw()


FAULTS = [
    Fault(name="Kafka restarted", strike=restart_kafka),
    Fault(name="Valkey restarted with its data", strike=restart_valkey),
    Fault(name="`kill -9` of Valkey, its append-only file kept", strike=kill_valkey),
    Fault(name=f"Valkey halted (SIGSTOP) for {_VALKEY_HALT_SECONDS} s", strike=halt_valkey),
    Fault(name=f"Kafka halted (SIGSTOP) for {_KAFKA_HALT_SECONDS} s", strike=halt_kafka),
]


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.strike.__name__) for fault in FAULTS])
async def test_a_server_that_comes_back_finds_everything_going_on(strike: Strike, fault: Fault) -> None:
    await strike(fault)
