from pathlib import Path

import pytest

from benchmarks.peer_environments import PEERS, PeerEnvironments


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    return folder


def test_where_nothing_is_installed_there_are_no_peers(tmp_path: Path) -> None:
    peers = PeerEnvironments.found(tmp_path / "no", tmp_path / "neither")
    assert peers.pythons() == {}
    assert peers.versions() == {}


def test_what_needs_a_newer_python_runs_on_it_alone(environment: Path, tmp_path: Path) -> None:
    python = str(environment / "bin" / "python")
    assert PeerEnvironments.found(tmp_path / "no", environment).pythons() == {"Pyrallel Consumer": ("pyrallel", python)}
    assert "Pyrallel Consumer" not in PeerEnvironments.found(environment, tmp_path / "no").pythons()


def test_all_peers_run_where_both_environments_are_there(environment: Path) -> None:
    peers = PeerEnvironments.found(environment, environment)
    assert set(peers.pythons()) == set(PEERS.values())
    assert set(peers.pythons(kafka_alone=True)) == {"taskiq-aio-kafka", "FastStream, Kafka", "Pyrallel Consumer"}
