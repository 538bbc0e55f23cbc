# Two commands matter: `make up` runs Greenroom, `make test` proves it. Both work on a fresh machine.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up test browser chaos mutation bench lint licences lock supported clean

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PYTHONUNBUFFERED := 1
# Compiled once, also where the surroundings forbid it: else each of the hundreds of processes that start compiles us anew.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
WORKERS ?= 3
PYTEST := $(BIN)/pytest -m "not live"
# A stage of the tests: the words of pytest, its name. What fails among others is told, then looked at once more, alone in a
# process of its own; failing twice ends the run, and so does a broken promise at once (exit 9, ADR 0141).
define stage
$(PYTEST) -o cache_dir=.pytest_cache/$(2) $(1) || { [ $$? = 1 ] \
	&& echo "$(2): looking once more, alone, at what failed" \
	&& $(PYTEST) -o cache_dir=.pytest_cache/$(2) --last-failed --last-failed-no-failures none --maxfail 3 $(1) -n 0; }
endef
# Whole houses, the longest first; two beside each other, since a third makes pages late on two cores.
WAITING = -n 2 --dist loadfile --no-loadscope-reorder
LONGEST = tests/workers/test_bench_publishing.py tests/journeys/test_demo_clock.py tests/journeys/day
# Pages in a browser, the file of all of them first.
SEEN = -n 2 --dist loadfile --no-loadscope-reorder tests/browser/test_every_page.py tests/browser
# Every folder of tests but those with a line of their own, and those that only count (bench) or need a browser.
ROOM_TESTS = $(filter-out $(addprefix tests/,architecture/ fakes/ chaos/ bench/ browser/ __pycache__/),$(wildcard tests/*/))
# The files with a test that needs whole processes: looking for those in the others took each worker twelve seconds.
SLOW_TESTS = $(sort $(shell grep -rl --include='test_*.py' 'mark\.slow' $(ROOM_TESTS)))
INSTALL := $(BIN)/python -m pip install --no-deps

# pip's two lines per package, counted; what goes wrong comes on its standard error and is shown as it is.
PROGRESS := awk '/^(Collecting|Requirement already)/ { if (++n % 10 == 0) { print "  " n " packages"; fflush() } } \
	/^Installing collected/ { print "  " n " packages, unpacking them"; fflush() } /^Successfully/ { print "  done" }'

# The locks as installed: when their digest stands in this file, nothing is installed again.
digest = $(shell cat pyproject.toml $(1) 2>/dev/null | sha256sum | cut -c1-16)
RUN_STAMP := .venv/.installed-$(call digest,requirements.lock)
DEV_STAMP := .venv/.installed-dev-$(call digest,requirements.lock requirements-dev.lock)
# The real pipeline, on tiny models: 190 MB where pip's index has torch for the processor. The one for cards does not
# start without the rest of its packages, and is taken away again.
TORCH := torch==2.13.0
DIFFUSION_STAMP := .venv/.installed-diffusion-$(call digest,requirements.lock requirements-dev.lock requirements-diffusion.lock)

# The first interpreter that really starts and is one of ours (a pyenv shim may exist and not start). A distribution builds
# its own by a profile of what programs do, pyenv does not unless it is told: a post costs the processor 30 % more there.
PYTHON ?= $(shell for python in /usr/bin/python3.11 /usr/bin/python3.12 python3.11 python3.12 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& { echo $$python; break; }; done)

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

up: $(RUN_STAMP) ## install what is missing and run Greenroom in the foreground (Ctrl-C stops it)
	@exec $(BIN)/greenroom up

test: $(DIFFUSION_STAMP) ## everything: walls first, then rooms, types, whole processes, journeys and faults
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) -n $(WORKERS) --dist loadfile tests/architecture
	$(call stage,-n $(WORKERS) --dist loadfile -m "not live and not slow" $(ROOM_TESTS),rooms)
	$(BIN)/mypy
	$(call stage,$(WAITING) -m "slow and not live" $(LONGEST) $(SLOW_TESTS),slow)
	$(call stage,$(SEEN),browser)
	$(call stage,-n $(WORKERS) tests/chaos,chaos)

browser: $(DEV_STAMP) ## the pages in a real Chromium, where one is installed
	$(PYTEST) $(SEEN)

chaos: $(DEV_STAMP) ## a day under kill -9, freezes and clock jumps, 500 seeds; 10,000 orders of a send; a simulated year
	GREENROOM_CHAOS_SEEDS=$(or $(SEEDS),500) GREENROOM_SCENE_SEEDS=20 $(PYTEST) -n 2 tests/chaos
	GREENROOM_ORDERS=10000 $(PYTEST) --timeout 7200 tests/gate/test_every_order.py
	GREENROOM_SIMULATED=100,365 GREENROOM_SIMULATED_SEEDS=2 $(PYTEST) -n 2 tests/schedules/test_simulated_year.py

mutation: $(DEV_STAMP) ## how many small changes of the gate the tests find: all (hours), or MUTANTS=300; AGAIN=1 survivors
	nice -n 19 $(BIN)/python -m tests.mutation --mutants $(or $(MUTANTS),0) --seed $(or $(SEED),greenroom) $(if $(AGAIN),--again)

bench: $(DEV_STAMP) ## every figure, written to docs/benchmarks.md
	$(BIN)/greenroom bench all --markdown docs/benchmarks.md
	$(BIN)/python -m tests.bench.sends

lint: $(DEV_STAMP) ## style, types and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

licences: $(DEV_STAMP) ## the licences of all that `make up` installs, written to docs/licences.md
	$(BIN)/python tools/licences.py

lock: $(DIFFUSION_STAMP) ## pin what .venv holds into the three lock files
	$(BIN)/python tools/requirements_lock.py

clean: ## remove the virtual environment and caches; data (.greenroom) stays
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis

supported:
	@if [ "$$(uname -s)" != Linux ] || [ "$$(uname -m)" != x86_64 ]; then \
		echo "Greenroom brings its own PostgreSQL and Redis for Linux on x86_64; this is $$(uname -s) on $$(uname -m)."; \
		echo "Run it in a Linux x86_64 virtual machine or container (on Windows: WSL 2)."; exit 3; fi
	@if ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then \
		echo "Greenroom's PostgreSQL needs glibc 2.28 or newer; this system has another C library (Alpine?)."; \
		echo "Run it on Debian 12, Ubuntu 22.04 or newer."; exit 3; fi
	@if [ -z "$(PYTHON)" ]; then \
		echo "Greenroom needs Python 3.11 or 3.12 with venv; here is $$(python3 --version 2>&1 || echo none)."; \
		echo "On Debian 12: apt-get install python3 python3-venv. Another one: make up PYTHON=/path/to/python3.11"; exit 3; fi

$(BIN)/python: | supported
	@echo "greenroom: making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

$(RUN_STAMP): | $(BIN)/python
	@echo "greenroom: installing $$(grep -c == requirements.lock) locked packages (about 520 MB, once)"
	@$(INSTALL) --require-hashes -r requirements.lock | $(PROGRESS)
	@$(INSTALL) --quiet --no-build-isolation -e .
	@rm -f .venv/.installed-[0-9a-f]* && touch $@

$(DEV_STAMP): | $(RUN_STAMP)
	@echo "greenroom: installing $$(grep -c == requirements-dev.lock) packages for the tests"
	@$(INSTALL) --require-hashes -r requirements-dev.lock | $(PROGRESS)
	@rm -f .venv/.installed-dev-* && touch $@

# With 1 in GREENROOM_REQUIRE_DIFFUSION a machine that cannot have torch fails; elsewhere those tests skip, in words.
$(DIFFUSION_STAMP): | $(DEV_STAMP)
	@echo "greenroom: installing what the tests of pictures need"
	@if $(INSTALL) --quiet --retries 1 "$(TORCH)" && $(INSTALL) --require-hashes -r requirements-diffusion.lock | $(PROGRESS) \
		&& $(BIN)/python -c "import torch"; then \
		rm -f .venv/.installed-diffusion-* && touch $@; \
	elif [ "$${GREENROOM_REQUIRE_DIFFUSION:-}" = 1 ]; then \
		echo "greenroom: $(TORCH) is required here and cannot be installed"; exit 1; \
	else \
		$(BIN)/python -m pip uninstall --quiet --yes torch; \
		echo "  without $(TORCH) the tests of the diffusion engine skip; PIP_EXTRA_INDEX_URL may name an index that has it for the processor"; fi
