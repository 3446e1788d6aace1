# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(wildcard plugins/memex-*))
STARTER := memex-cli memex-inmemory memex-sqlite memex-fifo memex-recall memex-quote
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test batteries isolated lint types docs wheels bench clean

$(BIN)/memex: constraints.txt pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt -e . $(foreach p,$(STARTER),-e plugins/$(p))
	@touch $(BIN)/memex

$(VENV)/.dev: $(BIN)/memex
	@$(PIP) install -c constraints.txt -r requirements-dev.txt $(foreach p,$(PLUGINS),-e $(p))
	@touch $@

demo: $(BIN)/memex  ## The main job on the sample conversation: import, ask, explain, replay
	@PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

test: $(VENV)/.dev  ## Every test of the host and of every plugin
	$(BIN)/python -m pytest

batteries: $(VENV)/.dev  ## The stores' batteries in full size, some minutes a store; needs what .ci/run installs
	MEMEX_BATTERIES=full $(BIN)/python -m pytest -m battery plugins

isolated: $(VENV)/.dev  ## Each plugin's tests with only it and the host installed, from wheels
	$(BIN)/python tests/run_isolated.py

lint: $(VENV)/.dev  ## ruff, import-linter, deptry
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	for part in . $(PLUGINS); do (cd $$part && $(abspath $(BIN))/deptry --no-ansi src) || exit 1; done

types: $(VENV)/.dev  ## mypy --strict over the host and every plugin
	$(BIN)/mypy src $(foreach p,$(PLUGINS),$(p)/src)

docs: $(VENV)/.dev  ## HTML documentation in docs/_build
	@$(PIP) install -c constraints.txt -r docs/requirements.txt
	$(BIN)/sphinx-build -W -q docs docs/_build

wheels: $(VENV)/.dev  ## Wheels of the host and of every plugin in dist/
	@rm -rf dist
	@for part in . $(PLUGINS); do $(PIP) wheel --no-deps --wheel-dir dist $$part || exit 1; done

bench: $(VENV)/.dev  ## Every claim of the README, measured
	for script in startup window fresh_tokens counters; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python benchmarks/kv.py --quick

clean:
	rm -rf $(VENV) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
