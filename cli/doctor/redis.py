"""Redis (or Valkey): whether it answers, keeps what it is given, and is one that we can use."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cli.doctor.finding import Check, Finding, Unanswered, failure, ok, warning
from common.connections import create_redis_link
from common.setting_names import variable_name
from common.settings import RedisSettings
from common.store.link import StoreUnavailable
from common.store.resp import ReplyError

_URL = variable_name("redis", "url")
# The first whose scripts may ask for the time before they write, and that knows users by name.
_OLDEST = (6, 0)
_NEARLY_FULL = 0.9


@dataclass(frozen=True, slots=True)
class RedisSeen:
    """What Redis says of itself. `save` is when it writes snapshots, None where it does not say.

    `ahead_seconds` is its clock minus ours, give or take `within_seconds`.
    """

    info: Mapping[str, str]
    save: str | None
    ahead_seconds: float
    within_seconds: float


async def look_at_redis(settings: RedisSettings, *, seconds: float) -> RedisSeen | Unanswered:
    """Ask it, at most so long."""
    link = create_redis_link(settings, "promptmill-doctor")
    try:
        async with asyncio.timeout(seconds):
            told = await link.execute("INFO")
            before = time.time()
            moment, fraction = await link.execute("TIME")
            after = time.time()
            try:
                saved = await link.execute("CONFIG", "GET", "save")
            except ReplyError:
                # Whoever hosts it may keep that to himself.
                saved = []
    except (StoreUnavailable, ReplyError, TimeoutError, OSError) as error:
        return Unanswered(
            f"no answer within {seconds:g} s"
            if isinstance(error, TimeoutError)
            else str(error).removeprefix("Redis is out of reach: ")
        )
    finally:
        await link.aclose()
    lines = told.decode(errors="replace").splitlines()
    return RedisSeen(
        info=dict(line.split(":", 1) for line in lines if ":" in line),
        save=saved[1].decode() if len(saved) > 1 else None,
        ahead_seconds=int(moment) + int(fraction) / 1_000_000 - (before + after) / 2,
        within_seconds=(after - before) / 2,
    )


def judge_redis(seen: RedisSeen | Unanswered) -> list[Finding]:
    """What would lose tasks from sight, and what would keep us from working at all."""
    if isinstance(seen, Unanswered):
        mend = f"start it, or set {_URL} to where it is, with its password where it wants one"
        return [failure(Check.REDIS, f"Redis does not answer: {seen.reason}", mend)]
    findings = [*_judge_kind(seen.info), *_judge_memory(seen.info), *_judge_persistence(seen)]
    return findings or [ok(Check.REDIS, f"{_name(seen.info)}, keeps what it is given")]


def _name(info: Mapping[str, str]) -> str:
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', 'of no version')}"


def _judge_kind(info: Mapping[str, str]) -> list[Finding]:
    findings = []
    version = tuple(int(part) for part in info.get("redis_version", "0").split(".")[:2] if part.isdecimal())
    if version < _OLDEST:
        found = f"Redis {info.get('redis_version', 'of no version')} is too old"
        findings.append(failure(Check.REDIS, found, f"use Redis {_OLDEST[0]}.{_OLDEST[1]} or later, or Valkey"))
    if info.get("cluster_enabled") == "1":
        mend = f"set {_URL} to a single server, or to one with replicas"
        findings.append(failure(Check.REDIS, "it is a cluster, which no service of ours can use", mend))
    if info.get("role") in {"slave", "replica"}:
        mend = f"set {_URL} to its primary, {info.get('master_host', '')}:{info.get('master_port', '')}"
        findings.append(failure(Check.REDIS, "it is a replica, which takes no writes", mend))
    return findings


def _judge_memory(info: Mapping[str, str]) -> list[Finding]:
    most, used = int(info.get("maxmemory", "0")), int(info.get("used_memory", "0"))
    policy = info.get("maxmemory_policy", "noeviction")
    findings = []
    if policy != "noeviction":
        level = failure if most else warning
        found = f"it throws keys away when memory is full: maxmemory-policy is {policy}"
        findings.append(level(Check.REDIS, found, "CONFIG SET maxmemory-policy noeviction, and in its configuration"))
    if most and used >= _NEARLY_FULL * most:
        found = f"its memory is nearly full: {used / most:.0%} of {most:,} bytes"
        mend = f"raise maxmemory, or lower {variable_name('tasks', 'result_ttl_seconds')}"
        findings.append(failure(Check.REDIS, found, mend))
    return findings


def _judge_persistence(seen: RedisSeen) -> list[Finding]:
    info = seen.info
    findings = []
    has_log = info.get("aof_enabled") == "1"
    if not has_log and not seen.save:
        said = "it keeps nothing over a restart" if seen.save == "" else "it has no log, and hides whether it snapshots"
        mend = "CONFIG SET appendonly yes, and in its configuration: else workers rebuild it from Kafka at each restart"
        findings.append(warning(Check.REDIS, said, mend))
    for field, what in (("aof_last_write_status", "log"), ("rdb_last_bgsave_status", "snapshot")):
        if info.get(field, "ok") != "ok":
            mend = "see to its disk: its log says what is wrong"
            findings.append(failure(Check.REDIS, f"its last {what} could not be written", mend))
    return findings
