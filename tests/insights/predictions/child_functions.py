"""Functions that tests run in a child process."""

import os
from collections.abc import Mapping
from threading import Event

from foundation.errors import BadInput


def describe_environment(payload: Mapping[str, int]) -> dict[str, object]:
    import scipy

    secrets = [name for name in os.environ if name.startswith("GREENROOM_TENANTS")]
    return {"number": payload["number"], "secrets": secrets, "scipy": bool(scipy.__version__)}


def refuse_input(_payload: Mapping[str, int]) -> None:
    raise BadInput("evaluate.no_rows")


def exhaust_memory(_payload: Mapping[str, int]) -> None:
    bytearray(8 * 2**30)


def never_end(_payload: Mapping[str, int]) -> None:
    Event().wait(60)
