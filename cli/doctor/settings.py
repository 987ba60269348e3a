"""Settings that no service would start with, and names that set nothing."""

import re
from collections.abc import Sequence

from cli.doctor.finding import Check, Finding, failure, ok

_OF_A_VARIABLE = re.compile(r"([A-Za-z0-9_]+): (.+)")


def judge_settings(faults: Sequence[str], *, of_stack: bool) -> list[Finding]:
    """One finding for each fault."""
    where = ", and of the local stack" if of_stack else ""
    if not faults:
        return [ok(Check.SETTINGS, f"both services would start with those of this environment{where}")]
    findings = []
    for fault in faults:
        named = _OF_A_VARIABLE.fullmatch(fault)
        if named is None:
            # Several that do not agree: some say how they would.
            what, _, how = fault.partition(": ")
            mend = how or "set them so; promptmill settings says what each is for"
            findings.append(failure(Check.SETTINGS, what, mend))
            continue
        variable, reason = named.groups()
        what, _, hint = reason.partition("; ")
        said, _, how = what.partition(": ")
        if hint:
            mend = f"{hint} else unset {variable}"
        else:
            mend = how or f"mend or unset {variable}; promptmill settings has them all"
        findings.append(failure(Check.SETTINGS, f"{variable} {said}", mend))
    return findings
