# Seatrial. `make run` and `make test` need python3 (3.11 to 3.13), python3-venv and make; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help install run demo worker test test-real check bench clean

help:           ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: $(DEV_STAMP)  ## the environment in .venv, with the workshop's tools

run: $(STAMP)   ## the app and its worker, on http://127.0.0.1:8501; Ctrl-C ends both
	@exec $(BIN)/seatrial up

demo: $(STAMP)  ## the same app with a simulated vLLM attached
	@exec $(BIN)/seatrial up --demo

worker: $(STAMP) ## the worker alone
	@exec $(BIN)/seatrial worker

test: $(DEV_STAMP) ## the tests that need Python alone
	@$(BIN)/python scripts/run_tests.py

test-real: $(DEV_STAMP) ## a real engine, a real vLLM, a real browser; skips nothing
	@bash scripts/lab/up.sh
	@$(BIN)/python scripts/run_tests.py --real $(TESTS)

check: $(DEV_STAMP) ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_STAMP) ## what the project promises to reach, as tables and as JSON in build/; fails where a limit is missed
	@$(BIN)/python scripts/bench.py build

clean:          ## the environment and caches; never the data
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# An environment that could not be made whole is not left behind: the next try would take it for a good one.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11 to 3.13 is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Install python3-venv, then try again."; exit 1; }

$(STAMP): $(VENV)/bin/python requirements.txt constraints.txt scripts/fast_pip.py
	@echo "Installing what Seatrial needs into $(VENV) ..."
	@$(BIN)/python scripts/fast_pip.py -q -r requirements.txt
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/$(BIN)/python" -m cli "$$@"\n' "$(CURDIR)" "$(CURDIR)" >$(BIN)/seatrial
	@chmod +x $(BIN)/seatrial
	@touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.txt
	@echo "Installing the workshop's tools ..."
	@$(BIN)/python scripts/fast_pip.py -q -r requirements-dev.txt
	@touch $@
