# `make` alone prints the targets. Every target sets up what it needs; a second run sets up nothing again.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
SETUP_LOG := $(VENV)/setup.log
INSTALLED := $(VENV)/.installed
JARS := $(VENV)/.jars
DEMO := .cache/demo
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(JARS) ## Shortlists of a grocery chain (Complete Journey, 1.5 million order lines)
	@$(BIN)/sidecart demo

.PHONY: demo-small
demo-small: $(JARS) ## The same chain on a small generated shop
	@$(BIN)/sidecart demo --small

.PHONY: sql
sql: $(JARS) ## A SQL prompt on the demo's tables
	@$(BIN)/sidecart sql

.PHONY: test
test: $(JARS) ## Run the tests, file by file in two processes
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: soak
soak: $(JARS) ## Increments at length: days of any causes, a real shop day by day, death at each write (hours)
	@$(BIN)/python -m pytest -m soak -o log_cli=true --log-cli-level=INFO --log-disable=py4j.clientserver \
		--durations=0 $(PYTEST_ARGS)

.PHONY: check
check: $(INSTALLED) ## Lint, formatting, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(INSTALLED) ## Format the code and apply safe fixes
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: notebook
notebook: $(JARS) ## Execute the notebooks over the demo's tables
	@$(BIN)/python scripts/run_notebooks.py

.PHONY: docs
docs: $(INSTALLED) ## Write docs/tables.md and the tables of docs/inputs.md from the contracts
	@$(BIN)/python scripts/table_docs.py
	@$(BIN)/python scripts/input_docs.py

.PHONY: cluster-demo
cluster-demo: $(JARS) wheel ## The small demo on Spark's own master and two workers, compared with a local run
	@$(BIN)/python scripts/cluster_demo.py

.PHONY: bench
bench: $(JARS) ## Count beside every peer and write docs/performance.md (an hour or two)
	@$(BIN)/python benchmarks/bench_peers.py

.PHONY: bench-stages
bench-stages: $(JARS) ## Time single stages beside other ways to do the same
	@for name in pairs evidence variants; do $(BIN)/python benchmarks/bench_$$name.py || exit 1; done

.PHONY: bench-increment
bench-increment: $(JARS) ## Count a day beside a recount of all history, at three lengths of history
	@$(BIN)/python benchmarks/bench_increment.py

.PHONY: bench-regions
bench-regions: $(JARS) ## Lists for 1, 10, 100 and 1,000 regions: rows stored, bytes, CPU and memory
	@$(BIN)/python benchmarks/bench_regions.py $(ARGS)

.PHONY: bench-lists
bench-lists: $(INSTALLED) ## Cutting the lists of 1,000 regions alone: time per anchor, rows stored by share sold
	@$(BIN)/python benchmarks/bench_lists.py $(ARGS)

.PHONY: bench-depths
bench-depths: $(INSTALLED) ## Depths of lists by risk beside one depth at equal storage, as days pass
	@$(BIN)/python benchmarks/bench_depths.py

.PHONY: bench-cluster
bench-cluster: $(JARS) ## Count on one executor and on two of a standalone cluster
	@PYTHONPATH=scripts $(BIN)/python benchmarks/bench_cluster.py

.PHONY: quality
quality: $(JARS) ## Judge the demo's lists on held-out baskets and write docs/quality.md
	@$(BIN)/python scripts/quality.py

.PHONY: wheel
wheel: $(INSTALLED) ## Build the wheel into dist/
	@rm -rf build dist
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python
	@ls dist/*.whl

.PHONY: setup
setup: $(JARS) ## Only the set-up: environment, locked packages, Delta's jars

.PHONY: lock
lock: $(INSTALLED) ## Choose newer versions within pyproject.toml's ranges
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --extra dev --upgrade \
		--generate-hashes --no-header --no-emit-index-url --no-annotate --output-file requirements.lock

.PHONY: clean
clean: ## Remove everything that make made here, the environment too
	@rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis spark-warehouse lib/*.egg-info

$(INSTALLED): requirements.lock pyproject.toml setup.py
	@./scripts/preflight.sh java
	@python=$$(./scripts/preflight.sh python) || exit 1; \
		echo "Making $(VENV) from requirements.lock with $$python (once, a minute or two)"; \
		test -x $(BIN)/python || "$$python" -m venv $(VENV) || exit 1; \
		{ $(BIN)/python -m pip install --quiet --retries 2 "uv==$(UV_VERSION)" && \
		  $(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock && \
		  $(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
		} >$(SETUP_LOG) 2>&1 || ./scripts/preflight.sh explain $(SETUP_LOG)
	@touch $@

$(JARS): $(INSTALLED)
	@./scripts/preflight.sh java
	@echo "Fetching Delta's jars (once)"
	@$(BIN)/python scripts/fetch_jars.py
	@touch $@
