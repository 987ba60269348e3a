"""Each fact of deploy.checks is one that a chart can fail."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deploy.checks import facts

Manifest = dict[str, Any]
Break = Callable[[dict[str, Manifest]], object]

_LABELS = {"app.kubernetes.io/name": "promptmill", "app.kubernetes.io/instance": "prod"}


def deployment(component: str, environment: dict[str, str], **pod: Any) -> Manifest:
    labels = {**_LABELS, "app.kubernetes.io/component": component}
    probe = {"httpGet": {"path": "/livez", "port": "operations"}}
    return {
        "kind": "Deployment",
        "metadata": {"name": f"prod-{component}", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    "serviceAccountName": f"prod-{component}",
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": component,
                            "image": f"registry.example:5000/promptmill-{component}:1.2.3",
                            "env": [{"name": name, "value": value} for name, value in environment.items()],
                            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
                            "securityContext": {
                                "runAsNonRoot": True,
                                "readOnlyRootFilesystem": True,
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "startupProbe": probe,
                            "livenessProbe": probe,
                            "readinessProbe": {"httpGet": {"path": "/readyz", "port": "operations"}},
                            "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                            "volumeMounts": [{"name": "kafka-tls", "mountPath": "/etc/kafka", "readOnly": True}],
                        }
                    ],
                    "volumes": [
                        {
                            "name": "kafka-tls",
                            "projected": {"sources": [{"secret": {"items": [{"key": "ca.crt", "path": "ca.crt"}]}}]},
                        }
                    ],
                    **pod,
                },
            },
        },
    }


def good() -> dict[str, Manifest]:
    """A chart of which nothing is to be said, by short names."""
    brokers = {"PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092", "PROMPTMILL_KAFKA__TOPIC_PREFIX": "promptmill."}
    worker = {
        "PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS": "300",
        "PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS": "310",
        "PROMPTMILL_WORKER__SHUTDOWN_GRACE_SECONDS": "330",
        "PROMPTMILL_WORKER__CONCURRENCY": "20",
        "PROMPTMILL_LLM__BASE_URL": "http://vllm:8000/v1",
        "PROMPTMILL_TRACING__ENDPOINT": "http://otel:4318",
        "HTTPS_PROXY": "http://proxy:3128",
        "NO_PROXY": "kafka,10.0.0.0/8",
    }
    api = {"PROMPTMILL_API__DRAIN_TIMEOUT_SECONDS": "310", "PROMPTMILL_KAFKA__SSL_CAFILE": "/etc/kafka/ca.crt"}
    triggers = [
        {
            "type": "kafka",
            "name": lane,
            "metadata": {
                "bootstrapServers": "kafka:9092",
                "consumerGroup": "promptmill.llm",
                "topic": f"promptmill.tasks.{lane}",
                "offsetResetPolicy": "earliest",
                "lagThreshold": "120",
            },
        }
        for lane in ("interactive", "batch")
    ]
    return {
        "api": deployment("api", {**brokers, **api}, terminationGracePeriodSeconds=355),
        "consumer": deployment("consumer", {**brokers, **worker}, terminationGracePeriodSeconds=330),
        "budget": {
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "prod-api"},
            "spec": {"selector": {"matchLabels": {"app.kubernetes.io/component": "api"}}},
        },
        "hpa": {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "prod-api"},
            "spec": {"scaleTargetRef": {"name": "prod-api"}},
        },
        "policy": {
            "kind": "NetworkPolicy",
            "metadata": {"name": "prod-consumer"},
            "spec": {
                "podSelector": {"matchLabels": {"app.kubernetes.io/component": "consumer"}},
                "egress": [{"ports": [{"port": 9092}, {"port": 8000}, {"port": 4318}, {"port": 3128}]}],
            },
        },
        "monitor": {
            "kind": "PodMonitor",
            "metadata": {"name": "prod", "namespace": "ours"},
            "spec": {
                "selector": {"matchLabels": {"app.kubernetes.io/instance": "prod"}},
                "podMetricsEndpoints": [{"port": "operations", "relabelings": [{"targetLabel": "release"}]}],
            },
        },
        "rule": {
            "kind": "PrometheusRule",
            "metadata": {"name": "prod"},
            "spec": {
                "groups": [{"rules": [{"alert": "Gone", "expr": 'absent(slots{namespace="ours",release="prod"})'}]}]
            },
        },
        "scaled": {
            "kind": "ScaledObject",
            "metadata": {"name": "prod-consumer"},
            "spec": {
                "scaleTargetRef": {"name": "prod-consumer"},
                "advanced": {"scalingModifiers": {"formula": "interactive + batch", "target": "120"}},
                "triggers": triggers,
            },
        },
    }


def pod(manifest: Manifest) -> Manifest:
    found: Manifest = manifest["spec"]["template"]["spec"]
    return found


def container(manifest: Manifest) -> Manifest:
    found: Manifest = pod(manifest)["containers"][0]
    return found


def test_a_good_chart_has_no_complaints() -> None:
    assert facts.complaints(list(good().values())) == []


def test_each_image_may_have_a_digest_of_its_own() -> None:
    manifests = good()
    for number, manifest in enumerate((manifests["api"], manifests["consumer"])):
        container(manifest)["image"] += f"@sha256:{number:064x}"
    assert facts.complaints(list(manifests.values())) == []


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (lambda all_: all_.update(again=copy.deepcopy(all_["budget"])), "is there twice"),
        (lambda all_: pod(all_["api"]).pop("automountServiceAccountToken"), "have a token"),
        (lambda all_: pod(all_["api"]).pop("serviceAccountName"), "no service account of their own"),
        (lambda all_: pod(all_["api"]).pop("securityContext"), "no seccomp profile"),
        (lambda all_: container(all_["api"])["securityContext"].pop("readOnlyRootFilesystem"), "write to its root"),
        (lambda all_: container(all_["api"])["securityContext"].update(capabilities={}), "gain privileges"),
        (
            lambda all_: container(all_["api"]).update(image="host:5000/promptmill-api"),
            "promptmill-api is of no certain",
        ),
        (lambda all_: container(all_["api"]).update(image="promptmill-api:latest"), "latest is of no certain"),
        (
            lambda all_: container(all_["api"]).update(image="elsewhere.example/promptmill-api:1.2.3"),
            "images of several origins",
        ),
        (lambda all_: container(all_["api"]).update(image="registry.example:5000/promptmill-api:1.2.4"), "origins"),
        (lambda all_: container(all_["api"])["volumeMounts"].clear(), "SSL_CAFILE names a file that is not mounted"),
        (lambda all_: container(all_["api"])["volumeMounts"][0].pop("readOnly"), "a file that is not mounted"),
        (lambda all_: pod(all_["api"])["volumes"].clear(), "prod-api: PROMPTMILL_KAFKA__SSL_CAFILE names a file"),
        (lambda all_: container(all_["api"])["resources"]["limits"].clear(), "no limit of memory"),
        (
            lambda all_: container(all_["api"])["env"].append({"name": "PROMPTMILL_REDIS__URL", "value": "redis://x"}),
            "PROMPTMILL_REDIS__URL is written out",
        ),
        (
            lambda all_: container(all_["api"])["env"].append({"name": "OTEL_EXPORTER_OTLP_HEADERS", "value": "a=b"}),
            "OTEL_EXPORTER_OTLP_HEADERS is written out",
        ),
        (
            lambda all_: container(all_["api"])["env"].append({"name": "HTTP_PROXY", "value": "http://u:p@proxy"}),
            "HTTP_PROXY is written out",
        ),
        (
            lambda all_: container(all_["api"])["env"].append({"name": "PROMPTMILL_KAFKA__TOPIC_PREFIX", "value": "x"}),
            "PROMPTMILL_KAFKA__TOPIC_PREFIX is set more than once",
        ),
        (lambda all_: all_["policy"]["spec"]["egress"][0]["ports"].pop(0), "may not go out to //kafka:9092"),
        (lambda all_: all_["policy"]["spec"]["egress"][0]["ports"].pop(1), "may not go out to http://vllm:8000/v1"),
        (lambda all_: all_["policy"]["spec"]["egress"][0]["ports"].pop(2), "may not go out to http://otel:4318"),
        (lambda all_: all_["policy"]["spec"]["egress"][0]["ports"].pop(3), "may not go out to http://proxy:3128"),
        (
            lambda all_: pod(all_["consumer"]).update(terminationGracePeriodSeconds=329),
            "grace 330.0 <= 329 does not hold",
        ),
        (
            lambda all_: container(all_["consumer"])["env"][2].update(value="311"),
            "call 311.0 <= drain 310.0 < grace 330.0 <= 330 does not hold",
        ),
        (lambda all_: pod(all_["api"]).update(terminationGracePeriodSeconds=354), "are less than"),
        (lambda all_: container(all_["api"])["livenessProbe"]["httpGet"].update(path="/readyz"), "does not ask /livez"),
        (lambda all_: container(all_["api"]).pop("readinessProbe"), "does not ask /readyz"),
        (lambda all_: all_["budget"]["spec"]["selector"]["matchLabels"].update(x="y"), "selects no pod"),
        (lambda all_: all_["api"]["spec"].update(replicas=2), "with replicas: True"),
        (lambda all_: all_.pop("hpa"), "scaled by 0"),
        (lambda all_: all_["hpa"]["spec"]["scaleTargetRef"].update(name="prod-consumer"), "scaled by 2"),
        (lambda all_: all_["hpa"]["spec"]["scaleTargetRef"].update(name="nobody"), "not there: nobody"),
        (
            lambda all_: all_["monitor"]["spec"]["podMetricsEndpoints"][0]["relabelings"].clear(),
            "does not say which release",
        ),
        (
            lambda all_: all_["rule"]["spec"]["groups"][0]["rules"][0].update(expr="absent(slots)"),
            "Gone is silent while another release is there",
        ),
        (lambda all_: all_["scaled"]["spec"]["triggers"].pop(), "looks at ["),
        (
            lambda all_: all_["scaled"]["spec"]["triggers"][0]["metadata"].update(offsetResetPolicy="latest"),
            "tasks.interactive', 'latest')",
        ),
        (
            lambda all_: all_["scaled"]["spec"]["triggers"][0]["metadata"].update(bootstrapServers="other:9092"),
            "other brokers",
        ),
        (lambda all_: all_["scaled"]["spec"]["triggers"][0]["metadata"].update(lagThreshold="19"), "count as too much"),
        (lambda all_: all_["scaled"]["spec"]["advanced"]["scalingModifiers"].update(target="19"), "would count as too"),
        (lambda all_: all_["scaled"]["spec"].pop("advanced"), "does not add up what"),
        (
            lambda all_: all_["scaled"]["spec"]["advanced"]["scalingModifiers"].update(formula="interactive"),
            "does not add up",
        ),
    ],
)
def test_a_chart_that_breaks_a_fact_is_complained_of(broken: Break, complaint: str) -> None:
    manifests = good()
    broken(manifests)
    assert any(complaint in said for said in facts.complaints(list(manifests.values())))
