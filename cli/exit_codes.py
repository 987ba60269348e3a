from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status says; part of the interface, for scripts."""

    OK = 0
    """Done; of tasks: each that was waited for is completed."""

    NOT_COMPLETED = 1
    """Some tasks failed, expired, were cancelled or refused, or are not known."""

    USAGE = 2
    """The command, its input or the settings are wrong; trying again changes nothing."""

    OUT_OF_REACH = 3
    """The API or Kafka does not answer; trying again later may help."""

    INTERRUPTED = 130
    """Ended by Ctrl-C. Tasks already accepted go on without the command."""
