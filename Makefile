# Everything happens in .venv; nothing is installed anywhere else.
.PHONY: help demo test test-long conformance check bench clean
.DEFAULT_GOAL := help

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
# Without bytecode each of the hundreds of processes that tests start would compile everything.
unexport PYTHONDONTWRITEBYTECODE
# Tests wait for processes and sockets about as long as they compute.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' Makefile

demo: .venv/.runtime  ## set up, and show what the server does, on a sandbox of its own
	@$(BIN)/appmixer-mcp demo

test: .venv/.dev  ## run the tests, under 3 minutes
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not long" $(PYTEST_FLAGS)

test-long: .venv/.dev bench  ## run what takes longer, and the benchmark
	$(BIN)/pytest -n auto --dist loadgroup -m long

conformance: .venv/.dev  ## run the official MCP conformance suite, which npm brings
	$(BIN)/pytest -m long --nothing-skipped tests/conformance

check: .venv/.dev  ## format, lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/basedpyright

bench: .venv/.dev  ## measure what docs/performance.md publishes
	$(BIN)/python -m bench

clean:  ## remove everything that was made here
	rm -rf .venv dist build .mypy_cache .ruff_cache .hypothesis
	find appmixer_mcp tools tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: pyproject.toml hatch_build.py
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/it" >&2; exit 1; }
	@echo "Setting up .venv, which takes about 20 seconds."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/.dev: .venv/.runtime
	$(BIN)/pip install --quiet --editable . --group dev
	@touch $@
