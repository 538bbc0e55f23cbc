# Two commands matter: `make up` runs Greenroom, `make test` proves it. Both work on a fresh machine.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up test unit-lane system-lane nightly browser chaos mutation bench lint licences docs audit lock supported clean

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PYTHONUNBUFFERED := 1
# Compiled once, also where the surroundings forbid it: else each of the hundreds of processes that start compiles us anew.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
WORKERS ?= 2
PYTEST := $(BIN)/pytest -m "not live"
# A command and its name: how long it took is printed at its end, and that it failed.
define timed
begun=$$SECONDS; status=0; { $(1); } || status=$$?; \
	echo "stage $(2): $$((SECONDS - begun)) s$$([ $$status = 0 ] || echo ', FAILED')"; exit $$status
endef
# A stage of the tests: the words of pytest, its name. What fails among others is told, then looked at once more, alone in a
# process of its own; failing twice ends the run, and so does a broken promise at once (exit 9, ADR 0141).
define stage
$(call timed,$(PYTEST) -o cache_dir=.pytest_cache/$(2) $(1) || { [ $$? = 1 ] \
	&& echo "$(2): looking once more$(COMMA) alone$(COMMA) at what failed" \
	&& $(PYTEST) -o cache_dir=.pytest_cache/$(2) --last-failed --last-failed-no-failures none --maxfail 3 $(1) -n 0; },$(2))
endef
COMMA := ,
# Whole houses, the longest first; two beside each other, since a third makes pages late on two cores.
WAITING = -n 2 --dist loadfile --no-loadscope-reorder
LONGEST = tests/benchmarks/publishing/test_comparison.py tests/journeys/demo/test_future_clock.py tests/journeys/day
# Pages in a browser, the file of all of them first.
SEEN = -n 2 --dist loadfile --no-loadscope-reorder tests/browser/test_every_page.py tests/browser
# Every folder of tests but those with a line of their own, and those that only count (bench) or need a browser.
ROOM_TESTS = $(filter-out $(addprefix tests/,architecture/ fakes/ chaos/ bench/ browser/ __pycache__/),$(wildcard tests/*/))
# The files with a test that needs whole processes: looking for those in the others took each worker twelve seconds.
SLOW_TESTS = $(sort $(shell grep -rl --include='test_*.py' 'mark\.slow' $(ROOM_TESTS)))
INSTALL := $(BIN)/python -m pip install --no-deps
# pip's warnings are about its own version and about packages that are locked: they help nobody who starts Greenroom.
QUIET := 2> >(grep -vE '^ *(WARNING|DEPRECATION):|^$$|\[notice\]' >&2)

# pip's two lines per package, counted. Its errors are shown as they are.
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

DOCS_STAMP := .venv/.installed-docs-$(call digest,requirements.lock requirements-dev.lock requirements-docs.lock)

# The first interpreter that really starts and is one of ours (a pyenv shim may exist and not start). A distribution builds
# its own by a profile of what programs do, pyenv does not unless it is told: a post costs the processor 30 % more there.
PYTHON ?= $(shell for python in /usr/bin/python3.11 /usr/bin/python3.12 python3.11 python3.12 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& { echo $$python; break; }; done)

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

up: $(RUN_STAMP) ## install what is missing and run Greenroom in the foreground (Ctrl-C stops it)
	@exec $(BIN)/greenroom up

# Two lanes run side by side. Unit and integration tests use the processor all the time; whole processes and browsers wait
# half of theirs, and have priority so that no page is late. The first lane to fail interrupts the other, as Ctrl-C does both.
test: $(DIFFUSION_STAMP) ## everything but the long runs: style, architecture, types, units, whole processes, pages, faults
	@$(call timed,$(BIN)/ruff check . && $(BIN)/ruff format --check .,style)
	@set -m; export GREENROOM_TURN=$(TURN); \
	lane() { $(MAKE) --no-print-directory $$1-lane > >(trap '' INT; exec sed -u "s/^/[$$1] /") 2>&1; }; \
	lane system & system=$$!; lane unit & unit=$$!; \
	stop() { kill -INT -- -$$system -$$unit; (sleep 120; kill -KILL -- -$$system -$$unit) & \
		wait $$system $$unit; kill -- -$$!; } >/dev/null 2>&1; \
	trap 'stop; exit 130' INT TERM; \
	wait -n -p first $$system $$unit && wait $$((system + unit - first)) \
		|| { echo "make test: a stage failed, see FAILED above; stopping the rest"; stop || true; exit 1; }

# The expensive tests run in rotation (tests/rotation.py): a quarter for each commit, all of them where no turn is given.
# A shallow clone cannot count its commits; there the day of the year does.
TURN = $(shell [ "$$(git rev-parse --is-shallow-repository 2>/dev/null)" = false ] \
	&& git rev-list --count --first-parent HEAD || date +%-j)
STORMS := 6

unit-lane: export GREENROOM_LANE := 2
unit-lane:
	@renice -n 10 $$$$ >/dev/null; $(call stage,-n $(WORKERS) --dist loadfile -m "not live and not slow" $(ROOM_TESTS),rooms)

system-lane:
	@$(call timed,$(PYTEST) -n $(WORKERS) --dist loadfile tests/architecture,architecture)
	@$(call timed,$(BIN)/mypy,types)
	@$(call stage,$(WAITING) -m "slow and not live" $(LONGEST) $(SLOW_TESTS),slow)
	@$(call stage,$(SEEN),browser)
	@export GREENROOM_CHAOS_SEEDS=$(STORMS) GREENROOM_CHAOS_FIRST=$$((1 + $(STORMS) * ($${GREENROOM_TURN:-0} % 33))); \
	$(call stage,-n 2 tests/chaos,chaos)

nightly: $(DIFFUSION_STAMP) ## all tests with all examples, 200 storms, long sequences and a simulated year (hours)
	$(MAKE) --no-print-directory test TURN=
	GREENROOM_EXAMPLES=100 GREENROOM_MACHINE_STEPS=20000 $(PYTEST) -n 2 --dist loadfile --timeout 7200 \
		$$(grep -rlE --include='test_*.py' 'GREENROOM_(EXAMPLES|MACHINE_STEPS)' tests)
	$(MAKE) --no-print-directory chaos SEEDS=200

browser: $(DEV_STAMP) ## the pages in a real Chromium, where one is installed
	$(PYTEST) $(SEEN)

chaos: $(DEV_STAMP) ## a day under kill -9, freezes and clock jumps, 500 seeds; 10,000 orders of a send; a simulated year
	GREENROOM_CHAOS_SEEDS=$(or $(SEEDS),500) GREENROOM_SCENE_SEEDS=20 $(PYTEST) -n 2 tests/chaos
	GREENROOM_ORDERS=10000 $(PYTEST) --timeout 7200 tests/gate/permits/test_transaction_order.py
	GREENROOM_SIMULATED=100,365 GREENROOM_SIMULATED_SEEDS=2 $(PYTEST) -n 2 tests/schedules/simulated_year/test_simulated_year.py

mutation: $(DEV_STAMP) ## how many small changes of the gate the tests find: all (hours), or MUTANTS=300; AGAIN=1 survivors
	nice -n 19 $(BIN)/python -m tests.mutation --mutants $(or $(MUTANTS),0) --seed $(or $(SEED),greenroom) $(if $(AGAIN),--again)

bench: $(DEV_STAMP) ## every figure, written to docs/benchmarks.md
	$(BIN)/greenroom bench all --markdown docs/benchmarks.md
	$(BIN)/python -m tests.bench.library_comparison

lint: $(DEV_STAMP) ## style, types and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

licences: $(DEV_STAMP) ## the licences of all that `make up` installs, written to docs/licences.md
	$(BIN)/python tools/licences.py

docs: $(DOCS_STAMP) ## build the documentation site into build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

audit: $(DEV_STAMP) ## locked packages with a known vulnerability (fails), and those older than 180 days
	$(BIN)/python -m tools.audit

lock: $(DIFFUSION_STAMP) $(DOCS_STAMP) ## pin what .venv holds into the four lock files
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

# With 1 in GREENROOM_REQUIRE_DIFFUSION a machine that cannot have torch fails; elsewhere those tests skip, in words.
$(DIFFUSION_STAMP): | $(DEV_STAMP)
	@echo "greenroom: installing what the tests of pictures need"
	@if $(INSTALL) --quiet --retries 1 "$(TORCH)" $(QUIET) && $(INSTALL) --require-hashes -r requirements-diffusion.lock $(QUIET) | $(PROGRESS) \
		&& $(BIN)/python -c "import torch"; then \
		rm -f .venv/.installed-diffusion-* && touch $@; \
	elif [ "$${GREENROOM_REQUIRE_DIFFUSION:-}" = 1 ]; then \
		echo "greenroom: $(TORCH) is required here and cannot be installed"; exit 1; \
	else \
		$(BIN)/python -m pip uninstall --quiet --yes torch; \
		echo "  without $(TORCH) the tests of the diffusion engine skip; PIP_EXTRA_INDEX_URL may name an index that has it for the processor"; fi
