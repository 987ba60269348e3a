"""Writes `kafka_jars.lock` anew for a Kafka version: `python -m cli.stack.lock_kafka_jars 4.4.0`."""

import hashlib
import sys

import jgo

from cli.stack.kafka_jars import LOCK

# Kafka's own pom brings log4j but nothing that binds slf4j 1.7 to it: without this it would log nothing.
_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl"
_LOG4J = "log4j-core"


def main() -> None:
    """Resolve Kafka's runtime dependencies, download them, and write coordinates, sizes and hashes."""
    endpoint = f"org.apache.kafka:kafka_2.13:{sys.argv[1]}"
    artifacts = jgo.resolve(endpoint)
    log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == _LOG4J)
    artifacts.append(jgo.resolve(f"{_BINDING}:{log4j}")[0])
    lines = [f"# {endpoint} and all it needs to run; written by cli/stack/lock_kafka_jars.py"]
    for artifact in artifacts:
        content = artifact.resolve().read_bytes()
        coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        lines.append(f"{coordinates} {len(content)} {hashlib.sha256(content).hexdigest()}")
    LOCK.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
