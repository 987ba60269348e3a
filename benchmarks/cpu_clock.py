"""Processor time of another process, to the nanosecond, while it runs."""

import ctypes
import os
import time


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its threads have used: what `getrusage` would tell it.

    Children of the process are not counted.

    Raises:
        OSError: There is no such process, or the system does not tell.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    clock = ctypes.c_int()
    error = libc.clock_getcpuclockid(ctypes.c_int(pid), ctypes.byref(clock))
    if error:
        raise OSError(error, f"processor time of process {pid}: {os.strerror(error)}")
    return time.clock_gettime(clock.value)
