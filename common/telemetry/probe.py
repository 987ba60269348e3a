"""`python -m common.telemetry.probe PORT PATH`: asks a port of this machine; exits 0 when it answers 200.

PORT is a number, or the name of the variable that has it. For health checks in images, which have no curl.
"""

import http.client
import os
import sys

_TIMEOUT_SECONDS = 4.0


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text of `GET path` on this machine.

    Raises:
        OSError: nobody answers.
        http.client.HTTPException: what answers speaks no HTTP.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def main() -> int:
    """Print what was answered; the exit status is 0 for a 200, 1 for anything else."""
    port, path = sys.argv[1:]
    try:
        status, text = ask(int(os.environ.get(port, port)), path)
    except (OSError, http.client.HTTPException) as error:
        status, text = 0, f"no answer: {type(error).__name__}\n"
    sys.stdout.write(text)
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
