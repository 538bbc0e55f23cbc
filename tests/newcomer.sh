#!/usr/bin/env bash
# The first quarter of an hour of a new user, in a temporary installation: start, run a day, take the tour, stop cleanly and
# start again with all data. Needs only this checkout, prints the duration of each step and exits with 0 if all succeed.
set -euo pipefail
cd "$(dirname "$0")/.."

FIRST_READY_SECONDS=300
AGAIN_READY_SECONDS=90 # the goal is 15 on two free cores, and `greenroom bench stack` measures it
DAY_SECONDS=600
TOUR_SECONDS=900 # the goal is 90 on two free cores
STOP_SECONDS=120

GREENROOM_HOME="$(mktemp -d "${TMPDIR:-/tmp}/greenroom-newcomer.XXXXXX")"
export GREENROOM_HOME
greenroom=.venv/bin/greenroom
up_pid=

say() { printf 'newcomer: %s\n' "$*"; }

failed=

fail() {
    failed="$*"
    tail -n 60 "$GREENROOM_HOME/up.log" || true
    "$greenroom" logs --lines 30 || true
    exit 1
}

cleanup() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "$up_pid" ] && kill -0 "$up_pid" 2>/dev/null; then
        "$greenroom" down --now || kill "$up_pid" || true
        wait "$up_pid" || true
    fi
    if [ -n "$failed" ]; then # printed last, so that the end of a log shows it
        grep ✗ "$GREENROOM_HOME/tour.log" 2>/dev/null || true
        say "FAILED: $failed"
    fi
    rm -rf "$GREENROOM_HOME"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

start() { # start SECONDS: make up in the background, wait until everything is ready
    local begun=$SECONDS
    make --no-print-directory up >>"$GREENROOM_HOME/up.log" 2>&1 &
    up_pid=$!
    until [ -x "$greenroom" ] && "$greenroom" status --json >"$GREENROOM_HOME/status.json" 2>/dev/null; do
        kill -0 "$up_pid" 2>/dev/null || fail "make up ended by itself"
        [ $((SECONDS - begun)) -lt "$1" ] || fail "not ready after $1 s: $(cat "$GREENROOM_HOME/status.json")"
        sleep 0.5
    done
    say "ready after $((SECONDS - begun)) s"
}

open_pages() { # every address that `greenroom status` prints must answer
    .venv/bin/python - "$GREENROOM_HOME/status.json" <<'PY' || fail "an address does not answer"
import json, sys, urllib.error, urllib.request
for name, address in json.load(open(sys.argv[1]))["addresses"].items():
    try:
        code = urllib.request.urlopen(address, timeout=20).status
    except urllib.error.HTTPError as error:
        code = error.code
    print(f"newcomer: {name} {address}: {code}")
    if code not in (200, 401, 404):  # the dashboard has no session yet, and some servers have no page at the root
        sys.exit(1)
PY
}

take_tour() { # in a headless browser
    if ! command -v chromium chromium-browser google-chrome chrome >/dev/null ||
        ! .venv/bin/python -c 'import playwright' 2>/dev/null; then
        if [ "${GREENROOM_REQUIRE_BROWSER:-}" = 1 ]; then fail "the tour needs Chromium and playwright"; fi
        say "no Chromium or no playwright here: skipping the tour"
        return
    fi
    tour || { say "a step failed; running the tour again" && tour; } || fail "greenroom demo tour, twice"
}

tour() { # its steps are idempotent
    timeout "$TOUR_SECONDS" "$greenroom" demo tour --headless --fast | tee "$GREENROOM_HOME/tour.log"
}

stop() { # as a user does, from another terminal
    local begun=$SECONDS
    timeout "$STOP_SECONDS" "$greenroom" down || fail "greenroom down"
    wait "$up_pid" || fail "make up ended with $?"
    up_pid=
    if "$greenroom" status >/dev/null; then fail "status says it runs after down"; fi
    say "stopped after $((SECONDS - begun)) s"
}

say "in $GREENROOM_HOME"
start "$FIRST_READY_SECONDS"
"$greenroom" doctor || fail "greenroom doctor"
begun=$SECONDS
timeout "$DAY_SECONDS" "$greenroom" run-day --creator mia --brief examples/mia.yaml --fast || fail "greenroom run-day"
say "the day took $((SECONDS - begun)) s"
open_pages
take_tour
stop
start "$AGAIN_READY_SECONDS"
stop
say "all went well"
