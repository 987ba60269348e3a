"""Settings that no service would start with, and names that set nothing."""

from collections.abc import Sequence

from cli.doctor.finding import Check, Finding, failure, ok


def judge_settings(faults: Sequence[str], *, of_stack: bool) -> list[Finding]:
    """One finding for each fault."""
    where = ", and of the stack in this folder" if of_stack else ""
    if not faults:
        return [ok(Check.SETTINGS, f"both services would start with those of this environment{where}")]
    findings = []
    for fault in faults:
        variable, _, reason = fault.partition(": ")
        what, _, hint = reason.partition("; ")
        mend = (
            f"{hint} else unset {variable}" if hint else f"mend or unset {variable}; promptmill settings has them all"
        )
        findings.append(failure(Check.SETTINGS, f"{variable} {what}", mend))
    return findings
