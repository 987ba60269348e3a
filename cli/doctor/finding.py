from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """What is looked at; every run says something of each."""

    SETTINGS = "settings"
    VERSIONS = "versions"
    KAFKA = "kafka"
    TOPICS = "topics"
    REDIS = "redis"
    MODEL = "model"
    API = "api"
    WORKERS = "workers"
    CLOCKS = "clocks"
    DISK = "disk"


class Level(StrEnum):
    """How bad a finding is: a warning works today, a failure does not."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw. `mend` says what to do, and is there unless all is well."""

    check: Check
    level: Level
    found: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why what was looked at said nothing; no secret is in it."""

    reason: str


def ok(check: Check, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def warning(check: Check, found: str, mend: str) -> Finding:
    """It works, and should not stay so."""
    return Finding(check, Level.WARNING, found, mend)


def failure(check: Check, found: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, Level.FAILURE, found, mend)


def not_looked_at(check: Check, because: Check) -> Finding:
    """Another check's fault is in the way."""
    return warning(check, f"not looked at, because of {because}", f"mend {because} first")
