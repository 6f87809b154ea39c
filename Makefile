SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Where this is set, every process compiles our modules, and pytest rewrites all tests, anew: it doubles `make test`.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PY := $(BIN)/python
READY := .venv/.ready
TEST_PROCESSES ?= 2

.PHONY: help demo dev test test-slow check format bench docs docs-serve lock clean system-packages

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## The whole way on sample files: server, import, segments, export
	@$(PY) -m cdp_assets demo

dev: $(READY) ## Dagster's web page and daemon on what stands in cdp_assets/defs
	@$(PY) -m cdp_assets dev

test: system-packages check ## Everything but the slow tests; installs what is missing, checks the code first
	@echo "== tests"
	@$(PY) -m pytest -q -n $(TEST_PROCESSES) --dist worksteal -m "not slow"

test-slow: $(READY) ## The tests that take minutes
	@echo "== slow tests"
	@code=0; $(PY) -m pytest -q -n $(TEST_PROCESSES) --dist loadfile -m slow || code=$$?; \
	if [ $$code -eq 5 ]; then echo "There are no slow tests yet."; else exit $$code; fi

check: $(READY) ## Format, lint, types, import rules, the lock file, long files
	@echo "== format and lint"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@echo "== types"
	@$(BIN)/mypy
	@echo "== import rules"
	@$(BIN)/lint-imports --no-logo
	@echo "== lock file and sizes"
	@scripts/check_lock.sh
	@scripts/report_sizes.sh

format: $(READY) ## Put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## One benchmark: make bench NAME=…; without NAME a list
	@$(PY) -m cdp_assets_tests.benchmarks $(NAME)

docs: $(READY) ## The documents as a site in site/; every warning is an error
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "open site/index.html"

docs-serve: $(READY) ## The site on http://127.0.0.1:8000, built anew while you write
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs serve

lock: ## Work out the lock files anew (needs uv)
	@scripts/lock.sh

clean: ## Remove .venv, caches and build output; data/ and .dagster_home/ stay
	@rm -rf .venv build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@rm -rf .tmp_dagster_home_*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

system-packages: ## What the tests use beside Python; installed only by root on Debian
	@scripts/system_packages.sh

# Made after the system packages when both are wanted: those may bring the Python that this needs.
$(READY): requirements.lock pyproject.toml | $(if $(filter test,$(MAKECMDGOALS)),system-packages)
	@scripts/set_up_venv.sh
	@touch $@
