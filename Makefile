# `make demo` and `make test` need only Python 3.11 or newer, git and make: the first of them makes .venv, later ones find it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The wheel index with torch built for the CPU only: 0.2 GB in place of 2.7 GB. `make GPU=1 ...` takes the CUDA build.
CPU_INDEX := https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test setup clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## Find, explain and store the anomalies of a real data set
	$(BIN)/anomalist demo

test: $(STAMP) ## Check style, types, layers and behaviour
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

setup: $(STAMP) ## Make the virtual environment only (GPU=1: torch with CUDA)

clean: ## Remove the virtual environment and everything made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find platform plugins migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Made again when the dependencies or the entry points change. torch comes first, so that nothing else chooses its build.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not there; install Python 3.11 or newer, or name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is $$($(PYTHON) -V); Python 3.11 or newer is needed, name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch and then the rest into $(VENV): once, some minutes."
	$(PIP) install -qq --retries 1 --timeout 8 $(if $(GPU),,--extra-index-url $(CPU_INDEX)) --no-deps $(TORCH)
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@
