"""What must be true of every rendering of the chart, beyond its schemas. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Manifest = Mapping[str, Any]
Fact = Callable[[Sequence[Manifest]], Iterator[str]]

# In names of variables; a prefix of keys and the place of a file are no secrets.
_SECRET = re.compile("HEADERS|SECRET|TOKEN|PASSWORD|CREDENTIAL|KEY(?!_PREFIX|FILE)|REDIS__URL")
_WITH_PASSWORD = re.compile("//[^/?#]*@")
# Variables that say where something is that is spoken to.
_ADDRESSES = ("LLM__BASE_URL", "_PROXY", "_ENDPOINT")
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
# What a request may take that waits for no model, in producer_api.serving; and a little to close what is open.
API_CLOSING_SECONDS = 40


def complaints(manifests: Sequence[Manifest]) -> list[str]:
    """What is not as it should be, one a line."""
    return [complaint for fact in FACTS for complaint in fact(manifests)]


def names_are_unique(manifests: Sequence[Manifest]) -> Iterator[str]:
    """No manifest replaces another."""
    seen = set()
    for manifest in manifests:
        key = manifest["kind"], manifest["metadata"]["name"]
        if key in seen:
            yield f"{_name(manifest)}: is there twice"
        seen.add(key)


def pods_are_confined(manifests: Sequence[Manifest]) -> Iterator[str]:
    """No pod has a token, a writable root, a capability, or another user than its own."""
    for manifest, pod in _pods(manifests):
        name = _name(manifest)
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name}: its pods have a token of the API server"
        if not pod.get("serviceAccountName"):
            yield f"{name}: its pods have no service account of their own"
        if pod.get("securityContext", {}).get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name}: no seccomp profile"
        for container in pod["containers"]:
            security = container.get("securityContext", {})
            if not (security.get("runAsNonRoot") and security.get("readOnlyRootFilesystem")):
                yield f"{name}: a container may be root or write to its root"
            if security.get("allowPrivilegeEscalation") is not False or security.get("capabilities") != {
                "drop": ["ALL"]
            }:
                yield f"{name}: a container may gain privileges"


def images_have_versions(manifests: Sequence[Manifest]) -> Iterator[str]:
    """What runs is said by number."""
    for manifest, pod in _pods(manifests):
        for container in pod["containers"]:
            _, _, tag = container["image"].rpartition("/")[2].partition(":")
            if not tag or tag == "latest":
                yield f"{_name(manifest)}: image {container['image']} is of no certain version"


def images_are_of_one_origin(manifests: Sequence[Manifest]) -> Iterator[str]:
    """All images come from the same registry, with the same tag; each may have a digest of its own."""
    found = {
        re.sub(r"promptmill-\w+", "promptmill", container["image"]).partition("@")[0]
        for _, pod in _pods(manifests)
        for container in pod["containers"]
    }
    if len(found) > 1:
        yield f"images of several origins: {sorted(found)}"


def named_files_are_mounted(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Each file that a setting names is one of a Secret, mounted where it is looked for, where nobody can write."""
    for manifest, pod in _pods(manifests):
        secret = {
            (volume["name"], item["path"])
            for volume in pod.get("volumes", ())
            for source in volume.get("projected", {}).get("sources", ())
            for item in source["secret"]["items"]
        }
        for container in pod["containers"]:
            mounted = {
                f"{mount['mountPath']}/{path}"
                for mount in container.get("volumeMounts", ())
                for volume, path in secret
                if mount["name"] == volume and mount.get("readOnly")
            }
            for variable in container.get("env", ()):
                if variable["name"].endswith("FILE") and variable["value"] not in mounted:
                    yield f"{_name(manifest)}: {variable['name']} names a file that is not mounted"


def resources_are_bounded(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Every container says what it needs, and its memory has an end."""
    for manifest, pod in _pods(manifests):
        for container in pod["containers"]:
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get(
                "limits", {}
            ):
                yield f"{_name(manifest)}: {container['name']} has no requests, or no limit of memory"


def variables_are_set_once(manifests: Sequence[Manifest]) -> Iterator[str]:
    """The API server merges environments by name: a name that is there twice is refused or lost."""
    for manifest, pod in _pods(manifests):
        for container in pod["containers"]:
            names = [variable["name"] for variable in container.get("env", ())]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"{_name(manifest)}: {name} is set more than once"


def addresses_are_let_through(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Where policies bound what goes out, every address that a pod is told may be reached by its port."""
    policies = {policy["metadata"]["name"]: policy for policy in _of_kind(manifests, "NetworkPolicy")}
    for manifest, pod in _pods(manifests):
        policy = policies.get(manifest["metadata"]["name"])
        if policy is None:
            continue
        environment = _environment(pod)
        allowed = {each["port"] for rule in policy["spec"]["egress"] for each in rule["ports"]}
        addresses = [f"//{each}" for each in environment["PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS"].split(",")]
        # A Job asks Kafka alone, whatever else it is told.
        if manifest["kind"] == "Deployment":
            addresses += [
                value for name, value in environment.items() if name.endswith(_ADDRESSES) and name != "NO_PROXY"
            ]
        for address in map(urlsplit, addresses):
            port = address.port or _PORTS.get(address.scheme)
            if port not in allowed:
                yield f"{_name(manifest)}: may not go out to {address.geturl()}"


def secrets_are_references(manifests: Sequence[Manifest]) -> Iterator[str]:
    """No secret stands in a manifest."""
    for manifest, pod in _pods(manifests):
        for container in pod["containers"]:
            for variable in container.get("env", ()):
                if "value" not in variable:
                    continue
                if _SECRET.search(variable["name"]) or _WITH_PASSWORD.search(variable["value"]):
                    yield f"{_name(manifest)}: {variable['name']} is written out"


def workers_have_time_to_drain(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Call timeout <= drain < the pod's grace period, and the API has time for its requests."""
    for manifest, pod in _pods(manifests):
        grace, environment = pod.get("terminationGracePeriodSeconds", 30), _environment(pod)
        component = manifest["metadata"]["labels"]["app.kubernetes.io/component"]
        if component == "consumer":
            call = float(environment["PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS"])
            drain = float(environment["PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS"])
            told = float(environment["PROMPTMILL_WORKER__SHUTDOWN_GRACE_SECONDS"])
            if not call <= drain < told <= grace:
                yield f"{_name(manifest)}: call {call} <= drain {drain} < grace {told} <= {grace} does not hold"
        if component == "api":
            pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
            drain = float(environment["PROMPTMILL_API__DRAIN_TIMEOUT_SECONDS"])
            if grace < pause + drain + API_CLOSING_SECONDS:
                yield f"{_name(manifest)}: {grace} s are less than {pause}, {drain} and {API_CLOSING_SECONDS}"


def probes_are_on_the_operations_port(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Liveness is the process's own; readiness is another question."""
    wanted = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for manifest in _of_kind(manifests, "Deployment"):
        for container in manifest["spec"]["template"]["spec"]["containers"]:
            for probe, path in wanted.items():
                asked = container.get(probe, {}).get("httpGet", {})
                if (asked.get("path"), asked.get("port")) != (path, "operations"):
                    yield f"{_name(manifest)}: {probe} does not ask {path} of the operations port"


def selectors_find_pods(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Whatever selects pods selects some of ours."""
    pods = [manifest["spec"]["template"]["metadata"]["labels"] for manifest, _ in _pods(manifests)]
    for manifest in manifests:
        spec = manifest.get("spec", {})
        found = {
            "Service": lambda spec=spec: spec["selector"],
            "PodDisruptionBudget": lambda spec=spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec=spec: spec["podSelector"]["matchLabels"],
            "Deployment": lambda spec=spec: spec["selector"]["matchLabels"],
            "PodMonitor": lambda spec=spec: spec["selector"]["matchLabels"],
        }.get(manifest["kind"])
        if found is not None and not any(found().items() <= labels.items() for labels in pods):
            yield f"{_name(manifest)}: selects no pod"


def scaled_deployments_exist(manifests: Sequence[Manifest]) -> Iterator[str]:
    """What is scaled is there, has no number of its own, and is scaled by one alone."""
    deployments = {manifest["metadata"]["name"]: manifest for manifest in _of_kind(manifests, "Deployment")}
    scaled = [
        manifest["spec"]["scaleTargetRef"]["name"]
        for kind in ("HorizontalPodAutoscaler", "ScaledObject")
        for manifest in _of_kind(manifests, kind)
    ]
    for name, deployment in deployments.items():
        scalers, fixed = scaled.count(name), "replicas" in deployment["spec"]
        if scalers + fixed != 1:
            yield f"Deployment {name}: scaled by {scalers}, with replicas: {fixed}"
    for name in set(scaled) - deployments.keys():
        yield f"scaled, and not there: {name}"


def lag_is_that_of_our_group(manifests: Sequence[Manifest]) -> Iterator[str]:
    """KEDA looks at the topics that the workers read, in the group they are in, from where they begin."""
    for manifest in _of_kind(manifests, "ScaledObject"):
        (consumer,) = [pod for of, pod in _pods(manifests) if of["metadata"]["name"].endswith("-consumer")]
        environment = _environment(consumer)
        prefix = environment["PROMPTMILL_KAFKA__TOPIC_PREFIX"]
        told = [trigger["metadata"] for trigger in manifest["spec"]["triggers"] if trigger["type"] == "kafka"]
        seen = {(each["consumerGroup"], each["topic"], each["offsetResetPolicy"]) for each in told}
        if seen != {(f"{prefix}llm", f"{prefix}tasks.{lane}", "earliest") for lane in ("interactive", "batch")}:
            yield f"{_name(manifest)}: looks at {sorted(seen)}"
        if {each["bootstrapServers"] for each in told} != {environment["PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS"]}:
            yield f"{_name(manifest)}: looks at other brokers"
        total = manifest["spec"].get("advanced", {}).get("scalingModifiers", {})
        added = set(total.get("formula", "").split(" + "))
        if added != {trigger.get("name") for trigger in manifest["spec"]["triggers"]}:
            yield f"{_name(manifest)}: does not add up what both lanes are behind"
        thresholds = [total.get("target", "0"), *(each["lagThreshold"] for each in told)]
        if any(int(each) < int(environment["PROMPTMILL_WORKER__CONCURRENCY"]) for each in thresholds):
            yield f"{_name(manifest)}: what one worker has in flight would count as too much for it"


def alerts_are_of_this_release(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Where processes are scraped by their release, an alert that all are gone does not look at those of others."""
    for monitor in _of_kind(manifests, "PodMonitor"):
        release = monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"]
        told = f'namespace="{monitor["metadata"]["namespace"]}",release="{release}"'
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            if "release" not in {each.get("targetLabel") for each in endpoint.get("relabelings", ())}:
                yield f"{_name(monitor)}: does not say which release a metric is of"
        for manifest in _of_kind(manifests, "PrometheusRule"):
            for rule in (rule for group in manifest["spec"]["groups"] for rule in group["rules"]):
                if any(told not in looked for looked in re.findall(r"absent\(([^)]*)\)", rule["expr"])):
                    yield f"{_name(manifest)}: {rule['alert']} is silent while another release is there"


FACTS: tuple[Fact, ...] = (
    names_are_unique,
    pods_are_confined,
    images_have_versions,
    images_are_of_one_origin,
    named_files_are_mounted,
    resources_are_bounded,
    variables_are_set_once,
    addresses_are_let_through,
    secrets_are_references,
    workers_have_time_to_drain,
    probes_are_on_the_operations_port,
    selectors_find_pods,
    scaled_deployments_exist,
    lag_is_that_of_our_group,
    alerts_are_of_this_release,
)


def _of_kind(manifests: Sequence[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def _pods(manifests: Sequence[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "Job"}:
            yield manifest, manifest["spec"]["template"]["spec"]


def _environment(pod: Manifest) -> dict[str, str]:
    return {
        variable["name"]: variable["value"]
        for container in pod["containers"]
        for variable in container.get("env", ())
        if "value" in variable
    }


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"
