"""`promptmill doctor` finds nothing where all is well, and each fault that is really planted, with its mend."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from cli.doctor.finding import Check
from cli.exit_codes import ExitCode
from cli.stack.child import Child, running
from cli.stack.ports import Ports
from cli.stack.probes import http_ok, redis_ok
from cli.stack.valkey import find_valkey, redis_url as url_of_port, running_valkey
from common.connections import create_admin, create_producer
from common.setting_names import variable_name
from common.settings import KafkaSettings, TaskSettings
from common.topics import MAX_TASK_RECORD_BYTES, TopicNames, ensure_topics, topic_specs
from tests.cli.running import Finished, run_command
from tests.cli.scripted_api import Reply, scripted_api
from tests.support.api import Api
from tests.support.backend import (
    kafka_settings_for,
    redis_settings_for,
    topics_deleted_afterwards,
    unique_prefix,
)
from tests.support.deployment import Deployment
from tests.support.fake_model import FakeModel, running_fake_model
from tests.support.processes import running_processes
from tests.support.redis_client import create_redis
from tests.support.servers import free_ports
from tests.support.version_proxy import redis_of_major_version
from tests.support.waiting import until

NOBODY = "127.0.0.1:1"
SHIFT_SECONDS = 60
HALF_A_LOOK_SECONDS = 5


@dataclass
class Ward:
    """A deployment that is well, and the environment that a doctor sees it by."""

    deployment: Deployment
    api: Api
    model: FakeModel
    folder: Path
    kafka: KafkaSettings

    @property
    def environ(self) -> dict[str, str]:
        return {**self.deployment.settings, "PROMPTMILL_API_URL": self.api.url}

    async def examine(self, *arguments: str, **changed: str) -> "Report":
        environ = {**self.environ, **{variable_name(*path.split("__")): value for path, value in changed.items()}}
        return Report(await run_command("doctor", "--json", *arguments, folder=self.folder, environ=environ))


class Report:
    """The findings of one run."""

    def __init__(self, run: Finished) -> None:
        assert "Traceback" not in run.errors, run.errors
        self.run = run
        self.findings = [json.loads(line) for line in run.output.splitlines()]

    @property
    def levels(self) -> dict[str, str]:
        """The worst level of each check."""
        order = ["ok", "warning", "failure"]
        levels: dict[str, str] = {}
        for finding in self.findings:
            worst = max(levels.get(finding["check"], "ok"), finding["level"], key=order.index)
            levels[finding["check"]] = worst
        return levels

    def found(self, check: str, level: str, what: str, mend: str) -> None:
        """Assert that this was found, with this mend."""
        assert any(
            finding["check"] == check
            and finding["level"] == level
            and what in finding["found"]
            and mend in (finding["mend"] or "")
            for finding in self.findings
        ), self.run.output
        if level == "failure":
            assert self.run.status == ExitCode.NOT_COMPLETED

    def is_well_but_for(self, *checks: str) -> None:
        """Assert that no other check has anything to say."""
        assert {check: level for check, level in self.levels.items() if level != "ok"}.keys() <= set(checks), (
            self.run.output
        )


@pytest.fixture(scope="module")
async def well(kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    folder = tmp_path_factory.mktemp("doctor")
    async with AsyncExitStack() as parts:
        kafka = await parts.enter_async_context(
            topics_deleted_afterwards(kafka_settings_for(kafka_bootstrap, unique_prefix()))
        )
        model = await parts.enter_async_context(running_fake_model())
        deployment = Deployment(
            kafka=kafka,
            processes=await parts.enter_async_context(running_processes()),
            ports=await parts.enter_async_context(free_ports()),
            session=await parts.enter_async_context(aiohttp.ClientSession()),
            redis=redis_settings_for(redis_url, unique_prefix()),
            model_url=model.base_url,
            folder=folder,
        )
        api = await deployment.start_api()
        await deployment.start_worker(concurrency=2)

        async def working() -> bool:
            answer = await api.ask("GET", "/v1/operator/workers")
            return [worker["state"] for worker in answer.body["workers"]] == ["working"]

        # What it said last may be older than its readiness.
        await until(working, what="a worker that says that it works")
        yield Ward(deployment, api, model, folder, kafka)


@pytest.fixture
async def ports() -> AsyncIterator[Ports]:
    async with free_ports() as ports:
        yield ports


async def test_where_all_is_well_every_check_says_so(well: Ward) -> None:
    report = await well.examine("--min-free-gib", "0.001")
    assert report.levels == {str(check): "ok" for check in Check}, report.run.output
    assert report.run.status == ExitCode.OK
    assert all(finding["mend"] is None for finding in report.findings)


@pytest.mark.parametrize(
    ("changed", "check", "what", "mend"),
    [
        pytest.param(
            {"kafka__bootstrap_servers": NOBODY},
            "kafka",
            f"Kafka at {NOBODY} does not answer: no broker can be connected to",
            "PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS",
            id="Kafka that is not there",
        ),
        pytest.param(
            {"kafka__replication_factor": "3"}, "kafka", "1 broker for 3 copies", "at most 1", id="too few brokers"
        ),
        pytest.param(
            {"redis__url": f"redis://:hidden@{NOBODY}/0"},
            "redis",
            "Redis does not answer",
            "PROMPTMILL_REDIS__URL",
            id="Redis that is not there",
        ),
        pytest.param(
            {"llm__base_url": f"http://{NOBODY}/v1"},
            "model",
            "the model server does not answer: Connection refused",
            "PROMPTMILL_LLM__BASE_URL",
            id="a model server that is not there",
        ),
        pytest.param(
            {"llm__model": "fake-modle"},
            "model",
            "does not have fake-modle",
            "did you mean fake-model?",
            id="a model that is not there",
        ),
        pytest.param(
            {"kafka__topic_prefixx": "x"},
            "settings",
            "PROMPTMILL_KAFKA__TOPIC_PREFIXX is no setting",
            "did you mean PROMPTMILL_KAFKA__TOPIC_PREFIX?",
            id="a misspelt setting",
        ),
        pytest.param(
            {"worker__concurrency": "0"},
            "settings",
            "PROMPTMILL_WORKER__CONCURRENCY",
            "mend or unset PROMPTMILL_WORKER__CONCURRENCY",
            id="a setting out of range",
        ),
    ],
)
async def test_a_fault_of_this_environment_is_found_with_its_mend(
    changed: Mapping[str, str], check: str, what: str, mend: str, well: Ward
) -> None:
    report = await well.examine("--min-free-gib", "0.001", **changed)
    report.found(check, "failure", what, mend)
    hidden = {"kafka": ("topics", "workers")}.get(check, ())
    report.is_well_but_for(check, *hidden)
    assert "hidden" not in report.run.output + report.run.errors


async def test_a_key_that_the_model_refuses_is_found(well: Ward) -> None:
    await well.model.behave(status=401, error_code="invalid_api_key")
    try:
        report = await well.examine("--min-free-gib", "0.001", llm__api_key="hidden")
    finally:
        await well.model.behave()
    report.found("model", "failure", "refuses our key: HTTP 401", "PROMPTMILL_LLM__API_KEY")
    report.is_well_but_for("model")
    assert "hidden" not in report.run.output + report.run.errors


async def test_an_api_that_is_not_there_is_found(well: Ward) -> None:
    report = await well.examine("--min-free-gib", "0.001", "--api", f"http://{NOBODY}")
    report.found("api", "failure", "does not answer: Connection refused", "--profile")
    report.is_well_but_for("api")


async def test_an_api_that_takes_no_tasks_is_found_with_its_own_reason(
    well: Ward, ports: Ports, tmp_path: Path
) -> None:
    port, operations_port = ports.free(), ports.free()

    async def alive() -> bool:
        return await http_ok(operations_port, "/livez")

    astray = {
        **well.deployment.settings,
        variable_name("api", "port"): str(port),
        variable_name("api", "operations_port"): str(operations_port),
        variable_name("kafka", "bootstrap_servers"): NOBODY,
    }
    if "PYTHONPATH" in os.environ:
        astray["PYTHONPATH"] = os.environ["PYTHONPATH"]
    argv = (sys.executable, "-P", "-m", "producer_api")
    child = Child(name="api", argv=argv, log=tmp_path / "api.log", ready=alive, env=astray)
    url = f"http://127.0.0.1:{port}"
    async with running([child]), aiohttp.ClientSession() as session:

        async def out_of_reach() -> bool:
            async with session.get(f"{url}/readyz") as response:
                return await response.text() == "Kafka is out of reach\n"

        await until(out_of_reach, what="an API that has tried")
        async with session.post(f"{url}/v1/tasks", json={"prompts": ["x"]}) as refused:
            assert refused.status == 503, await refused.text()
        report = await well.examine("--min-free-gib", "0.001", "--api", url)
    mend = "its own PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS"
    report.found("api", "failure", "the API takes no tasks: Kafka is out of reach", mend)
    report.is_well_but_for("api")


async def test_an_api_whose_readiness_is_kept_back_is_warned_about(well: Ward) -> None:
    described = Reply(body={"info": {"title": "Promptmill", "version": version("promptmill")}})
    hidden = Reply(404, {"error": "no such page"})
    async with scripted_api(described, hidden, Reply(body={"tasks": []}), Reply(body={"workers": []})) as api:
        report = await well.examine("--api", api.url)
    report.found("api", "warning", "does not say whether it takes tasks: HTTP 404", "/readyz")


async def test_an_api_of_another_version_is_found_and_so_is_what_is_none(well: Ward) -> None:
    described = Reply(body={"info": {"title": "Promptmill", "version": "0.0.9"}})
    replies = (Reply(body=b"ok"), Reply(body={"tasks": []}), Reply(body={"workers": []}))
    async with scripted_api(described, *replies) as api:
        report = await well.examine("--api", api.url)
        assert report.levels["api"] == "ok"
        report.found("versions", "warning", "the API is of version 0.0.9", "promptmill==0.0.9")
        report.found("workers", "failure", "no worker was heard of", "python -m consumer")
    async with scripted_api(Reply(body=b"<html>")) as api:
        (await well.examine("--api", api.url)).found("api", "failure", "is no API of Promptmill", "--api")


@asynccontextmanager
async def admin_of(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = create_admin(kafka, "test")
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@pytest.fixture
async def other_topics(kafka_settings: KafkaSettings) -> KafkaSettings:
    """Topics of this test's own, as they should be, which nobody works for."""
    async with admin_of(kafka_settings) as admin:
        await ensure_topics(admin, topic_specs(kafka_settings, TaskSettings()))
    return kafka_settings


async def test_a_topic_that_is_missing_is_found(well: Ward, other_topics: KafkaSettings) -> None:
    missing = TopicNames(other_topics.topic_prefix).dead_letters
    async with admin_of(other_topics) as admin:
        await admin.delete_topics([missing])
    report = await well.examine(kafka__topic_prefix=other_topics.topic_prefix)
    report.found("topics", "failure", f"there is no topic {missing}", "promptmill topics --create")


async def test_topics_that_would_lose_tasks_are_found(well: Ward, other_topics: KafkaSettings) -> None:
    names = TopicNames(other_topics.topic_prefix)
    altered = {"retention.ms": "1000", "min.insync.replicas": "2"}
    async with admin_of(other_topics) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, names.batch, altered)])
    partitions = str(other_topics.task_partitions + 1)
    report = await well.examine(kafka__topic_prefix=other_topics.topic_prefix, kafka__task_partitions=partitions)
    report.found("topics", "failure", f"{names.batch} has retention.ms=1000", "kafka-configs --alter --topic")
    report.found("topics", "failure", "min.insync.replicas=2 with replication factor 1", "kafka-configs --alter")
    report.found(
        "topics", "failure", f"{names.interactive} has {other_topics.task_partitions} partitions", "add partitions"
    )


async def test_a_group_without_workers_is_found(well: Ward, other_topics: KafkaSettings) -> None:
    producer = create_producer(other_topics, "test", max_record_bytes=MAX_TASK_RECORD_BYTES)
    await producer.start()
    await producer.send_and_wait(TopicNames(other_topics.topic_prefix).batch, b"{}")
    await producer.stop()
    report = await well.examine(kafka__topic_prefix=other_topics.topic_prefix)
    report.found("workers", "failure", "nobody is in the group of the workers, 1 records wait", "python -m consumer")
    report.is_well_but_for("workers", "disk")


async def test_a_redis_that_forgets_is_found(well: Ward, tmp_path: Path) -> None:
    async with running_valkey(tmp_path) as url:
        redis = create_redis(redis_settings_for(url, ""), "test")
        await redis.config_set("maxmemory", "100mb")
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        await redis.config_set("appendonly", "no")
        await redis.aclose()
        report = await well.examine("--min-free-gib", "0.001", redis__url=url)
    report.found("redis", "failure", "maxmemory-policy is allkeys-lru", "CONFIG SET maxmemory-policy noeviction")
    report.found("redis", "warning", "keeps nothing over a restart", "CONFIG SET appendonly yes")
    report.is_well_but_for("redis")


async def test_a_redis_that_is_too_old_is_found(well: Ward, redis_url: str) -> None:
    async with redis_of_major_version(5, redis_url) as url:
        report = await well.examine("--min-free-gib", "0.001", redis__url=url)
    report.found("redis", "failure", "is too old", "use Redis 6.0 or later")
    report.is_well_but_for("redis")


async def test_a_redis_of_another_kind_is_found(well: Ward, ports: Ports, tmp_path: Path) -> None:
    port = ports.free()

    async def ready() -> bool:
        return await redis_ok(port)

    server = await asyncio.to_thread(find_valkey, {})
    cluster = ("--cluster-enabled", "yes", "--cluster-port", str(ports.free()))
    options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), *cluster)
    child = Child(name="cluster", argv=(str(server), *options), log=tmp_path / "cluster.log", ready=ready)
    async with running([child]):
        report = await well.examine("--min-free-gib", "0.001", redis__url=url_of_port(port))
    report.found("redis", "failure", "it is a cluster", "single server")
    # What answers there is no Redis at all.
    host = well.api.url.removeprefix("http://")
    report = await well.examine("--min-free-gib", "0.001", "--timeout-seconds", "5", redis__url=f"redis://{host}/0")
    report.found("redis", "failure", "does not answer", "PROMPTMILL_REDIS__URL")


async def test_a_clock_that_is_wrong_is_found(well: Ward) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.shifted_clock", str(SHIFT_SECONDS), "doctor", "--json"),
        cwd=Path(__file__).parents[2],
        env=well.environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    report = Report(Finished(process.returncode, output.decode(), errors.decode()))
    for whose in ("Redis", "the API"):
        report.found("clocks", "failure", f"the clock of {whose} is ", "NTP")
        said = re.search(rf"the clock of {whose} is (\d+) s behind this one", report.run.output)
        assert said is not None, report.run.output
        # Where in the time of a slow answer its clock was read, nobody knows.
        assert abs(int(said[1]) - SHIFT_SECONDS) <= HALF_A_LOOK_SECONDS
    report.is_well_but_for("clocks", "disk")


async def test_records_of_times_to_come_are_found(well: Ward, other_topics: KafkaSettings) -> None:
    topic = TopicNames(other_topics.topic_prefix).interactive
    producer = create_producer(other_topics, "test", max_record_bytes=MAX_TASK_RECORD_BYTES)
    await producer.start()
    await producer.send_and_wait(topic, b"{}", timestamp_ms=round((time.time() + SHIFT_SECONDS) * 1000))
    await producer.stop()
    report = await well.examine(kafka__topic_prefix=other_topics.topic_prefix)
    report.found("clocks", "failure", f"{topic} has records of times to come", "NTP")


async def test_a_disk_that_is_nearly_full_is_found(well: Ward) -> None:
    report = await well.examine("--min-free-gib", "1000000000")
    report.found("disk", "failure", "Kafka stops when there is none", "promptmill up --data-dir")
    report.is_well_but_for("disk")


async def test_a_person_reads_each_finding_with_its_mend_and_a_warning_fails_where_it_should(well: Ward) -> None:
    changed = {**well.environ, "PROMPTMILL_LLM__BASE_URL": f"{well.model.url}/elsewhere"}
    lenient, strict = [
        await run_command("doctor", "--min-free-gib", "0.001", *more, folder=well.folder, environ=changed)
        for more in ((), ("--strict",))
    ]
    assert (lenient.status, strict.status) == (ExitCode.OK, ExitCode.NOT_COMPLETED)
    lines = lenient.output.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("warning  model    ")]
    assert "no list of models: HTTP 404" in lines[at]
    assert lines[at + 1].strip().startswith("→ see that PROMPTMILL_LLM__BASE_URL ends")
