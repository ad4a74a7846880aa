# Each target sets up what it needs: a virtual environment in .venv, once.
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= dev
ARGS ?=

INSTALLED := $(VENV)/.installed-$(EXTRAS)

.PHONY: help bench test test-long test-versions lint check clean
help:
	@echo 'make bench         measure, verify and write results/local/ (ARGS="--quick", EXTRAS=dev,cuda)'
	@echo 'make test          run the tests; each benchmark once, for its agreement'
	@echo 'make test-long     run the tests that repeat at length what quicker ones check'
	@echo 'make test-versions test the implementations on the oldest and newest frameworks (ARGS="jax==0.9.2")'
	@echo 'make check         lint and types, then the tests'
	@echo 'make clean         remove the virtual environment and all caches'

bench: $(INSTALLED)
	$(VENV)/bin/perceptron-bench run $(ARGS)

# Bytecode is kept whatever the environment says: hundreds of processes would compile the same files anew.
PYTEST = PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest --benchmark-disable --quick \
	--numprocesses auto --dist loadfile --no-loadscope-reorder

test: $(INSTALLED)
	$(PYTEST) -m "not long" $(ARGS)

test-long: $(INSTALLED)
	$(PYTEST) -m long tests $(ARGS)

# Each version in its own environment, in .venvs.
test-versions:
	$(PYTHON) -m tests.versions $(ARGS)

lint: $(INSTALLED)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/typos
	$(VENV)/bin/zizmor --quiet --offline --persona=auditor .github docs/*.yml
	@if [ -x $(VENV)/bin/actionlint ]; then $(VENV)/bin/actionlint .github/workflows/*.yml docs/*.yml; \
		else echo 'actionlint: left out, not installed (make lint EXTRAS=dev,workflows: from GitHub)'; fi

check: lint test

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'perceptron-bench needs Python 3.11 or later; name one: make PYTHON=python3.12 …'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf $(VENV) .venvs build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +
