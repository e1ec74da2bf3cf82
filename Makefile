# Everything happens in .venv; `make run` and `make test` set it up by themselves.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# The multi-node test cluster's command; e2e skips without it (and fails in CI).
TEST_CLUSTER ?= $(wildcard ../shared/cluster/cluster)
export TEST_CLUSTER

.PHONY: help setup run test check e2e bench format clean

help:  ## what there is to make
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

setup: .venv/.ready  ## the virtual environment, pinned by constraints.txt

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "neilats needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,train]'
	touch $@

run: .venv/.ready  ## the demo: real probers, a real extender, a link that worsens (ARGS=--once to see one decision)
	@$(BIN)/neilats demo $(ARGS)

test: .venv/.ready  ## unit, property and control-plane tests (the latter need KUBEBUILDER_ASSETS)
	$(BIN)/python -m pytest -m 'not e2e' $(ARGS)

check: .venv/.ready  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/.ready  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

e2e: .venv/.ready  ## the whole system on a real multi-node cluster (root; TEST_CLUSTER=the cluster's command)
	$(BIN)/python -m pytest -m e2e tests/e2e $(ARGS)

bench: .venv/.ready  ## timings, as ratios against a yardstick in the same run
	$(BIN)/python -m bench $(ARGS)

clean:  ## remove the environment and all caches
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
