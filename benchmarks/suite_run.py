"""Suites one after the other, each on a deployment of its own; results are kept and the page written after each."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.capacity import model_capacity
from benchmarks.deployment import running_deployment
from benchmarks.machine import machine, versions
from benchmarks.page import write_page
from benchmarks.peer_environments import PeerEnvironments
from benchmarks.results import SuiteResult, write_result
from benchmarks.setting import Setting
from benchmarks.sizes import Sizes
from benchmarks.suite_list import SUITES


async def run_suites(
    names: Sequence[str],
    sizes: Sizes,
    peers: PeerEnvironments,
    *,
    page: Path,
    folder: Path,
    tell: Callable[[str], None],
) -> None:
    """Measure the suites.

    Args:
        names: Of `SUITES`, in the order wanted.
        sizes: How much is measured.
        peers: Where they are installed.
        page: What is written; its results and drawings go into a folder beside it.
        folder: Where Kafka and Valkey run, and where the logs stay.
        tell: Gets each line of what is seen meanwhile.
    """
    found = {**await versions(), **peers.versions()}
    tell(f"{machine()}; {', '.join(f'{name} {number}' for name, number in found.items())}")
    for name in names:
        begun_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        began_at = time.monotonic()
        async with running_deployment(folder) as deployment:
            if name == "worker":
                tell(f"the model answers {await model_capacity(deployment):,.0f} calls a second when it does not wait")
            rows = await SUITES[name](Setting(deployment, sizes, peers, tell))
        result = SuiteResult(name, begun_at, machine(), found, sizes.rounds, tuple(rows))
        write_page(page, write_result(page.with_suffix("") / "results.json", result))
        tell(f"{name}: {time.monotonic() - began_at:.0f} s; written to {page}")
