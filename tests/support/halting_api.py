"""The API, put together so that it halts itself (SIGSTOP) once, at one step of a submission or a redrive.

`python -m tests.support.halting_api "before submissions.accept_alike"`. Whoever runs it decides what comes next: to
kill it, or to let other things happen before it goes on.
"""

import os
import signal
import sys
from typing import Any

from producer_api import __main__ as root
from producer_api.state import Parts

MODULE = "tests.support.halting_api"


class Halting:
    """Stands in front of a part; the first call of one of its methods halts the process, before or after it."""

    def __init__(self, part: object, method: str, *, before: bool) -> None:
        self._part = part
        self._method = method
        self._before = before
        self._has_halted = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name != self._method:
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            if self._before:
                self._halt()
            result = await found(*args, **kwargs)
            self._halt()
            return result

        return call

    def _halt(self) -> None:
        if not self._has_halted:
            self._has_halted = True
            os.kill(os.getpid(), signal.SIGSTOP)


def halting(parts: Parts, step: str) -> Parts:
    """The same parts, with one step that halts: "before" or "after", a part and its method.

    Raises:
        ValueError: No part has such a method: nothing would ever halt.
    """
    moment, _, call = step.partition(" ")
    part, _, method = call.partition(".")
    halts = False
    for owner in (parts.submission, parts.idempotent_submission, parts.redrive):
        found = getattr(owner, f"_{part}", None)
        if hasattr(found, method):
            halts = True
            setattr(owner, f"_{part}", Halting(found, method, before=moment == "before"))
    if not halts:
        raise ValueError(f"no step {step!r}")
    return parts


def main(step: str) -> int:
    """Run the API as its own composition root does."""
    compose = root.ready_parts
    root.ready_parts = lambda *clients, **more: halting(compose(*clients, **more), step)
    return root.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
