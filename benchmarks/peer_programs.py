"""A peer's two programs: what puts tasks in, and what is measured."""

import json
import os
import uuid
from dataclasses import dataclass

from benchmarks.deployment import Deployment
from benchmarks.programs import module_child
from benchmarks.sizes import WorkerCase
from cli.stack.child import Child


@dataclass(frozen=True, slots=True)
class PeerPrograms:
    """To be launched one after the other."""

    fill: Child
    work: Child


def peer_programs(module: str, python: str, case: WorkerCase, deployment: Deployment) -> PeerPrograms:
    """Return the programs of one run, with a topic or queue of its own."""
    given = {
        "base_url": deployment.model.base_url,
        "kafka": deployment.kafka,
        "redis": deployment.redis,
        "name": f"{module}-{uuid.uuid4().hex[:8]}",
        "concurrency": case.concurrency,
        "tasks": case.tasks,
    }

    def program(action: str) -> Child:
        name = f"{module}-{action}"
        return module_child(
            name,
            "benchmarks.peers",
            module,
            action,
            json.dumps(given),
            log=deployment.logs / f"{name}.log",
            env=os.environ,
            python=python,
        )

    return PeerPrograms(program("fill"), program("work"))
