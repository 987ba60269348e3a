"""`python -m deploy.checks.control_plane --tools FOLDER`: install the chart into a real API server, and look into it.

Validation, admission and pod security are Kubernetes's own; nothing schedules, scales or runs. The hook's Job is
declared complete here, as its controller would.
"""

import argparse
import subprocess
import sys
import tempfile
import urllib.error
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from deploy.checks.api_server import MERGE_PATCH, ApiServer, NotReady, running_api_server, until
from deploy.checks.rendering import RELEASE, Chart, Manifest, parse
from deploy.checks.schemas import custom_definitions

_HELM_FOLDER = Path(__file__).parents[1] / "helm"
_HOOK = "helm.sh/hook"
# What an upgrade sets anew, and what a worker is told then.
_CHANGED = ("--set", "consumer.concurrency=11")
_TOLD = {"name": "PROMPTMILL_WORKER__CONCURRENCY", "value": "11"}


def main() -> int:
    """Install every values file in a namespace of its own; the exit status is 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="deploy.checks.control_plane", description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="folder of helm and go")
    parser.add_argument("--servers", type=Path, required=True, help="folder of etcd and kube-apiserver")
    arguments = parser.parse_args()
    tools: Path = arguments.tools.resolve()
    servers: Path = arguments.servers.resolve()
    chart = Chart(tools / "helm", _HELM_FOLDER / "promptmill")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, running_api_server(servers, Path(folder)) as server:
        print(f"API server {server.ask('GET', '/version')['gitVersion']}")
        _define(server, tools / "go")
        for values in sorted((_HELM_FOLDER / "ci").glob("*.yaml")):
            found = list(_installed(chart, values, server))
            wrong += len(found)
            print(f"{values.name}: {'wrong' if found else 'installed, found, upgraded, removed'}")
            for complaint in found:
                print(f"  {complaint}")
    return 1 if wrong else 0


def _define(server: ApiServer, go: Path) -> None:
    """Make the server know the custom resources that the chart may use."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for definition in custom_definitions(go):
        server.ask("POST", path, definition)

    def established() -> bool:
        return all(
            ("Established", "True")
            in {(each["type"], each["status"]) for each in found["status"].get("conditions") or ()}
            for found in server.ask("GET", path)["items"]
        )

    until(established, server.process, "custom resources")


def _installed(chart: Chart, values: Path, server: ApiServer) -> Iterator[str]:
    """Install a values file, and say what is not as it should be."""
    namespace = f"promptmill-{values.stem}"
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
    text, complaint = chart.render(values, namespace)
    if complaint is not None:
        yield complaint
        return
    manifests = parse(text)
    hooks = [each for each in manifests if _is_hook(each)]
    kept = [(each, _path(server, each, namespace)) for each in manifests if not _is_hook(each)]
    try:
        said = _helm(chart, server, namespace, "install", values, hooks=hooks)
        if "arning" in said:
            yield said
        for manifest, path in kept:
            if not server.has(path):
                yield f"{path}: is not there"
            if manifest["kind"] == "Deployment":
                yield from _refused_pod(server, manifest, namespace)
        _helm(chart, server, namespace, "upgrade", values, hooks=hooks, changed=_CHANGED)
        if not any(_has_changed(server.ask("GET", path)) for _, path in kept):
            yield "an upgrade changes nothing"
    except NotReady as error:
        yield str(error)
        return
    _helm(chart, server, namespace, "uninstall", None, hooks=[])
    for _, path in kept:
        if server.has(path):
            yield f"{path}: is left behind"


def _helm(
    chart: Chart,
    server: ApiServer,
    namespace: str,
    verb: str,
    values: Path | None,
    *,
    hooks: list[Manifest],
    changed: tuple[str, ...] = (),
) -> str:
    """Run helm and complete its hooks' Jobs meanwhile; returns what it said.

    Raises:
        NotReady: it failed.
    """
    what = [str(chart.folder), "--values", str(values)] if values is not None else []
    access = ["--kube-apiserver", server.url, "--kube-token", server.token, "--kube-ca-file", str(server.certificate)]
    command = [str(chart.helm), verb, RELEASE, *what, *changed, "--namespace", namespace, "--timeout", "120s", *access]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as helm:
        try:
            for job in (each for each in hooks if each["kind"] == "Job"):
                path = _path(server, job, namespace)
                until(partial(server.has, path), helm, "the hook's Job")
                server.ask("PATCH", f"{path}/status", {"status": _completed()}, content_type=MERGE_PATCH)
            said, _ = helm.communicate()
        except NotReady as error:
            helm.kill()
            raise NotReady(f"{error}: {helm.communicate()[0]}") from error
    if helm.returncode != 0:
        raise NotReady(f"helm {verb}: {said}")
    return said


def _completed() -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now, "lastProbeTime": now}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    return {"startTime": now, "completionTime": now, "succeeded": 1, "conditions": conditions}


def _refused_pod(server: ApiServer, deployment: Manifest, namespace: str) -> Iterator[str]:
    """Ask whether a pod of a Deployment would be let in, without making it."""
    template = deployment["spec"]["template"]
    pod = {"metadata": {**template["metadata"], "name": "asked"}, "spec": template["spec"]}
    try:
        server.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
    except urllib.error.HTTPError as error:
        yield f"a pod of {deployment['metadata']['name']}: {error.read().decode(errors='replace')}"


def _has_changed(found: Manifest) -> bool:
    """Whether an object of the server is the workers' Deployment after the upgrade."""
    return found["kind"] == "Deployment" and _TOLD in found["spec"]["template"]["spec"]["containers"][0]["env"]


def _is_hook(manifest: Manifest) -> bool:
    return _HOOK in manifest["metadata"].get("annotations", {})


def _path(server: ApiServer, manifest: Manifest, namespace: str) -> str:
    path = server.path_of(manifest["apiVersion"], manifest["kind"], namespace)
    return f"{path}/{manifest['metadata']['name']}"


if __name__ == "__main__":
    sys.exit(main())
