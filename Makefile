# One place for commands. `make help` lists them; CI runs the same targets as a laptop.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export UV_PYTHON_DOWNLOADS := never
# Processes of the workspace; `make setup` creates it.
VENV := .venv
RUN := $(VENV)/bin
NODE := python3 hack/node
PACKAGES := supmessenger_operator supmessenger_common supmessenger_api supmessenger_websocket \
            supmessenger_media supmessenger_worker supmessenger_cli \
            supnode supimages supplatform suptiers supdev supbench
TIER_OPTIONS ?=
INSTANCE ?= demo
NAMESPACE ?= chat

.PHONY: help
help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The platform on this machine
.PHONY: up down clean status smoke reload kubeconfig dev
up: bootstrap ## Bring up a node, build, install, apply the sample, wait until it is Ready, hold a conversation
	@python3 hack/up up
down: bootstrap ## Stop everything `make up` started; data stays
	@python3 hack/up down
clean: bootstrap ## `down`, and remove the node's data
	@python3 hack/up down
	@$(NODE) clean
status: bootstrap ## Show what runs
	@python3 hack/up status
smoke: setup ## Hold the smoke conversation with the sample instance
	@python3 hack/up smoke
reload: setup ## Bring changed code of the services into their running pods
	@python3 hack/up reload
kubeconfig: bootstrap ## Print the path of the node's kubeconfig (use `make -s kubeconfig`)
	@$(NODE) kubeconfig
dev: setup ## Run the four services and what they need as local processes, with reload
	@$(RUN)/python hack/dev

##@ Tests, from quick to whole
.PHONY: check test test-unit test-services test-control-plane test-node test-kind test-gitops
check: setup ## Style, types, layers, generated files
	@$(RUN)/ruff format --check -q .
	@$(RUN)/ruff check -q .
	@$(RUN)/mypy $(PACKAGES:%=-p %)
	@$(RUN)/mypy tests hack/install_manifest.py hack/generate.py
	@$(RUN)/lint-imports --no-logo > build/lint-imports.log 2>&1 || { cat build/lint-imports.log; exit 1; }
	@$(RUN)/python hack/generate.py --check
	@echo "check: style, types, layers and generated files are in order"
test: setup ## Everything, from style to end-to-end on the node
	@$(RUN)/python hack/test
test-unit: setup ## Pure tests
	@$(RUN)/python hack/test unit $(TIER_OPTIONS)
test-services: setup ## Tests with real PostgreSQL, Redis, RabbitMQ and object store processes
	@$(RUN)/python hack/test services $(TIER_OPTIONS)
test-control-plane: setup ## Tests with a real API server and etcd
	@$(RUN)/python hack/test control-plane $(TIER_OPTIONS)
test-node: setup ## Tests on the node, with real pods
	@$(RUN)/python hack/test node $(TIER_OPTIONS)
test-kind: setup ## `make up` on a kind cluster, in a Docker engine of the test's own (not part of `test`)
	@$(RUN)/python hack/test kind $(TIER_OPTIONS)
test-gitops: setup ## The controllers of Flux and Argo CD over the samples (not part of `test`)
	@$(RUN)/python hack/test gitops $(TIER_OPTIONS)

##@ Files
.PHONY: fmt generate verify golden images bundle bench docs
fmt: setup ## Format, and mend what can be mended
	@$(RUN)/ruff check -q --fix-only .
	@$(RUN)/ruff format -q .
generate: setup ## Write the CRD, schemas, RBAC rules, reference pages and install.yaml
	@$(RUN)/python hack/generate.py
	@$(NODE) tools helm
	@$(RUN)/python hack/install_manifest.py
verify: setup ## Fail when a generated file is not what `make generate` writes
	@$(RUN)/python hack/generate.py --check
golden: setup ## Refresh the golden files of the tests
	@SUP_UPDATE_GOLDEN=1 $(RUN)/python -m pytest -q tests/operator/desired
images: bootstrap ## Build all images
	@python3 hack/images build
bundle: bootstrap ## Write dist/: everything that a cluster without internet needs, in one archive
	@$(NODE) tools helm crane
	@python3 hack/images bundle --into dist
bench: setup ## Measure, and write docs/benchmarks.md
	@$(RUN)/python hack/bench
docs: setup ## Build the documentation as a site in site/; a broken link fails
	@$(RUN)/python -m pytest -q tests/docs
	@$(RUN)/sphinx-build -q -n -W --keep-going -b html docs site
	@echo "docs: site/index.html"

##@ Preparation
.PHONY: bootstrap setup
bootstrap:
	@hack/bootstrap
setup: bootstrap
	@hack/bootstrap workspace
