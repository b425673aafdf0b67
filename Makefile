# One door. Every target sets up .venv by itself; all it needs is make and Python >= 3.11 with pip.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
JOBS   ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# pyright would ask the package index whether there is a newer one
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow test-all check format docs bench coverage exports clean

help:  ## say what each target does
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## create .venv and install collectkit with its tools

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "collectkit needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)."; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

run: $(STAMP)  ## collect the sample ledger for a quarter, write notices and an HTML report to build/demo
	$(BIN)/collectkit demo --out build/demo

test: $(STAMP)  ## run the suite: tests, doctests, every code block of the documentation
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

test-slow: $(STAMP)  ## run the tests that `make test` leaves out
	$(BIN)/python -m pytest -n $(JOBS) -m slow

test-all: test test-slow  ## run everything

check: $(STAMP)  ## format, lint, types (two checkers), floors, dependencies; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	@said=$$(PYTHONPATH=src $(BIN)/pyright --pythonpath $(BIN)/python --verifytypes collectkit --ignoreexternal) \
	  || { echo "$$said"; exit 1; }; echo "$$said" | grep -E 'Symbols exported|completeness'
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: $(STAMP)  ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)  ## build the documentation into build/docs; a warning is an error
	$(BIN)/python -m sphinx -q -E -W -n --keep-going -b html docs build/docs
	@$(BIN)/python docs/check_local.py build/docs
	@echo "Documentation: build/docs/index.html"

bench: $(STAMP)  ## measure speed and memory against other libraries
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	$(BIN)/python benchmarks/run.py

coverage: $(STAMP)  ## branch coverage of the whole suite
	$(BIN)/coverage erase
	$(BIN)/coverage run --branch -m pytest -q -m "not slow"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

exports: $(STAMP)  ## rewrite src/collectkit/__init__.pyi from the table in __init__.py
	$(BIN)/python tests/api/stub.py --write

clean:  ## remove everything that make creates
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
