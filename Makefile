# make run     sets up, then runs everything: the chat page opens under the address it prints
# make test    sets up, then passes every test, those with crashes and a browser too
# Needs Python 3.11 or newer and make; nothing needs root.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
UV := VIRTUAL_ENV="$(CURDIR)/$(VENV)" UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never $(BIN)/uv
LOCKED := --quiet --require-hashes --constraint requirements.lock --requirements pyproject.toml
PYTEST := $(BIN)/python -m pytest
JOBS ?= 2

# The first that is there and new enough; make run PYTHON=... chooses another.
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3 python3.14; do \
	if "$$each" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then echo "$$each"; break; fi; done)

.PHONY: run setup test test-setup check fast bench lock clean format

run: setup
	@$(BIN)/chatnation up

setup: $(VENV)/.installed

test: test-setup
	$(PYTEST) -n $(JOBS) --dist loadgroup

# What one runs before each commit: no crash, no browser.
check: test-setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/chatnation check
	$(PYTEST) -n $(JOBS) --dist loadgroup -m "not slow"

bench: test-setup
	$(BIN)/python -m benchmarks

format: test-setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-setup: $(VENV)/.installed-test
	@sh .ci/browser

$(VENV)/.uv:
	@test -n "$(PYTHON)" || { echo "ChatNation needs Python 3.11 to 3.14 with its venv module, and found none: install it, or say make run PYTHON=/path/to/python"; exit 1; }
	@test ! -x $(BIN)/python || "$(BIN)/python" -c 'import pip' 2>/dev/null || rm -rf $(VENV)
	@echo "making $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -m venv $(VENV) || { echo "the venv module of $(PYTHON) does not work; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

# The lock constrains versions and hashes; only what the project and its pictures need is installed.
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.uv
	@echo "installing ChatNation"
	@$(UV) pip install $(LOCKED) --extra render --extra embeddings
	@$(UV) pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "installing what the tests need"
	@$(UV) pip install $(LOCKED) --extra render --extra embeddings --extra test
	@touch $@

# For all platforms and Pythons at once; the file holds hashes and no addresses.
lock: $(VENV)/.uv
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --all-extras --python-version 3.11 \
		--custom-compile-command "make lock" pyproject.toml --output-file requirements.lock

# Data stays: that is what `rm -r .data` is for.
clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
