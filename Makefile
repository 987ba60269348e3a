# Two commands: `make up` runs everything on this machine, `make test` passes every test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help up test nightly faults soak reliability docs mutations screenshots bench bench-quick newer-peers images dist lint lint-deploy control-plane format requirements clean

help: ## List the targets
	@grep -hE '^[.a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

up: $(VENV) ## Kafka, Valkey, a model and both services, on this machine
	@# Ctrl-C is a good end. The trap keeps the shell here until all has stopped.
	@trap : INT; $(BIN)/promptmill up $(ARGS) || [ $$? -eq 130 ]

# Most tests wait for real servers: more processes than cores.
PROCESSES ?= 4
PYTEST := $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile

OPENAI_2 := $(VENV)/openai-2
# Where containers are required, a run of everything runs what lives on Kafka and Valkey a second time, in containers of
# them: but for faces above the same queue and store, and for what strikes servers of its own, which are processes in
# either case. All of it runs in containers by PROMPTMILL_TEST_BACKEND=docker.
TWICE := $(filter required,$(PROMPTMILL_TEST_DOCKER)$(PROMPTMILL_TEST_BACKEND)$(ARGS))
ONCE := tests/e2e/openai_compat $(addprefix tests/e2e/test_,following_over_losses.py redrive_cut_short.py \
  documented_examples.py promptmill_commands.py submit_pipe.py watching_in_a_terminal.py traces.py prometheus.py)

# What checks alerts and scrapes; where it cannot be had the tests that need it fail and say so.
PROMETHEUS := $(VENV)/prometheus
$(PROMETHEUS)/promtool: deploy/tools/get-prometheus | $(VENV)/bin/python
	-deploy/tools/get-prometheus $(PROMETHEUS)

TEST_TOOLS := $(VENV)/.dev $(OPENAI_2)/.installed $(PROMETHEUS)/promtool
test: ## Every test, on real Kafka and Valkey, faults among them
	@$(MAKE) --no-print-directory --jobs=2 $(TEST_TOOLS)
	$(PYTEST) $(ARGS)
	$(if $(TWICE),PROMPTMILL_TEST_BACKEND=docker $(PYTEST) -m on_servers $(addprefix --ignore=,$(ONCE)) tests/e2e tests/consumer/engine tests/common/store)

faults: $(VENV)/.dev ## Of the tests, the faults alone: each strikes the running services
	$(PYTEST) -m fault tests/faults $(ARGS)

nightly: $(VENV)/.dev ## The state machine over engine and store, ten times as long as in test
	PROMPTMILL_HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest tests/machine $(ARGS)

MINUTES ?= 60
SEED ?= 1
soak: $(VENV)/.dev ## Faults in random order for MINUTES=60, by SEED=1, with production's sessions and leases
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) --seed $(SEED) $(ARGS)

MEASUREMENTS := .promptmill/faults.jsonl
reliability: $(VENV)/.dev ## Let every fault strike and write the figures into docs/reliability.md
	rm -f $(MEASUREMENTS)
	PROMPTMILL_FAULT_MEASUREMENTS=$(MEASUREMENTS) $(PYTEST) -m fault tests/faults $(ARGS)
	$(BIN)/python -m tests.faults.page $(MEASUREMENTS) docs/reliability.md

docs: $(VENV)/.dev ## Write docs/metrics.md from the instruments of the services
	$(BIN)/python -m tests.docs.metrics_page docs/metrics.md

mutations: $(VENV)/.dev ## Plant bugs, one at a time, and see the tests that name them fail
	$(BIN)/python -m tests.faults.mutations $(ARGS)

SCREENSHOTS := .promptmill/screenshots
screenshots: $(VENV)/.dev ## Pictures of every view of the dashboard, in SCREENSHOTS=FOLDER
	$(BIN)/python -m tests.browser.screenshots $(SCREENSHOTS) $(ARGS)

PEERS := $(VENV)/peers
NEWER_PEERS := $(VENV)/newer-peers
# Some peers need a Python of 3.12 or later; where there is none they are left out.
NEWER_PYTHON ?= $(shell for each in python3.13 python3.12 python3.14; do $$each -c '' 2>/dev/null && echo $$each && break; done)
SUITES ?=
BENCH := $(BIN)/python -m benchmarks run --peers $(PEERS) --newer-peers $(NEWER_PEERS)
bench: $(VENV)/.dev $(PEERS)/.installed newer-peers ## Measure and write docs/performance.md; some of it with SUITES="worker ingest"
	$(BENCH) $(SUITES)

bench-quick: $(VENV)/.dev $(PEERS)/.installed newer-peers ## See that every benchmark works; its figures mean nothing
	$(BENCH) --quick $(SUITES)

newer-peers:
	@test -z "$(NEWER_PYTHON)" || $(MAKE) --no-print-directory $(NEWER_PEERS)/.installed

$(PEERS)/.installed: requirements/peers.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/peers.txt
	@touch $@

$(NEWER_PEERS)/.installed: requirements/peers.txt | $(VENV)/bin/python
	$(NEWER_PYTHON) -m venv $(NEWER_PEERS)
	$(NEWER_PEERS)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/peers.txt
	@touch $@

$(OPENAI_2)/.installed: requirements/openai-2.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(OPENAI_2)
	$(OPENAI_2)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/openai-2.txt
	@touch $@

VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
BASE_IMAGE ?= python:3.11-slim-bookworm
IMAGES ?= api consumer cli
images: ## Build the images, tagged with the version; all with IMAGES="api consumer cli model"
	@set -e; for target in $(IMAGES); do \
	  docker build --file deploy/Dockerfile --target $$target --tag promptmill-$$target:$(VERSION) \
	    --build-arg BASE_IMAGE=$(BASE_IMAGE) --build-arg VERSION=$(VERSION) \
	    --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) .; \
	done
	@docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E '^promptmill-($(subst $() ,|,$(IMAGES))):$(VERSION) '

RELEASE := $(VENV)/release
# A copy of what was built, with the pinned packages of a service beside it, must run.
dist: $(RELEASE)/.installed ## Wheel, source archive and SBOM into dist/, the wheel tried
	rm -rf dist $(RELEASE)/tried
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || date +%s) $(RELEASE)/bin/python -m build --no-isolation --outdir dist .
	$(RELEASE)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-format JSON --output-file dist/promptmill-$(VERSION).cdx.json requirements/service.txt
	$(BIN)/python -m venv $(RELEASE)/tried
	$(RELEASE)/tried/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements/service.txt
	$(RELEASE)/tried/bin/python -m pip install --disable-pip-version-check --quiet --no-deps dist/promptmill-$(VERSION)-py3-none-any.whl
	$(RELEASE)/tried/bin/python -m pip check
	cd / && test "$$($(abspath $(RELEASE))/tried/bin/promptmill --version)" = "promptmill $(VERSION)"
	@echo "Images of this version: promptmill-api:$(VERSION), promptmill-consumer:$(VERSION), promptmill-cli:$(VERSION) (make images)"
	@ls -l dist

$(RELEASE)/.installed: requirements/release.txt requirements/build.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/release.txt -r requirements/build.txt
	@touch $@

DEPLOY := $(VENV)/deploy
DEPLOY_TOOLS := $(DEPLOY)/.installed $(DEPLOY)/bin/helm $(DEPLOY)/bin/kube-score
lint-deploy: $(DEPLOY_TOOLS) ## Of lint, what is deployed
	$(DEPLOY)/bin/hadolint deploy/Dockerfile
	$(DEPLOY)/bin/yamllint --strict docker-compose.yml deploy/prometheus deploy/grafana deploy/helm/ci deploy/helm/refused \
	  deploy/helm/promptmill/values.yaml deploy/helm/promptmill/Chart.yaml deploy/helm/promptmill/files tests/deploy
	$(DEPLOY)/bin/python -m deploy.checks --tools $(DEPLOY)/bin

# Folder of etcd and kube-apiserver; where it is another than ours they are not built, which takes ten minutes of CPU.
SERVERS ?= $(DEPLOY)/bin
control-plane: $(DEPLOY)/bin/helm $(SERVERS)/kube-apiserver $(SERVERS)/etcd ## Install the chart into a real API server, built first unless SERVERS=folder has it
	$(DEPLOY)/bin/python -m deploy.checks.control_plane --tools $(DEPLOY)/bin --servers $(SERVERS)

# Built from the Go module proxy, pinned and hashed in deploy/tools.
GO_BUILD = cd deploy/tools/$(1) && CGO_ENABLED=0 GOTOOLCHAIN=local $(abspath $(DEPLOY)/bin)/go build -trimpath -ldflags '-s -w $(GO_LDFLAGS)' -o $(abspath $@) $(2)
$(DEPLOY)/bin/helm: deploy/tools/helm/go.mod deploy/tools/helm/go.sum | $(DEPLOY)/.installed
	$(call GO_BUILD,helm,helm.sh/helm/v4/cmd/helm)
$(DEPLOY)/bin/kube-score: deploy/tools/kube-score/go.mod deploy/tools/kube-score/go.sum | $(DEPLOY)/.installed
	$(call GO_BUILD,kube-score,github.com/zegl/kube-score/cmd/kube-score)
$(DEPLOY)/bin/etcd: deploy/tools/etcd/go.mod deploy/tools/etcd/go.sum | $(DEPLOY)/.installed
	$(call GO_BUILD,etcd,go.etcd.io/etcd/server/v3)
# Its version is told by the linker: a plain build has none.
$(DEPLOY)/bin/kube-apiserver: GO_LDFLAGS := -X k8s.io/component-base/version.gitVersion=v1.37.2
$(DEPLOY)/bin/kube-apiserver: deploy/tools/kube-apiserver/go.mod deploy/tools/kube-apiserver/go.sum | $(DEPLOY)/.installed
	$(call GO_BUILD,kube-apiserver,k8s.io/kubernetes/cmd/kube-apiserver)

$(DEPLOY)/.installed: requirements/deploy.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(DEPLOY)
	$(DEPLOY)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/deploy.txt
	@touch $@

lint: ## Style, types, import contracts, dependencies, what is deployed
	@# Packages come while Go compiles.
	@$(MAKE) --no-print-directory --jobs=2 $(VENV)/.dev $(DEPLOY_TOOLS)
	@$(MAKE) --no-print-directory lint-deploy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(VENV)/.dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv: $(VENV)/.stack ## The environment alone: leaves .venv/bin/promptmill
	@touch $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Promptmill needs Python 3.11 or newer; this is %s. Set PYTHON=/path/to/python3.11" % sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "This Python cannot make environments: install its venv module (Debian: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stack: requirements/stack.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements/stack.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.stack
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

requirements: $(VENV)/.dev ## Pin the newest stable versions again
	$(BIN)/python -m pip install --disable-pip-version-check uv
	./requirements/compile $(BIN)/uv

clean: ## Remove the environment and the local stack's data
	rm -rf $(VENV) .promptmill
