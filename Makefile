# finebench: the commands of this repository. `make demo` and `make test` need Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo-workspace

.PHONY: help demo test test-offline bench check format docs constraints clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "finebench needs Python 3.11 or later: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python constraints/runtime.txt constraints/build.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r constraints/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
	  -c constraints/runtime.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime constraints/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -r constraints/dev.txt -c constraints/runtime.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.runtime constraints/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -r constraints/bench.txt -c constraints/runtime.txt
	@touch $@

# Peers that run our releases and check their metadata, and the peer of benchmarks/llm.py, in an
# environment of their own: their dependencies are not ours. 1 GB, a minute.
$(VENV)/.peers: $(VENV)/.python constraints/peers.txt
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r constraints/peers.txt
	@touch $@

demo: $(VENV)/.runtime ## the whole road on the embedded simulator, into ./demo-workspace
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh $(DEMO)

# A server of the OpenAI API that others wrote, for the tests; they skip where there is no npm.
AIMOCK := 1.43.0
$(VENV)/.aimock-$(AIMOCK): $(VENV)/.python
	@if command -v npm >/dev/null; then \
	  npm install --prefix $(VENV)/node --no-save --no-package-lock --ignore-scripts --no-audit \
	    --no-fund --omit-lockfile-registry-resolved --loglevel=error @copilotkit/aimock@$(AIMOCK) \
	    && touch $@; \
	else echo "no npm: tests that need aimock are skipped (install Node.js to run them)" >&2; fi

# What looks for barriers in pages, for the tests of the report; they skip where there is no npm.
AXE := 4.14.1
$(VENV)/.axe-$(AXE): $(VENV)/.python
	@if command -v npm >/dev/null; then \
	  npm install --prefix $(VENV)/axe --no-save --no-package-lock --ignore-scripts --no-audit \
	    --no-fund --omit-lockfile-registry-resolved --loglevel=error axe-core@$(AXE) \
	    && touch $@; \
	else echo "no npm: tests that need axe-core are skipped (install Node.js to run them)" >&2; fi

# The Label Studio server, for the tests of review rounds, in an environment of its own: 1 GB, minutes.
$(VENV)/.label-studio: $(VENV)/.python constraints/label-studio.txt
	$(PYTHON) -m venv $(VENV)/label-studio
	$(VENV)/label-studio/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r constraints/label-studio.txt
	@touch $@

test: $(VENV)/.dev $(VENV)/.aimock-$(AIMOCK) $(VENV)/.axe-$(AXE) $(VENV)/.label-studio $(VENV)/.peers ## the whole suite: offline tests first, then the slow ones
	$(BIN)/python -m pytest -n auto -m "not server and not slow"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "server or slow"

test-offline: $(VENV)/.dev ## the quick part of the suite
	$(BIN)/python -m pytest -q -n auto -m "not server and not slow"

bench: $(VENV)/.bench $(if $(QUICK),,$(VENV)/.peers) ## near-duplicates, model calls, releases and evaluations beside peers, simulations of intervals; QUICK=1 for a short run
	$(BIN)/python benchmarks/near_duplicates.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/llm.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/writing.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/label_studio.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/release.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/planning.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/judge_error.py $(if $(QUICK),--quick)
	$(BIN)/python benchmarks/evaluator.py $(if $(QUICK),--quick)

check: $(VENV)/.dev ## lint, types, import direction, help pages in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/make_help.py --check
	$(BIN)/python docs/make_compatibility.py --check

format: $(VENV)/.dev ## put the code into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## write anew what is made from commands and rules: docs/help.md, docs/compatibility.md
	$(BIN)/python docs/make_help.py
	$(BIN)/python docs/make_compatibility.py

constraints: ## pin the newest versions of everything, in fresh environments
	sh constraints/renew.sh "$(PYTHON)"

clean: ## remove what make made
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
