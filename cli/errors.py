from cli.exit_codes import ExitCode


class CommandError(Exception):
    """An expected failure of a command: the message is for a person, one line where it can be."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code
