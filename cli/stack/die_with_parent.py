"""Becomes another program that ends when its parent does: `python die_with_parent.py PARENT_PID PROGRAM ARG…`.

Linux sends the SIGTERM, so it comes even when the parent got a SIGKILL and could clean up nothing. Run by path, not
as a module: it must start in a few milliseconds, and before any import of ours.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGTERM at the parent's death, then replace this process by the program named."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent ended first")
    os.execv(program[0], program)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
