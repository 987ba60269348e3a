"""The command line on a machine whose clock is wrong: `python -m tests.support.shifted_clock SECONDS ARGUMENT…`."""

import sys
import time

from cli.__main__ import main

if __name__ == "__main__":
    _, shift, *arguments = sys.argv
    right, seconds = time.time, float(shift)
    time.time = lambda: right() + seconds
    sys.argv = ["promptmill", *arguments]
    main()
