from enum import StrEnum


class TailedTopic(StrEnum):
    """The topics by the short names that a command takes."""

    INTERACTIVE = "interactive"
    BATCH = "batch"
    RESULTS = "results"
    DEAD_LETTERS = "dead-letters"
