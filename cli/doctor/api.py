"""The API, and what it knows of the workers."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from cli.addresses import ApiAddress
from cli.api.task_view import error_line
from cli.doctor.finding import Check, Finding, Unanswered, failure, not_looked_at, ok, warning
from cli.doctor.model import reason_of
from common.setting_names import variable_name

# A header has no part of a second.
_SECOND = 1.0
_MOST_HINDRANCES = 5
_SERVERS, _REDIS = variable_name("kafka", "bootstrap_servers"), variable_name("redis", "url")


@dataclass(frozen=True, slots=True)
class ApiSeen:
    """What it answers. `version` is None where it is no API of ours; `trouble` is why it takes no tasks now.

    `unsaid` is why it is not known whether it would take any: what is before it keeps that back.
    `workers` is None where it does not show them, for the reason in `hidden`. `ahead_seconds` is its clock minus ours,
    give or take `within_seconds`; None where it does not say.
    """

    version: str | None
    trouble: str | None = None
    unsaid: str | None = None
    workers: Sequence[Mapping[str, Any]] | None = None
    hidden: str | None = None
    ahead_seconds: float | None = None
    within_seconds: float = 0.0


async def look_at_api(
    address: ApiAddress, operator_headers: Mapping[str, str], session: aiohttp.ClientSession, *, seconds: float
) -> ApiSeen | Unanswered:
    """Ask it, at most so long."""
    token = {} if address.token is None else {"Authorization": f"Bearer {address.token}"}
    try:
        async with asyncio.timeout(seconds):
            before = time.time()
            _, described, date = await _get(session, f"{address.value}/openapi.json", token)
            after = time.time()
            readiness = await _ask_readiness(session, f"{address.value}/readyz", token)
            listed, tasks, _ = await _get(session, f"{address.value}/v1/tasks?limit=1", token)
            shown, workers, _ = await _get(
                session, f"{address.value}/v1/operator/workers", {**token, **operator_headers}
            )
    except TimeoutError:
        return Unanswered(f"no answer within {seconds:g} s")
    except aiohttp.ClientError as error:
        return Unanswered(reason_of(error))
    return ApiSeen(
        version=_version(described),
        trouble="; ".join(readiness.hindrances) or (None if listed == HTTPStatus.OK else _error(listed, tasks)),
        unsaid=readiness.unsaid,
        workers=_workers(workers) if shown == HTTPStatus.OK else None,
        hidden=None if shown == HTTPStatus.OK else _error(shown, workers),
        # On average half of a second was cut off.
        ahead_seconds=None if date is None else date + _SECOND / 2 - (before + after) / 2,
        within_seconds=(after - before) / 2 + _SECOND / 2,
    )


async def _get(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> tuple[int, Any, float | None]:
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        try:
            content = await response.json(content_type=None)
        except (ValueError, RecursionError):
            content = None
        return response.status, content, _date(response.headers.get("Date"))


@dataclass(frozen=True, slots=True)
class _Readiness:
    hindrances: Sequence[str] = ()
    unsaid: str | None = None


async def _ask_readiness(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> _Readiness:
    """What hinders it, by its own words: reading a task touches Redis alone, and says nothing of Kafka."""
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        if response.status == HTTPStatus.OK:
            return _Readiness()
        if response.status != HTTPStatus.SERVICE_UNAVAILABLE:
            return _Readiness(unsaid=f"HTTP {response.status}")
        # Somebody before it, who cannot reach it, answers in another form.
        is_its_own = response.content_type == "text/plain"
        lines = (await response.text(errors="replace")).splitlines() if is_its_own else []
        return _Readiness([line for line in lines if line][:_MOST_HINDRANCES] or [f"HTTP {response.status}"])


def judge_api(seen: ApiSeen | Unanswered, address: ApiAddress) -> list[Finding]:
    """Whether it is there, is ours, and takes tasks."""
    if isinstance(seen, Unanswered):
        found = f"the API at {address.value} ({address.source}) does not answer: {seen.reason}"
        return [failure(Check.API, found, "start it, or name another by --api, --profile or PROMPTMILL_API_URL")]
    if seen.version is None:
        found = f"what answers at {address.value} ({address.source}) is no API of Promptmill"
        return [failure(Check.API, found, "name another by --api, --profile or PROMPTMILL_API_URL")]
    if seen.trouble is not None:
        mend = f"mend what it names; where kafka and redis are ok here, its own {_SERVERS} or {_REDIS} differs"
        return [failure(Check.API, f"the API takes no tasks: {seen.trouble}", mend)]
    if seen.unsaid is not None:
        found = f"{address.value} ({address.source}) does not say whether it takes tasks: {seen.unsaid}"
        return [warning(Check.API, found, "have what is before it pass on /readyz, or submit one prompt to be sure")]
    return [ok(Check.API, f"{address.value} answers ({address.source})")]


def judge_workers(seen: ApiSeen | Unanswered) -> list[Finding]:
    """Whether a worker works, and what hinders those that do not."""
    if isinstance(seen, Unanswered) or seen.version is None:
        return [not_looked_at(Check.WORKERS, Check.API)]
    if seen.workers is None:
        mend = f"set {variable_name('api', 'operator_token')} as the API has it, or operator_token in the profile"
        return [warning(Check.WORKERS, f"the API does not show them: {seen.hidden}", mend)]
    if not seen.workers:
        found = "no worker was heard of in the last minute"
        return [failure(Check.WORKERS, found, "start one: python -m consumer, with the API's Kafka and Redis")]
    findings = []
    for worker in seen.workers:
        name, state = worker.get("worker"), worker.get("state")
        hindrances = "; ".join(str(each) for each in worker.get("hindrances") or ())
        if state == "silent":
            mend = "see whether it still runs, and its log"
            findings.append(warning(Check.WORKERS, f"{name} was not heard of lately", mend))
        elif state != "working":
            mend = "its /readyz and its log say more; docs/operations.md has what to do"
            findings.append(warning(Check.WORKERS, f"{name} takes no records: {hindrances or state}", mend))
    if not any(worker.get("state") == "working" for worker in seen.workers):
        mend = "mend what hinders them, or start another: python -m consumer"
        findings.append(failure(Check.WORKERS, "no worker is working", mend))
    return findings or [ok(Check.WORKERS, f"{len(seen.workers)} working")]


def _version(described: Any) -> str | None:
    info = described.get("info") if isinstance(described, dict) else None
    if not isinstance(info, dict) or info.get("title") != "Promptmill":
        return None
    return str(info.get("version"))


def _workers(answer: Any) -> list[Mapping[str, Any]] | None:
    workers = answer.get("workers") if isinstance(answer, dict) else None
    return [worker for worker in workers if isinstance(worker, dict)] if isinstance(workers, list) else None


def _error(status: int, answer: Any) -> str:
    said = error_line(answer.get("error")) if isinstance(answer, dict) else None
    return said or f"HTTP {status}"


def _date(header: str | None) -> float | None:
    try:
        return None if header is None else parsedate_to_datetime(header).timestamp()
    except ValueError:
        return None
