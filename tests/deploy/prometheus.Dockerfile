# Debian's Prometheus: where prom/prometheus cannot be pulled our configuration, alerts and queries are tried with it.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
WORKDIR /tmp
# Unpacked, not installed: the program needs nothing of what the package depends on.
RUN apt-get update -qq && apt-get download -qq prometheus && dpkg --extract prometheus_*.deb /opt/prometheus \
 && rm -rf prometheus_*.deb /var/lib/apt/lists/* && mkdir /prometheus && chown 65534 /prometheus
WORKDIR /prometheus
USER 65534
ENTRYPOINT ["/opt/prometheus/usr/bin/prometheus"]
