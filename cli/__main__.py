import os
import sys

# `ExitCode` has it too; to import that takes a moment.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; what is expected to fail says so in a line and has a status of its own."""
    # One that comes while an object is taken apart would be printed and forgotten.
    sys.unraisablehook = _end_if_interrupted
    try:
        _run()
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)
    except SystemExit as end:
        # Python forgets a status that is left to it, and ends by the signal, where that came within `exec` of a text:
        # while a dataclass is made, for one. What was written has left by now.
        if end.code == _INTERRUPTED:
            os._exit(_INTERRUPTED)
        raise


def _end_if_interrupted(unraisable: "sys.UnraisableHookArgs") -> None:
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        os._exit(_INTERRUPTED)
    sys.__unraisablehook__(unraisable)


def _run() -> None:
    # Not above: most of a short command's time goes into these, and Ctrl-C may come meanwhile.
    from cli.app import create_app  # noqa: PLC0415
    from cli.errors import CommandError  # noqa: PLC0415
    from cli.standard_output import open_standard_streams  # noqa: PLC0415
    from cli.terminal_text import printable  # noqa: PLC0415

    open_standard_streams()
    try:
        try:
            # Not how it was started: completion goes by this name.
            create_app()(prog_name="promptmill")
        finally:
            sys.stdout.flush()
    except CommandError as error:
        for line in str(error).splitlines():
            print(f"promptmill: {printable(line)}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
