# Everything happens in .venv; `make run` and `make test` set it up by themselves.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Processes that share the tests, file by file.
JOBS ?= 2
# The multi-node test cluster's command; e2e skips without it (and fails in CI).
TEST_CLUSTER ?= $(wildcard ../shared/cluster/cluster)
export TEST_CLUSTER
# The yardstick of `make bench`: an extender that does nothing; sections that need it are skipped without it.
NULL_EXTENDER ?= $(wildcard ../shared/tools/null-extender/null-extender)
export NULL_EXTENDER
# What `make packaged-models` learns from.
TRACE ?= ../shared/data/seattle/rtt_ms.npz
SYNTHETIC := 'synthetic:lan?nodes=40&slices=400&seed=1' 'synthetic:lan?nodes=40&slices=400&seed=2'
MODELS := build/packaged-models
FORECAST := neilats-forecast-1
VIOLATION := neilats-violation-1
TRAIN := OMP_WAIT_POLICY=passive $(BIN)/neilats models train --models-dir $(MODELS)

.PHONY: help setup run test check e2e bench values packaged-models format clean

help:  ## what there is to make
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

setup: .venv/.ready  ## the virtual environment, pinned by constraints.txt

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "neilats needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,train]'
	touch $@

run: .venv/.ready  ## the demo: real probers, a real extender, a link that worsens (ARGS=--once to see one decision)
	@$(BIN)/neilats demo $(ARGS)

test: .venv/.ready  ## unit, property and control-plane tests (the latter need KUBEBUILDER_ASSETS; JOBS=0 for one process)
	$(BIN)/python -m pytest -m 'not e2e' -n $(JOBS) --dist loadfile $(ARGS)

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

bench: .venv/.ready  ## every figure beside its target and a yardstick in the same run (ARGS='--only names --quick')
	$(BIN)/python -m bench $(ARGS)

values: .venv/.ready  ## docs/values.md, from the chart's schema
	$(BIN)/python deploy/helm/values_table.py > docs/values.md

packaged-models: .venv/.ready  ## train the package's models again, with fixed seeds (minutes; TRACE=the Seattle trace)
	@test -f $(TRACE) || { echo "no trace at $(TRACE); set TRACE=rtt_ms.npz of NetLatency-Data's Seattle" >&2; exit 1; }
	rm -rf $(MODELS)
	$(TRAIN) $(TRACE) --name $(FORECAST) --recipe shared --validation-share 0 --seed 0
	$(TRAIN) $(TRACE) $(SYNTHETIC) --name $(VIOLATION) --recipe violation --validation-share 0 --seed 0
	$(BIN)/python -m models.packing $(MODELS) $(FORECAST) $(VIOLATION)
	$(BIN)/neilats models list --models-dir $(MODELS)

clean:  ## remove the environment and all caches
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
