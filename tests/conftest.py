import os
from collections.abc import AsyncIterator, Generator
from typing import Any

import hypothesis
import pytest

from common.settings import KafkaSettings, RedisSettings
from tests.support.backend import (
    BACKEND_VARIABLE,
    Backend,
    chosen_backend,
    kafka_settings_for,
    redis_settings_for,
    shared_kafka,
    shared_valkey,
    topics_deleted_afterwards,
    unique_prefix,
)
from tests.support.distribution import Distribution, place
from tests.support.docker import DOCKER_VARIABLE, docker_hindrance, docker_is_required
from tests.support.fake_model import FakeModel, running_fake_model
from tests.support.processes import LIVE_PROCESSES, Processes, running_processes

PROFILE_VARIABLE = "PROMPTMILL_HYPOTHESIS_PROFILE"
_NO_DOCKER = "no containers here"


def pytest_configure(config: pytest.Config) -> None:
    # No deadline: a shared machine is slow at times, and that is no property of the code.
    hypothesis.settings.register_profile("default", max_examples=200, deadline=None)
    hypothesis.settings.register_profile("nightly", max_examples=2000, deadline=None)
    # For who only asks whether a test fails: a failing example is not made smaller, which takes minutes.
    hypothesis.settings.register_profile(
        "unshrunk", max_examples=200, deadline=None, phases=[hypothesis.Phase.generate]
    )
    profile = os.environ.get(PROFILE_VARIABLE, "default")
    if profile not in {"default", "nightly", "unshrunk"}:
        raise pytest.UsageError(f"{PROFILE_VARIABLE}={profile}: choose default, nightly or unshrunk")
    hypothesis.settings.load_profile(profile)
    try:
        needed = _why_docker_is_needed()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    # Asked before anything runs, and by the process that starts the others.
    if needed is not None and not hasattr(config, "workerinput") and (hindrance := docker_hindrance()) is not None:
        raise pytest.UsageError(f"{needed}, and {hindrance}")


def _why_docker_is_needed() -> str | None:
    if chosen_backend(os.environ) is Backend.DOCKER:
        return f"{BACKEND_VARIABLE}={Backend.DOCKER}"
    return f"{DOCKER_VARIABLE}=required" if docker_is_required(os.environ) else None


def pytest_report_header() -> str:
    return f"backend: {chosen_backend(os.environ).described}; hypothesis: {os.environ.get(PROFILE_VARIABLE, 'default')}"


def pytest_itemcollected(item: pytest.Item) -> None:
    if {"kafka_bootstrap", "redis_url"} & set(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.on_servers)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _need_docker([item for item in items if item.get_closest_marker("docker") is not None])
    # After they were shuffled, and alike in every process.
    items.sort(key=lambda item: place(item.nodeid, getattr(item, "fixturenames", ())))


def _need_docker(items: list[pytest.Item]) -> None:
    hindrance = docker_hindrance() if items else None
    for item in items if hindrance is not None else []:
        item.add_marker(pytest.mark.skip(reason=f"{_NO_DOCKER}: {hindrance}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which backend ran, and aloud when containers were not tested: a line among many skips is easily missed."""
    terminalreporter.line(f"backend: {chosen_backend(os.environ).described}")
    left_out = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    left_out = [reason for reason in left_out if _NO_DOCKER in reason]
    if left_out:
        terminalreporter.section("CONTAINERS WERE NOT TESTED", red=True, bold=True)
        terminalreporter.line(f"{len(left_out)} tests of images and of docker-compose.yml did not run.")
        terminalreporter.line(f"{left_out[0]}. {DOCKER_VARIABLE}=required makes this a failure.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Distribution | None:
    if config.getoption("dist") != "loadfile":
        return None
    # In the order of the items, not of the number of tests in a file.
    config.option.loadscopereorder = False
    return Distribution(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of a failed test's processes."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {live.name}", live.log_tail()) for live in item.stash.get(LIVE_PROCESSES, [])]
    return report


@pytest.fixture(scope="session")
async def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Bootstrap servers of a real Kafka that all tests share; it starts when a test first asks for it."""
    async with shared_kafka(chosen_backend(os.environ), tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """URL of a real Valkey that all tests share; it starts when a test first asks for it."""
    async with shared_valkey(chosen_backend(os.environ), tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
async def kafka_settings(kafka_bootstrap: str) -> AsyncIterator[KafkaSettings]:
    """Settings for the shared Kafka, with topics and groups of this test's own; none exists yet."""
    async with topics_deleted_afterwards(kafka_settings_for(kafka_bootstrap, unique_prefix())) as settings:
        yield settings


@pytest.fixture
def redis_settings(redis_url: str) -> RedisSettings:
    """Settings for the shared Valkey, with keys of this test's own; none exists yet."""
    return redis_settings_for(redis_url, unique_prefix())


@pytest.fixture
async def fake_model() -> AsyncIterator[FakeModel]:
    """A fake model that answers at once until the test says otherwise."""
    async with running_fake_model() as model:
        yield model


@pytest.fixture
async def processes(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    """Starts this test's processes; all of them have ended after it."""
    async with running_processes(request.node.stash.setdefault(LIVE_PROCESSES, [])) as processes:
        yield processes
