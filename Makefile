# Every command a contributor needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATIC := src/imatch/static/.vite/manifest.json
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Installs take exactly the lock: they resolve nothing and compile nothing (docs/decisions/0011).
PIP_ONLY_BINARY ?= :all:
PIP := $(BIN)/pip install --quiet --no-deps --require-hashes --only-binary $(PIP_ONLY_BINARY)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
  --only-binary :all: --generate-hashes --no-header --no-annotate --no-emit-index-url \
  --no-emit-find-links $(ARGS)

.PHONY: help run test check format lock clean
.DEFAULT_GOAL := help

help: ## List the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run $(STATIC) ## Set up and serve http://127.0.0.1:8401 with demo data
	@imatch serve --setup

test: $(VENV)/.dev $(STATIC) ## Set up and run every test (arguments: ARGS="-k name")
	@python -m pytest -n auto $(ARGS)

check: $(VENV)/.dev ## Format, lint, types, import contracts, dead code, dependencies
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports --no-cache
	@vulture
	@deptry src

format: $(VENV)/.dev ## Mend what can be mended
	@ruff format .
	@ruff check --fix .

lock: $(BIN)/pip ## Pin what pyproject.toml and package.json need (newest versions: ARGS=--upgrade)
	@$(BIN)/pip install --quiet uv
	@$(COMPILE) pyproject.toml -o requirements/run.txt
	@$(COMPILE) --group build -c requirements/run.txt -o requirements/build.txt
	@$(COMPILE) pyproject.toml --group dev -c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt
	@$(PIP) -r requirements/build.txt
	@cd frontend && npm install --silent --package-lock-only --omit-lockfile-registry-resolved

clean: ## Remove the environment and what was built
	@rm -rf $(VENV) src/imatch/static frontend/node_modules

# pip is the last thing that venv installs: without it the environment is unfinished.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "I MATCH needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)"; exit 1; }

$(VENV)/.run: requirements/build.txt requirements/run.txt pyproject.toml | $(BIN)/pip
	@echo "Installing (once) ..."
	@$(PIP) -r requirements/build.txt -r requirements/run.txt
	@$(BIN)/pip install --quiet --no-deps --no-index --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing the test tools (once) ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

$(VENV)/.node: frontend/package.json frontend/package-lock.json $(VENV)/.run
	@cd frontend && npm ci --silent --no-audit --no-fund
	@touch $@

$(STATIC): $(VENV)/.node $(wildcard frontend/*.* frontend/plugins/* frontend/public/* frontend/src/*) \
  $(wildcard src/imatch/categories/definitions/*.toml) \
  $(shell find src/imatch/web/templates -name '*.html' 2>/dev/null)
	@echo "Building the pages' styles and scripts ..."
	@cd frontend && npm run --silent build
	@touch $@
