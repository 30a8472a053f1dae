SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
BIN := .venv/bin
# Neighbours stay together as long as they can, for they share servers; whoever is done takes from others.
ON_ALL_CORES := --numprocesses logical --maxprocesses 8 --dist worksteal

.PHONY: help setup setup-dev ready ready-dev proto proto-lint proto-check rest-reference fmt lint types test test-slow \
        test-gpu faults cover bench demo up down status mlflow-ui check clean

##@ Start here
help: ## Show this help
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z-]*:.*##/ {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ready ## Make .venv with the suite, exact versions
	@echo "Ready."

setup-dev: ready-dev ## The same with networks (torch) and what developing takes
	@echo "Ready."

# Both do nothing where what pyproject.toml and constraints.txt say is installed.
ready:
	@tools/setup.sh "$(PYTHON)" local

# Developing needs torch too, which is large: whoever only tries the suite does without.
ready-dev:
	@tools/setup.sh "$(PYTHON)" dev

demo: ready ## Train on real gene-expression data through the whole suite, live
	@$(BIN)/python examples/demo.py

up: ready ## Start the suite in the background
	@$(BIN)/omniscope up --detach

down: ready ## Stop it
	@$(BIN)/omniscope down

status: ready ## Show what runs where
	@$(BIN)/omniscope status

mlflow-ui: ready ## Show experiments and models in MLflow's web page
	@$(BIN)/omniscope mlflow-ui

##@ Develop
proto: ready-dev ## Generate the stubs in gen/ from protos/
	@tools/proto.sh

proto-lint: ready-dev ## Lint the protos with buf; every method states a policy
	@tools/proto_lint.sh

rest-reference: ready-dev ## Write the calls into docs/rest.md from protos/
	@$(BIN)/python -m tools.rest_reference

proto-check: ready-dev ## Fail if gen/ is not what protos/ gives
	@tools/proto_check.sh

fmt: ready-dev ## Format and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet .

lint: ready-dev ## Format, style and layers
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports

types: ready-dev ## Strict types
	@$(BIN)/mypy

##@ Test
test: ready-dev ## The default tier: every part, real servers, on all cores; 6 minutes at most on two
	@$(BIN)/python -m pytest $(ON_ALL_CORES)

test-slow: ready-dev ## The rest
	@$(BIN)/python -m pytest -m slow

test-gpu: ready-dev ## What only a GPU shows; needs one
	@$(BIN)/python -m pytest -m gpu

faults: ready-dev ## Kill processes at random and count what is lost; SEED=1 KILLS=200
	@$(BIN)/python -m tests.faults.campaign --seed $(or $(SEED),1) --kills $(or $(KILLS),200)

cover: ready-dev ## The default tier with branch coverage
	@$(BIN)/python -m pytest $(ON_ALL_CORES) --cov --cov-report=term-missing:skip-covered

bench: ready-dev ## Benchmarks, all or ONLY=<name>; SIZE=small only tries them
	@OMNISCOPE_BENCHMARK_SIZE=$(or $(SIZE),whole) $(BIN)/python -m benchmarks $(ONLY)

check: lint proto-lint proto-check types test ## What CI runs

clean: ## Remove what can be made again
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage dist build
