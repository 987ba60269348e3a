"""A real Prometheus scrapes real services: what is documented, shown and alerted on is there."""

from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from cli.stack.ports import Ports
from tests.deploy.test_metrics_shown import dashboard_expressions
from tests.docs.metrics_page import metrics_in
from tests.support.deployment import Deployment
from tests.support.docker import ROOT
from tests.support.fake_model import FakeModel
from tests.support.otlp_receiver import receiving_traces
from tests.support.processes import Processes
from tests.support.prometheus import Prometheus, running_prometheus
from tests.support.waiting import until

DASHBOARD = ROOT / "deploy" / "helm" / "promptmill" / "files" / "dashboard.json"
PAGE = ROOT / "docs" / "metrics.md"


async def run_prompts(deployment: Deployment, *, endpoint: str) -> None:
    """Let every kind of thing happen that is counted by a label not known beforehand."""
    settings = {"tracing__endpoint": endpoint, "worker__commit_interval_seconds": 0.1}
    api = await deployment.start_api(tracing__endpoint=endpoint)
    await deployment.start_worker(concurrency=4, llm__retry_base_seconds=0.01, **settings)
    plain = await api.submit(["one", "two", "[[fail=1]] three"])
    bulk = await api.submit(["four"], lane="batch")
    streamed = await api.submit(["some words to stream"], stream=True)
    rejected = await api.submit(["[[status=400]] five"])
    await api.wait_until_completed([*plain, *bulk, *streamed])
    [entry] = await api.wait_until_final(rejected)
    assert entry["status"] == "failed"
    refused = await api.ask("GET", "/v1/nothing")
    assert refused.status == 404


async def test_all_that_is_documented_is_served_and_nothing_else(deployment: Deployment, fake_model: FakeModel) -> None:
    async with receiving_traces() as receiver:
        await run_prompts(deployment, endpoint=receiver.url)
        served = set[str]()
        for process in (*deployment.apis, *deployment.workers):
            _, text = await deployment.says(process, "/metrics")
            for family in text_string_to_metric_families(text):
                # The parser cuts off what counters end in.
                served.add(f"{family.name}_total" if family.type == "counter" else family.name)
    assert (await fake_model.stats()).calls == 7
    ours = {name for name in served if name.startswith("promptmill_")}
    assert ours == set(metrics_in(PAGE.read_text("utf-8")))
    assert {name.partition("_")[0] for name in served} == {"promptmill", "process", "python"}


async def test_prometheus_scrapes_every_process_and_has_an_answer_for_every_panel(
    deployment: Deployment, processes: Processes, ports: Ports, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with receiving_traces() as receiver:
        await run_prompts(deployment, endpoint=receiver.url)
        targets = {
            "promptmill-api": [deployment.operations_address(process) for process in deployment.apis],
            "promptmill-consumer": [deployment.operations_address(process) for process in deployment.workers],
        }
        async with running_prometheus(
            processes, session, port=ports.free(), targets=targets, folder=tmp_path / "prometheus"
        ) as prometheus:
            await until(lambda: scraped(prometheus, 2), what="two scrapes of each process")
            for expression in dashboard_expressions(DASHBOARD):
                asked = expression.replace("$__rate_interval", "1m")
                assert await prometheus.query(asked), f"no answer: {asked}"
            groups = (await prometheus.ask("rules"))["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            await until(lambda: evaluated(prometheus), what="every rule's first look")
            assert len(rules) > 15
            assert [rule["name"] for rule in rules if rule.get("lastError")] == []


async def scraped(prometheus: Prometheus, times: int) -> bool:
    found = await prometheus.query('count_over_time(up{job=~"promptmill-.*"}[1m])')
    healthy = await prometheus.query('up{job=~"promptmill-.*"} == 1')
    return len(healthy) == 2 and all(float(sample["value"][1]) >= times for sample in found)


async def evaluated(prometheus: Prometheus) -> bool:
    groups = (await prometheus.ask("rules"))["groups"]
    return all(rule["health"] == "ok" for group in groups for rule in group["rules"])
