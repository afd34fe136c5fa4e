# Two commands do everything: `make report` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATASET ?= completejourney
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help report demo verify test lab lint docs lock bench bench-coverage clean

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s  %s\n", $$1, $$2}'

report: $(VENV)/.installed  ## install, run every report on DATASET, print the page to open
	$(BIN)/crm run $(DATASET) --as-of default

demo: $(VENV)/.installed  ## two companies whose truth is known: simulate, report, score the analyses
	$(BIN)/crm simulate retailer
	$(BIN)/crm simulate supplier
	$(BIN)/crm run demo_retailer --as-of default
	$(BIN)/crm run demo_supplier --as-of default
	$(BIN)/crm score demo_retailer
	$(BIN)/crm score demo_supplier
	@echo "Pages: reports/demo_retailer/latest/index.html, reports/demo_supplier/latest/index.html"

verify: $(VENV)/.installed  ## refit every model on public data, compare with the reference numbers
	$(BIN)/crm verify

test: $(VENV)/.installed  ## install, run the tests
	$(BIN)/python -m pytest -n auto --dist loadgroup

lab: $(VENV)/.installed  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=.

lint: $(VENV)/.installed  ## format, style, types, layers, spelling, notebooks without outputs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb

docs: $(VENV)/.installed  ## write docs/reference.md and docs/companies.md from the declarations
	$(BIN)/python -m crm_lib.reference

lock: $(VENV)/.installed  ## pin every dependency with its hash, for all platforms, without addresses
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate --all-extras pyproject.toml -o requirements.lock

# pymc-marketing 1.x needs Python 3.12 or newer: the first that runs, pyenv's included; else 0.19.2.
# Looked for when it is first needed, and once.
PEER_PYTHON ?= $(eval PEER_PYTHON := $(shell for p in python3.12 python3.13 \
	$$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[23].*/bin/python3 2>/dev/null); do \
	"$$p" -c '' 2>/dev/null && { echo "$$p"; break; }; done))$(PEER_PYTHON)
LIFETIMES := bench/.venv-lifetimes
PYMC := bench/.venv-pymc
POLARS := bench/.venv-polars

bench: $(VENV)/.installed $(LIFETIMES)/.installed $(PYMC)/.installed $(POLARS)/.installed  ## measure speed against floor and peers, write bench/README.md (which says how long it took; QUICK=1: 5 minutes, prints; FULL=1; ONLY='lines-*')
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(FULL),--full) $(if $(ONLY),--only '$(ONLY)')

bench-coverage: $(VENV)/.installed  ## do 95 % intervals hold the truth 95 % of the time? 1,000 simulations a model
	$(BIN)/python -m bench.coverage
	$(BIN)/python -m bench --write

$(LIFETIMES)/.installed: bench/peers/lifetimes.txt
	$(PYTHON) -m venv $(LIFETIMES)
	$(LIFETIMES)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(POLARS)/.installed: bench/peers/polars.txt
	$(PYTHON) -m venv $(POLARS)
	$(POLARS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(PYMC)/.installed: bench/peers/pymc.txt bench/peers/pymc-py311.txt
	$(or $(PEER_PYTHON),$(PYTHON)) -m venv $(PYMC)
	$(PYMC)/bin/python -m pip install --quiet --disable-pip-version-check \
		-r bench/peers/pymc$(if $(PEER_PYTHON),,-py311).txt
	touch $@

clean:  ## remove the environments (those of bench, too) and caches; published reports stay
	rm -rf $(VENV) bench/.venv-* bench/.data data/.cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

# One environment for reports and tests, exactly as locked: every package checked by its hash.
# Byte code is compiled at installation: the first import is 2–3 times slower otherwise.
$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing the locked packages into $(VENV) (once, a minute or two) …"
ifdef UV
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	touch $@
