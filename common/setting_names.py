"""The variables of settings, and which with our prefix set nothing: a misspelt one would leave its default in force."""

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

ENV_PREFIX = "PROMPTMILL_"
ENV_DELIMITER = "__"
FILE_SUFFIX = "_FILE"

# A share of what is alike: above it a known setting is meant, and no unknown one of another service's group.
_VERY_NEAR = 0.85

# Groups that one service alone reads; the other is often given them too.
SERVICE_GROUPS = ("api", "worker", "llm")

# Read by the command line, by Compose on the host, and by our tests.
_API_URL = f"{ENV_PREFIX}API_URL"
OTHER_VARIABLES = frozenset(
    ENV_PREFIX + name
    for name in (
        "API_URL",
        "PROFILE",
        "BASE_IMAGE",
        "CONSUMERS",
        "PORT",
        "REVISION",
        "VERSION",
        "FAULT_MEASUREMENTS",
        "HYPOTHESIS_PROFILE",
        "TEST_BACKEND",
        "TEST_DOCKER",
        "TEST_OPENAI_2",
    )
)

# Kubernetes tells every pod of a namespace where its services are: PROMPTMILL_API_PORT=tcp://10.0.0.1:8000.
_SERVICE_LINK = re.compile(r"_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


class UnknownVariable(NamedTuple):
    """A variable with our prefix that sets nothing; `nearest` is the one it may be meant for."""

    variable: str
    nearest: str | None

    @property
    def fault(self) -> str:
        """What there is to say of it, behind its name."""
        return f"is no setting{f'; did you mean {self.nearest}?' if self.nearest else ''}"


def variables_of_no_group(
    environ: Mapping[str, str], groups: Collection[str], settings: Iterable[str]
) -> list[UnknownVariable]:
    """The variables of no group of settings that any service has, sorted.

    `groups` and `settings` are those of the service that asks; an unknown setting of a known group is not looked for.
    """
    known_groups = {name.upper() for name in (*groups, *SERVICE_GROUPS)}
    # Compared without what they all begin with, or everything would be near to everything.
    names = [name.removeprefix(ENV_PREFIX) for name in (*settings, _API_URL)]
    found = []
    for variable, value in sorted(environ.items()):
        name = variable.upper()
        if not value or not name.startswith(ENV_PREFIX) or name in OTHER_VARIABLES or _is_service_link(name, value):
            continue
        own = name.removeprefix(ENV_PREFIX).removesuffix(FILE_SUFFIX)
        if own.partition(ENV_DELIMITER)[0] in known_groups:
            continue
        nearest = (
            get_close_matches(own, names, n=1, cutoff=_VERY_NEAR)
            or _regrouped(own, known_groups)
            or get_close_matches(own, names, n=1)
        )
        found.append(UnknownVariable(variable, ENV_PREFIX + nearest[0] if nearest else None))
    return found


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.search(name) or (name.endswith("_PORT") and _SERVICE_ADDRESS.match(value)))


def _regrouped(own: str, groups: Collection[str]) -> list[str]:
    """The same name in a group that may have been meant, of whose settings nothing is known here."""
    head, delimiter, rest = own.partition(ENV_DELIMITER)
    if delimiter:
        return [group + ENV_DELIMITER + rest for group in get_close_matches(head, groups, n=1)]
    return [group + ENV_DELIMITER + own.removeprefix(f"{group}_") for group in groups if own.startswith(f"{group}_")]


def variable_name(*path: str) -> str:
    """The environment variable that sets `path`: ("api", "port") is PROMPTMILL_API__PORT."""
    return ENV_PREFIX + ENV_DELIMITER.join(path).upper()
