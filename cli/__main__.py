import io
import os
import sys

from cli.app import create_app
from cli.errors import CommandError
from cli.exit_codes import ExitCode


def main() -> None:
    """Run the command line; what is expected to fail says so in a line and has a status of its own."""
    app = create_app()
    # Whatever the terminal's character set, an answer is printed.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # Not how it was started: completion goes by this name.
        app(prog_name="promptmill")
    except CommandError as error:
        for line in str(error).splitlines():
            print(f"promptmill: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the answers has enough of them. Python would write what is left at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.NOT_COMPLETED)


if __name__ == "__main__":
    main()
