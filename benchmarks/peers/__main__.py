"""`python -m benchmarks.peers PEER fill|work {…}`: one peer, in the environment that has it."""

import importlib
import json
import logging
import sys

import uvloop

from benchmarks.peers.terms import Terms


def main() -> None:
    """Run as the command line says."""
    peer, action, given = sys.argv[1:]
    # As quiet as ours is not: a line for each task is not part of what they do.
    logging.basicConfig(level=logging.WARNING)
    module = importlib.import_module(f"benchmarks.peers.{peer}")
    uvloop.run(getattr(module, action)(Terms(**json.loads(given))))


if __name__ == "__main__":
    main()
