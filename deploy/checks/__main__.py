import argparse
import subprocess
import sys
from pathlib import Path

from deploy.checks import facts, schemas
from deploy.checks.rendering import Chart, parse

_HELM_FOLDER = Path(__file__).parents[1] / "helm"

# What kube-score asks for and we do otherwise, each with its reason.
_OTHERWISE = (
    # Tags are versions: what is on the node is what was asked for, also while the registry is away.
    "container-image-pull-policy",
    # Spread over nodes and zones by topologySpreadConstraints, which do not keep replicas from being scheduled.
    "deployment-has-host-podantiaffinity",
)


def main() -> int:
    """Check every values file; the exit status is 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="deploy.checks", description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="folder of helm, kube-score and go")
    tools: Path = parser.parse_args().tools
    chart = Chart(tools.resolve() / "helm", _HELM_FOLDER / "promptmill")
    custom = schemas.custom_schemas(tools.resolve() / "go")
    wrong = 0
    for values in sorted((_HELM_FOLDER / "ci").glob("*.yaml")):
        found = _checked(chart, values, custom, tools.resolve() / "kube-score")
        wrong += len(found)
        _tell(values, found)
    for values in sorted((_HELM_FOLDER / "refused").glob("*.yaml")):
        found = _refused(chart, values)
        wrong += len(found)
        _tell(values, found)
    return 1 if wrong else 0


def _checked(chart: Chart, values: Path, custom: schemas.Schemas, kube_score: Path) -> list[str]:
    complaint = chart.lint(values)
    if complaint is not None:
        return [complaint]
    text, complaint = chart.render(values)
    if complaint is not None:
        return [complaint]
    manifests = parse(text)
    return [*schemas.complaints(manifests, custom), *facts.complaints(manifests), *_scored(kube_score, text)]


def _scored(kube_score: Path, text: str) -> list[str]:
    ignored = [word for name in _OTHERWISE for word in ("--ignore-test", name)]
    # A CPU limit would only make what is idle elsewhere wait; requests share cores fairly.
    otherwise = ("--ignore-container-cpu-limit", *ignored)
    command = [str(kube_score), "score", "--kubernetes-version", "v1.37", "--exit-one-on-warning", *otherwise, "-"]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return [] if run.returncode == 0 else [run.stdout + run.stderr]


def _refused(chart: Chart, values: Path) -> list[str]:
    """A values file that must not be rendered; its first line says by which words it is refused."""
    expected = values.read_text("utf-8").splitlines()[0].removeprefix("# ")
    _, complaint = chart.render(values)
    if complaint is None:
        return [f"is rendered, and should be refused: {expected}"]
    return [] if expected in complaint else [f"is refused for another reason than {expected!r}: {complaint}"]


def _tell(values: Path, found: list[str]) -> None:
    print(f"{values.parent.name}/{values.name}: {'wrong' if found else 'as it should be'}")
    for complaint in found:
        print(f"  {complaint}")


if __name__ == "__main__":
    sys.exit(main())
