from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status says; part of the interface, for scripts."""

    OK = 0
    NOT_COMPLETED = 1
    USAGE = 2
    OUT_OF_REACH = 3
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """In words, for help and documentation."""
        return {
            ExitCode.OK: "done; of tasks: each that was waited for is completed",
            ExitCode.NOT_COMPLETED: "not all is well: tasks failed, expired, were cancelled, refused, are unknown; no "
            "worker works; the doctor found a failure; the stack could not start; the output could not be written",
            ExitCode.USAGE: "the command, its input or the settings are wrong: trying again changes nothing",
            ExitCode.OUT_OF_REACH: "the API, Kafka or Redis does not answer: trying again later may help",
            ExitCode.INTERRUPTED: "ended by Ctrl-C; what was accepted goes on without the command",
        }[self]
