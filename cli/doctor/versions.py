"""One version everywhere: two of them work together while a deploy goes on, and no longer."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.doctor.finding import Check, Finding, ok, warning


def judge_versions(own: str, api: str | None, workers: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Whether this command, the API and the workers are of one version; None where the API's is not known."""
    findings = []
    if api is not None and api != own:
        found = f"the API is of version {api}, this command of {own}"
        findings.append(warning(Check.VERSIONS, found, f"finish the deploy, or install promptmill=={api} here"))
    others = sorted({str(worker.get("version")) for worker in workers} - {own if api is None else api})
    if others:
        found = f"workers are of version {', '.join(others)}, the API of {api or 'none that is known'}"
        findings.append(warning(Check.VERSIONS, found, "finish the deploy: let all be of one version"))
    return findings or [ok(Check.VERSIONS, f"{own} everywhere" if api is not None else f"this command is {own}")]
