"""Entry point of one process: `python -m workers.run NAME` runs its main function from the process
table until SIGTERM.

With `--step` it runs a function once and writes its result as one JSON line: `{"result": …}`, or
the error as `{"code": …, "params": …}`. Output on stderr is written to the process's log.
"""

import argparse
import ctypes
import gc
import importlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from foundation.errors import GreenroomError
from foundation.i18n.translation import render_message
from foundation.ops import health_endpoint, telemetry
from foundation.ops.settings import (
    Settings,
    is_fixed_by_environment,
    load_settings,
    terminal_language,
)
from workers.runtime import listening_socket

_PR_SET_NAME = 15
METRICS_PORT_VARIABLE = "GREENROOM_WORKERS__METRICS_PORT"


def resolve_function(path: str) -> Callable[[Settings], Any]:
    """Return the function that "module:attr" names. Raises ImportError or AttributeError if the
    process table is wrong."""
    module, _, attribute = path.partition(":")
    function: Callable[[Settings], Any] = getattr(importlib.import_module(module), attribute)
    return function


def _load_function(path: str) -> Callable[[Settings], Any]:
    """Load a function and exclude everything it imports from garbage collection.

    Imported modules never become garbage, and searching them took a third of a start: the processor
    time of the publishing process fell from 4.7 s to 3.4 s. Frozen objects are not searched later
    either.
    """
    gc.disable()
    try:
        return resolve_function(path)
    finally:
        gc.freeze()
        gc.enable()


def main(words: Sequence[str] | None = None) -> None:
    """Parse the command line (`words` in a forked process), run the process, and exit with the exit
    code of its error."""
    parser = argparse.ArgumentParser(prog="python -m workers.run")
    parser.add_argument("name")
    parser.add_argument("main", nargs="?", default="")
    parser.add_argument("--door", type=int, help="descriptor of a listening socket")
    parser.add_argument("--step", action="store_true", help="run once and write the result as JSON")
    parser.add_argument(
        "--probes",
        type=int,
        help=f"port of its figures and probes; {METRICS_PORT_VARIABLE} if left out",
    )
    given = parser.parse_args(words)
    _set_up_process(given.name)
    if given.door is not None:
        listening_socket.adopt_socket(given.door)
    if given.step:
        sys.exit(_run_step(given.main))
    sys.exit(_run_process(given.main or _main_of(given.name), given.probes))


def _set_up_process(name: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_NAME, f"gr-{name}".encode()[:15])
    telemetry.configure_logging(name)
    signal.signal(signal.SIGTERM, _exit_on_signal)


def _exit_on_signal(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)  # mains that must finish work set another handler


def _main_of(name: str) -> str:
    # A child receives its main as an argument and need not load the table.
    from workers.runtime.process_table import PROCESS_TABLE  # noqa: PLC0415  see above

    mains = {row.name: row.main for row in PROCESS_TABLE}
    if name not in mains:
        sys.exit(f"{name}: one of {', '.join(mains)}")
    return mains[name]


def _run_process(path: str, probes: int | None) -> int:
    settings = load_settings()
    telemetry.record_build_info()
    if probes is None:  # started manually or in a container: the configured port, otherwise none
        probes = (
            settings.workers.metrics_port if is_fixed_by_environment(METRICS_PORT_VARIABLE) else 0
        )
    health_endpoint.serve_health_if_free(probes, host=settings.workers.metrics_host)
    try:
        _load_function(path)(settings)
    except GreenroomError as error:
        print(render_message(error.message, terminal_language()), file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def _run_step(path: str) -> int:
    try:
        result = _load_function(path)(load_settings())
    except GreenroomError as error:
        print(json.dumps({**error.message.to_json(), "exit_code": error.exit_code}))
        return error.exit_code
    print(json.dumps({"result": result}, default=str))
    return 0


if __name__ == "__main__":
    main()
