from pathlib import Path


class StackError(Exception):
    """Something of the local stack cannot start or run; the message is one line for a person.

    `log` names the file that tells more, when there is one.
    """

    def __init__(self, message: str, *, log: Path | None = None) -> None:
        super().__init__(message if log is None else f"{message}; see {log}")
        self.log = log
