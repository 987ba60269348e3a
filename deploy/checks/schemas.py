"""Manifests held to the schemas of Kubernetes, and to those of the custom resources they use."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from deploy.checks.rendering import Manifest

KUBERNETES = "1.37.0"

# Module, and the folder in it that has the definitions of custom resources.
CUSTOM_RESOURCES = (
    ("github.com/kedacore/keda/v2@v2.21.0", "config/crd/bases"),
    ("github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd"),
)


class _Loader(yaml.CSafeLoader):
    """Reads `=` as the text it is, which YAML 1.1 has a meaning for and Prometheus's definitions have not."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)

Schemas = Mapping[tuple[str, str], Mapping[str, Any]]


def custom_schemas(go: Path) -> Schemas:
    """The schema of each custom resource by its version and kind, from the modules that define them.

    Args:
        go: The program that fetches modules.

    Raises:
        subprocess.CalledProcessError: a module cannot be had.
    """
    return {key: schema for definition in custom_definitions(go) for key, schema in _schemas_of(definition)}


def custom_definitions(go: Path) -> Iterator[Mapping[str, Any]]:
    """The definitions of all custom resources that the chart may use, as their makers ship them.

    Args:
        go: The program that fetches modules.

    Raises:
        subprocess.CalledProcessError: a module cannot be had.
    """
    for module, folder in CUSTOM_RESOURCES:
        for file in sorted((_downloaded(go, module) / folder).glob("*.yaml")):
            yield from definitions_in(file.read_text("utf-8"))


def _downloaded(go: Path, module: str) -> Path:
    asked = [str(go), "mod", "download", "-json", module]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/")
    return Path(json.loads(answer.stdout)["Dir"])


def definitions_in(text: str) -> Iterator[Mapping[str, Any]]:
    """The definitions of custom resources in a file."""
    for definition in yaml.load_all(text, Loader=_Loader):
        if definition and definition.get("kind") == "CustomResourceDefinition":
            yield definition


def _schemas_of(definition: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    spec = definition["spec"]
    for version in spec["versions"]:
        key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
        yield key, strict(version["schema"]["openAPIV3Schema"])


def strict(schema: Any) -> Any:
    """A custom resource's schema as JSON Schema, where a field that it does not name is an error."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: strict(value) for name, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        told.pop("type", None)
    free = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    # The API server itself knows what is in metadata.
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not free:
        told["additionalProperties"] = False
    return told


def complaints(manifests: Sequence[Manifest], schemas: Schemas) -> list[str]:
    """What of the manifests their schemas do not allow, one a line."""
    found = []
    for manifest in manifests:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        try:
            schema = schemas.get((manifest["apiVersion"], manifest["kind"]))
            if schema is None:
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            else:
                # The schema itself is not held to JSON Schema's: some patterns are Go's.
                jsonschema.Draft202012Validator(schema).validate(manifest)
        except kubernetes_validate.SchemaNotFoundError:
            found.append(f"{name}: no schema for {manifest['apiVersion']}")
        except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
            found.append(f"{name}: {'.'.join(map(str, error.path))}: {error.message}")
    return found
