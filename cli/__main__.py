import io
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
        app()
    except CommandError as error:
        for line in str(error).splitlines():
            print(f"promptmill: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
