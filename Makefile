# `make up` installs and runs Greenroom, `make test` runs all checks. Both work on a fresh machine.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up test unit-lane system-lane nightly browser chaos mutation bench lint licences docs audit lock supported clean

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PYTHONUNBUFFERED := 1
# Bytecode is written even if the environment forbids it: otherwise each of the hundreds of processes compiles the code again.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
WORKERS ?= 2
PYTEST := $(BIN)/pytest -m "not live"
# Run a command ($1) and print the duration of the stage ($2), and that it failed.
define timed
begun=$$SECONDS; status=0; { $(1); } || status=$$?; \
	echo "stage $(2): $$((SECONDS - begun)) s$$([ $$status = 0 ] || echo ', FAILED')"; exit $$status
endef
# Run pytest with arguments ($1) as a stage ($2). Failed tests run a second time, alone in one process, because a busy
# machine makes some time out. A second failure ends the run. A guarantee that breaks ends it at once (exit code 9,
# tests/conftest.py).
define stage
$(call timed,$(PYTEST) -o cache_dir=.pytest_cache/$(2) $(1) || { [ $$? = 1 ] \
	&& echo "$(2): running the failed tests again$(COMMA) one at a time" \
	&& $(PYTEST) -o cache_dir=.pytest_cache/$(2) --last-failed --last-failed-no-failures none --maxfail 3 $(1) -n 0; },$(2))
endef
COMMA := ,
# Tests that start whole installations, longest first. Two at a time: three are too slow on two cores.
WAITING = -n 2 --dist loadfile --no-loadscope-reorder
LONGEST = tests/benchmarks/publishing/test_comparison.py tests/journeys/demo/test_future_clock.py tests/journeys/day
# Browser tests, the file with all pages first.
SEEN = -n 2 --dist loadfile --no-loadscope-reorder tests/browser/test_every_page.py tests/browser
# Test folders of the unit lane: all without a stage of their own. `bench` only measures.
UNIT_TESTS = $(filter-out $(addprefix tests/,architecture/ fakes/ chaos/ bench/ browser/ __pycache__/),$(wildcard tests/*/))
# Files with tests that need whole processes. Collecting the other files as well takes each worker twelve seconds.
SLOW_TESTS = $(sort $(shell grep -rl --include='test_*.py' 'mark\.slow' $(UNIT_TESTS)))
INSTALL := $(BIN)/python -m pip install --no-deps
# pip's warnings concern its own version and locked packages. They do not help a user who starts Greenroom.
QUIET := 2> >(grep -vE '^ *(WARNING|DEPRECATION):|^$$|\[notice\]' >&2)

# Replace pip's two lines per package by a count. Errors are shown unchanged.
PROGRESS := awk '/^(Collecting|Requirement already)/ { if (++n % 10 == 0) { print "  " n " packages"; fflush() } } \
	/^Installing collected/ { print "  " n " packages, unpacking them"; fflush() } /^Successfully/ { print "  done" }'

# Stamp files carry the digest of the installed lock files. Nothing is installed again while the digest is the same.
digest = $(shell cat pyproject.toml $(1) 2>/dev/null | sha256sum | cut -c1-16)
RUN_STAMP := .venv/.installed-$(call digest,requirements.lock)
DEV_STAMP := .venv/.installed-dev-$(call digest,requirements.lock requirements-dev.lock)
# The diffusion engine is tested on tiny models. The CPU wheel of torch is 190 MB. A CUDA wheel does not import without its
# other packages and is uninstalled again.
TORCH := torch==2.13.0
DIFFUSION_STAMP := .venv/.installed-diffusion-$(call digest,requirements.lock requirements-dev.lock requirements-diffusion.lock)

# Tests run the methods of predictions; installations install the same packages at first use.
ANALYSIS_STAMP := .venv/.installed-analysis-$(call digest,requirements.lock requirements-dev.lock requirements-analysis.lock)

DOCS_STAMP := .venv/.installed-docs-$(call digest,requirements.lock requirements-dev.lock requirements-docs.lock)

# The first supported interpreter that starts: a pyenv shim may exist and fail. The distribution's interpreter comes first:
# it is built with profile-guided optimization, without which a post costs 30 % more processor time.
PYTHON ?= $(shell for python in /usr/bin/python3.11 /usr/bin/python3.12 python3.11 python3.12 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& { echo $$python; break; }; done)

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

up: $(RUN_STAMP) ## install missing packages and run Greenroom in the foreground (Ctrl-C stops it)
	@exec $(BIN)/greenroom up

# Two lanes run in parallel. Unit and integration tests are bound by the processor; tests of whole processes and browsers
# wait half of the time and have priority, so that pages do not time out. The first lane that fails interrupts the other.
test: $(DIFFUSION_STAMP) $(ANALYSIS_STAMP) ## run all checks: style, architecture, types, unit, whole processes, browser, chaos
	@$(call timed,$(BIN)/ruff check . && $(BIN)/ruff format --check .,style)
	@set -m; export GREENROOM_TURN=$(TURN); \
	lane() { $(MAKE) --no-print-directory $$1-lane > >(trap '' INT; exec sed -u "s/^/[$$1] /") 2>&1; }; \
	lane system & system=$$!; lane unit & unit=$$!; \
	stop() { kill -INT -- -$$system -$$unit; (sleep 120; kill -KILL -- -$$system -$$unit) & \
		wait $$system $$unit; kill -- -$$!; } >/dev/null 2>&1; \
	trap 'stop; exit 130' INT TERM; \
	wait -n -p first $$system $$unit && wait $$((system + unit - first)) \
		|| { echo "make test: a stage failed, see FAILED above; stopping the other lane"; stop || true; exit 1; }

# Expensive tests run in rotation (tests/rotation.py): a quarter of them per commit, and all of them without GREENROOM_TURN.
# A shallow clone cannot count its commits and uses the day of the year.
TURN = $(shell [ "$$(git rev-parse --is-shallow-repository 2>/dev/null)" = false ] \
	&& git rev-list --count --first-parent HEAD || date +%-j)
STORMS := 6

unit-lane: export GREENROOM_LANE := 2
unit-lane:
	@renice -n 10 $$$$ >/dev/null; $(call stage,-n $(WORKERS) --dist loadfile -m "not live and not slow" $(UNIT_TESTS),unit)

system-lane:
	@$(call timed,$(PYTEST) -n $(WORKERS) --dist loadfile tests/architecture,architecture)
	@$(call timed,$(BIN)/mypy,types)
	@$(call stage,$(WAITING) -m "slow and not live" $(LONGEST) $(SLOW_TESTS),slow)
	@$(call stage,$(SEEN),browser)
	@export GREENROOM_CHAOS_SEEDS=$(STORMS) GREENROOM_CHAOS_FIRST=$$((1 + $(STORMS) * ($${GREENROOM_TURN:-0} % 33))); \
	$(call stage,-n 2 tests/chaos,chaos)

nightly: $(DIFFUSION_STAMP) $(ANALYSIS_STAMP) ## run all tests with all examples, 200 chaos seeds, long sequences and a simulated year (hours)
	$(MAKE) --no-print-directory test TURN=
	GREENROOM_EXAMPLES=100 GREENROOM_MACHINE_STEPS=20000 $(PYTEST) -n 2 --dist loadfile --timeout 7200 \
		$$(grep -rlE --include='test_*.py' 'GREENROOM_(EXAMPLES|MACHINE_STEPS)' tests)
	$(MAKE) --no-print-directory chaos SEEDS=200

browser: $(DEV_STAMP) ## run the browser tests, if Chromium is installed
	$(PYTEST) $(SEEN)

chaos: $(DEV_STAMP) ## run the fault tests: 500 seeds of kill -9, freezes and clock jumps; 10,000 orders of a send; a simulated year
	GREENROOM_CHAOS_SEEDS=$(or $(SEEDS),500) GREENROOM_SCENE_SEEDS=20 $(PYTEST) -n 2 tests/chaos
	GREENROOM_ORDERS=10000 $(PYTEST) --timeout 7200 tests/gate/permits/test_transaction_order.py
	GREENROOM_SIMULATED=100,365 GREENROOM_SIMULATED_SEEDS=2 $(PYTEST) -n 2 tests/schedules/simulated_year/test_simulated_year.py

mutation: $(DEV_STAMP) ## run mutation tests of the gate: all (hours), or MUTANTS=300; AGAIN=1 for the survivors
	nice -n 19 $(BIN)/python -m tests.mutation --mutants $(or $(MUTANTS),0) --seed $(or $(SEED),greenroom) $(if $(AGAIN),--again)

bench: $(DEV_STAMP) ## run all benchmarks and write docs/benchmarks.md
	$(BIN)/greenroom bench all --markdown docs/benchmarks.md
	$(BIN)/python -m tests.bench.library_comparison

lint: $(DEV_STAMP) ## check style, types, imports and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

licences: $(DEV_STAMP) ## write the licences of all installed packages to docs/licences.md
	$(BIN)/python tools/licences.py

docs: $(DOCS_STAMP) ## build the documentation site into build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

audit: $(DEV_STAMP) ## list locked packages with a known vulnerability (fails) or older than 180 days
	$(BIN)/python -m tools.audit

lock: $(DIFFUSION_STAMP) $(ANALYSIS_STAMP) $(DOCS_STAMP) ## pin the packages of .venv in the five lock files
	$(BIN)/python tools/requirements_lock.py

clean: ## remove the virtual environment and caches; data (.greenroom) stays
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis

supported:
	@if [ "$$(uname -s)" != Linux ] || [ "$$(uname -m)" != x86_64 ]; then \
		echo "Greenroom brings its own PostgreSQL and Valkey for Linux on x86_64; this is $$(uname -s) on $$(uname -m)."; \
		echo "Run it in a Linux x86_64 virtual machine or container (on Windows: WSL 2)."; exit 3; fi
	@if ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then \
		echo "Greenroom's PostgreSQL needs glibc 2.28 or newer; this system has another C library (Alpine?)."; \
		echo "Run it on Debian 12, Ubuntu 22.04 or newer."; exit 3; fi
	@if [ -z "$(PYTHON)" ]; then \
		echo "Greenroom needs Python 3.11 or 3.12 with venv; found $$(python3 --version 2>&1 || echo none)."; \
		echo "On Debian 12: apt-get install python3 python3-venv. Another interpreter: make up PYTHON=/path/to/python3.11"; exit 3; fi

$(BIN)/python: | supported
	@echo "greenroom: making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

$(RUN_STAMP): | $(BIN)/python
	@echo "greenroom: installing $$(grep -c == requirements.lock) locked packages (about 550 MB, once)"
	@$(INSTALL) --require-hashes -r requirements.lock $(QUIET) | $(PROGRESS)
	@$(INSTALL) --quiet --no-build-isolation -e . $(QUIET)
	@rm -f .venv/.installed-[0-9a-f]* && touch $@

$(DEV_STAMP): | $(RUN_STAMP)
	@echo "greenroom: installing $$(grep -c == requirements-dev.lock) packages for the tests"
	@$(INSTALL) --require-hashes -r requirements-dev.lock $(QUIET) | $(PROGRESS)
	@rm -f .venv/.installed-dev-* && touch $@

$(DOCS_STAMP): | $(DEV_STAMP)
	@echo "greenroom: installing $$(grep -c == requirements-docs.lock) packages for the documentation site"
	@$(INSTALL) --require-hashes -r requirements-docs.lock $(QUIET) | $(PROGRESS)
	@rm -f .venv/.installed-docs-* && touch $@

$(ANALYSIS_STAMP): | $(DEV_STAMP)
	@echo "greenroom: installing $$(grep -c == requirements-analysis.lock) packages for the predictions"
	@$(INSTALL) --require-hashes -r requirements-analysis.lock $(QUIET) | $(PROGRESS)
	@rm -f .venv/.installed-analysis-* && touch $@

# GREENROOM_REQUIRE_DIFFUSION=1 fails if torch cannot be installed. Otherwise those tests are skipped with a reason.
$(DIFFUSION_STAMP): | $(DEV_STAMP)
	@echo "greenroom: installing packages for the image tests"
	@if $(INSTALL) --quiet --retries 1 "$(TORCH)" $(QUIET) && $(INSTALL) --require-hashes -r requirements-diffusion.lock $(QUIET) | $(PROGRESS) \
		&& $(BIN)/python -c "import torch"; then \
		rm -f .venv/.installed-diffusion-* && touch $@; \
	elif [ "$${GREENROOM_REQUIRE_DIFFUSION:-}" = 1 ]; then \
		echo "greenroom: $(TORCH) is required here and cannot be installed"; exit 1; \
	else \
		$(BIN)/python -m pip uninstall --quiet --yes torch; \
		echo "  without $(TORCH) the tests of the diffusion engine skip; PIP_EXTRA_INDEX_URL may name an index with CPU wheels"; fi
