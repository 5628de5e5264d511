PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench constraints

help: ## Show these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1|\2/' | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup: .venv/ready ## Make .venv with everything in it, and fetch the pages' files
	@$(BIN)/python -m app.server.pages.fetch

# The whole closure is pinned with hashes; the project itself is then linked in without asking for anything more.
.venv/ready: constraints.txt pyproject.toml app/store/rows.c app/store/compiling.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Start a gateway with demo data; prints a key and addresses
	@exec $(BIN)/gateway demo

test: setup ## Run every test against a real mongod (the browser tests need Chromium)
	$(BIN)/python -m pytest -n auto --dist loadfile

check: setup ## Lint, types, format, and the printed schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/gateway schema --check

bench: setup ## Measure speed against peers, in about twelve minutes (BENCH=--help lists options)
	$(BIN)/python -m tests.bench $(BENCH)

constraints: ## Pin the closure anew (needs pip-tools)
	pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --extra embedded --extra tracing --extra dev --output-file constraints.txt pyproject.toml
