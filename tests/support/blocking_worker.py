"""A worker whose event loop can be blocked: SIGUSR1 halts the thread that it runs in, SIGUSR2 lets it go on.

Unlike under SIGSTOP the process lives: a signal is taken, a connection accepted by the kernel, and only what the loop
was to do is not done: heartbeats, renewals, reads.
"""

import signal
import sys
from types import FrameType

from consumer.__main__ import main as run_worker

MODULE = "tests.support.blocking_worker"
BLOCK, WAKE = signal.SIGUSR1, signal.SIGUSR2
BLOCKED, AWAKE = "the loop is blocked", "the loop goes on"


def _block(_number: int, _frame: FrameType | None) -> None:
    sys.stderr.write(f"{BLOCKED}\n")
    signal.sigwait({WAKE})
    sys.stderr.write(f"{AWAKE}\n")


def main() -> int:
    """Run the worker as its own composition root does."""
    # Before there is a second thread, which would take the signal: it has to wait for `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {WAKE})
    signal.signal(BLOCK, _block)
    return run_worker()


if __name__ == "__main__":
    sys.exit(main())
