import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.errors import StackError
from cli.stack.ports import Ports


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with Ports(tmp_path, random.Random()) as ports:
        yield ports


@pytest.fixture
def taken(ports: Ports) -> Iterator[int]:
    """A port that another program listens on, and the next one is free."""
    with socket.create_server(("127.0.0.1", ports.free())) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_given_as_wanted(tmp_path: Path) -> None:
    with Ports(tmp_path, random.Random()) as ports:
        wanted = ports.free()
    with Ports(tmp_path, random.Random()) as ports:
        assert ports.prefer(wanted) == wanted


def test_a_port_that_a_program_listens_on_is_replaced(taken: int, tmp_path: Path) -> None:
    with Ports(tmp_path / "others", random.Random()) as ports:
        assert ports.prefer(taken) != taken


def test_a_port_that_another_stack_claimed_is_replaced(ports: Ports, tmp_path: Path) -> None:
    claimed = ports.free()
    with Ports(tmp_path, random.Random()) as others:
        assert others.prefer(claimed) != claimed


def test_a_claim_ends_with_its_stack(tmp_path: Path) -> None:
    with Ports(tmp_path, random.Random()) as ports:
        claimed = ports.free()
    with Ports(tmp_path, random.Random()) as others:
        assert others.prefer(claimed) == claimed


def test_a_replacement_stays_a_valid_port_at_the_end_of_the_range(ports: Ports) -> None:
    given = [ports.prefer(65_535) for _ in range(3)]
    assert len(set(given)) == 3
    assert all(0 < port < 65_536 for port in given)


def test_free_ports_lie_below_those_of_outgoing_connections(ports: Ports) -> None:
    assert all(1024 < ports.free() < 32_768 for _ in range(20))


def test_a_recently_closed_connection_does_not_make_a_port_look_taken(ports: Ports, tmp_path: Path) -> None:
    port = ports.free()
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)):
        accepted, _ = server.accept()
        accepted.close()  # the server's side closes first: it is the one left in TIME_WAIT
    with Ports(tmp_path / "others", random.Random()) as others:
        assert others.prefer(port) == port


def test_no_claim_is_left_behind(tmp_path: Path) -> None:
    with Ports(tmp_path, random.Random()) as ports:
        for _ in range(5):
            ports.free()
        assert len(list(tmp_path.iterdir())) == 5
    assert list(tmp_path.iterdir()) == []


def test_where_every_port_is_claimed_there_is_an_error_in_words(tmp_path: Path) -> None:
    class AlwaysTheSame(random.Random):
        def choice(self, _seq: object) -> int:  # type: ignore[override]
            return 20_001

    with Ports(tmp_path, AlwaysTheSame()) as ports, Ports(tmp_path, AlwaysTheSame()) as others:
        ports.free()
        with pytest.raises(StackError, match="no free port"):
            others.free()
