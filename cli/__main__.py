import sys


def main() -> None:
    """Run the command line; what is expected to fail says so in a line and has a status of its own."""
    try:
        _run()
    except KeyboardInterrupt:
        from cli.exit_codes import ExitCode  # noqa: PLC0415 (nothing is imported before it can be interrupted)

        sys.exit(ExitCode.INTERRUPTED)


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
