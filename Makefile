SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Developing needs torch too, which is large: whoever only tries the suite does without.
DEV_READY := .venv/.ready-dev

.PHONY: help setup setup-dev proto proto-lint proto-check rest-reference fmt lint types imports test test-slow test-gpu faults cover bench \
        demo up down status mlflow-ui check clean

##@ Start here
help: ## Show this help
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z][a-z-]*:.*##/ {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with the suite, exact versions
$(READY): pyproject.toml constraints.txt
	@tools/setup.sh "$(PYTHON)" local $@

setup-dev: $(DEV_READY) ## The same with networks (torch) and what developing takes
$(DEV_READY): $(READY)
	@tools/setup.sh "$(PYTHON)" dev $@

demo: $(READY) ## Train on real gene-expression data through the whole suite, live
	@$(BIN)/python examples/demo.py

up: $(READY) ## Start the suite in the background
	@$(BIN)/omniscope up --detach

down: $(READY) ## Stop it
	@$(BIN)/omniscope down

status: $(READY) ## Show what runs where
	@$(BIN)/omniscope status

mlflow-ui: $(READY) ## Show experiments and models in MLflow's web page
	@$(BIN)/omniscope mlflow-ui

##@ Develop
proto: $(DEV_READY) ## Generate the stubs in gen/ from protos/
	@tools/proto.sh

proto-lint: $(DEV_READY) ## Lint the protos with buf; every method states a policy
	@tools/proto_lint.sh

rest-reference: $(DEV_READY) ## Write the calls into docs/rest.md from protos/
	@$(BIN)/python -m tools.rest_reference

proto-check: $(DEV_READY) ## Fail if gen/ is not what protos/ gives
	@tools/proto_check.sh

fmt: $(DEV_READY) ## Format and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet .

lint: $(DEV_READY) ## Format, style and layers
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports

types: $(DEV_READY) ## Strict types
	@$(BIN)/mypy

##@ Test
test: $(DEV_READY) ## The default tier: every part, real servers; about 8 minutes of processor time
	@$(BIN)/python -m pytest

test-slow: $(DEV_READY) ## The rest
	@$(BIN)/python -m pytest -m slow

test-gpu: $(DEV_READY) ## What only a GPU shows; needs one
	@$(BIN)/python -m pytest -m gpu

faults: $(DEV_READY) ## Kill processes at random and count what is lost; SEED=1 KILLS=200
	@$(BIN)/python -m tests.faults.campaign --seed $(or $(SEED),1) --kills $(or $(KILLS),200)

cover: $(DEV_READY) ## The default tier with branch coverage
	@$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

bench: $(DEV_READY) ## Benchmarks, all or ONLY=<name>; SIZE=small only tries them
	@OMNISCOPE_BENCHMARK_SIZE=$(or $(SIZE),whole) $(BIN)/python -m benchmarks $(ONLY)

check: lint proto-lint proto-check types test ## What CI runs

clean: ## Remove what can be made again
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage dist build
