# `make help` lists the targets. Everything happens inside .venv; nothing needs to be activated.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
# Below root's own home the data would be out of reach for the account that PostgreSQL runs as.
DATA ?= $(shell $(BIN)/python -c 'from pathlib import Path; \
  from commercekit.platform.db.embedded import reachable_folder; \
  print(reachable_folder(Path(".data")))')
WORKERS ?= logical
MINUTES ?= 15
PYTEST_ARGS ?=
BENCH_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PLUGINS := $(sort $(dir $(wildcard plugins/*/pyproject.toml)))
PROJECTS := pyproject.toml $(wildcard plugins/*/pyproject.toml)
EDITABLE := -e . $(foreach plugin,$(PLUGINS),-e ./$(plugin:/=))
SOURCES := src $(wildcard plugins/*/src)
EXAMPLE := examples/reference-store/commercekit.toml

export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  PORT=8000        where make run listens"
	@echo "  DATA=.data       the folder that holds the shop of make run"
	@echo "  MINUTES=15       how long make soak loads the shop"
	@echo "  WORKERS=logical  how many tests run at once: one for each core"
	@echo "  PYTHON=python3   the Python (3.11 or later) that .venv is made of"

.PHONY: install
install: $(STAMP) ## .venv with every pinned dependency, the core and all plugins

$(STAMP): constraints.txt $(PROJECTS)
	@$(PYTHON) .ci/python_is_fit.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what constraints.txt pins into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

.PHONY: run
run: $(STAMP) ## the reference shop on http://127.0.0.1:$(PORT), kept in $(DATA)
	@$(BIN)/commercekit run --config $(EXAMPLE) --data "$(DATA)" --port $(PORT)

.PHONY: services
services: $(STAMP) ## PostgreSQL, RabbitMQ and a cache until Ctrl-C, with the settings to paste
	@$(BIN)/python .ci/services.py keep

.PHONY: needed
needed: $(STAMP)
	@$(BIN)/python .ci/services.py need

.PHONY: test
test: needed lint types reference ## lint, types and every test that is quick enough to run at each change
	@$(BIN)/python -m pytest -m "not slow and not faults" -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

.PHONY: test-full
test-full: needed lint types reference ## all tests, slow ones too, with coverage and the docs
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -m "not faults" $(PYTEST_ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@$(MAKE) --no-print-directory test-faults
	@$(MAKE) --no-print-directory mutants
	@$(MAKE) --no-print-directory docs

.PHONY: test-faults
test-faults: needed $(STAMP) ## break the shop in every way it promises to survive, and record what was seen
	@$(BIN)/python -m pytest -m "promise or faults" --faults full --record-promises \
	  -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)
	@$(BIN)/python .ci/reference.py

.PHONY: soak
soak: needed $(STAMP) ## load the shop for MINUTES=15 and fail where memory, files or connections grow
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

.PHONY: mutants
mutants: $(STAMP) ## change the rules of money one by one; a test has to notice each change
	@$(BIN)/python .ci/mutants.py

.PHONY: lint
lint: $(STAMP) ## style, spelling, layers, the rules of the house, secrets
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml --severity-level medium $(SOURCES)
	@$(BIN)/python .ci/no_secrets.py

.PHONY: sbom
sbom: $(STAMP) ## the bill of materials of what constraints.txt pins, as CycloneDX, in sbom.cdx.json
	@$(BIN)/cyclonedx-py requirements constraints.txt --pyproject pyproject.toml --mc-type library \
	  --output-reproducible --output-format JSON --output-file sbom.cdx.json
	@echo "Written to sbom.cdx.json"

.PHONY: types
types: $(STAMP) ## mypy, strict, on the core and all plugins
	@$(BIN)/mypy $(SOURCES)

.PHONY: format
format: $(STAMP) ## put the code into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

.PHONY: bench
bench: $(STAMP) ## measure the shop against its floors; writes tests/benchmarks/latest.json
	@$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

.PHONY: reference
reference: $(STAMP) ## write the reference pages from the code; commit what changes
	@$(BIN)/python .ci/reference.py

.PHONY: api
api: $(STAMP) ## record the public interface; CHANGELOG.md has to name what differs
	@$(BIN)/python .ci/public_api.py

.PHONY: matrix
matrix: $(STAMP) ## record which role may call what; read the difference before you commit it
	@$(BIN)/python .ci/matrix.py

.PHONY: docs
docs: reference ## build the site into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file .ci/mkdocs.yml
	@echo "The site is in site/: open site/index.html"

.PHONY: lock
lock: $(STAMP) ## pin all dependencies anew into constraints.txt
	@$(BIN)/python .ci/lock.py $(LOCK_ARGS)

.PHONY: clean
clean: ## remove everything made here but the shop's data
	@rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@rm -rf build dist htmlcov .coverage .coverage.* mutants
	@find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +
