"""The child process of `child_process.run_in_child`: it calls one function and writes its result.

The traceback of an unexpected error goes to the process's own log, which is deleted with its
folder; only the name of the error is returned, because the text may contain data.
"""

import importlib
import json
import os
import sys
import traceback
import warnings
from pathlib import Path

from foundation.errors import GreenroomError

NICENESS = 10
"""Predictions have a lower priority than everything that a member or a fan waits for."""


def run_function() -> None:
    """Call the function named by the first argument with `payload` of the current folder."""
    os.nice(NICENESS)
    packages = sys.argv[2]
    if packages:
        # After the environment's own packages, so that both processes use the same pandas.
        sys.path.append(packages)
    warnings.simplefilter("ignore")
    module, _, name = sys.argv[1].partition(":")
    answer: dict[str, object]
    try:
        payload = json.loads(Path("payload").read_text("utf-8"))
        answer = {"result": getattr(importlib.import_module(module), name)(payload)}
    except GreenroomError as error:
        answer = {
            "error": type(error).__name__,
            "code": error.message.code,
            "params": dict(error.message.params),
        }
    except Exception as error:
        traceback.print_exc()
        answer = {"failure": type(error).__name__}
    Path("result").write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    run_function()
