"""Functions that tests run in a child process."""

import os
from collections.abc import Mapping
from threading import Event
from typing import Any

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


def fail_at_some_texts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the estimates of texts, all neutral. The process ends at the text "fails"."""
    if "fails" in payload["texts"]:
        os._exit(1)
    figures = ("accuracy", "baseline_accuracy", "clear_accuracy", "clear_share", "unclear_below")
    card = {"method": "sentiment", "baseline": "baseline", "tested": 10} | dict.fromkeys(figures, 1)
    return {"card": card, "texts": [("neutral", 0.9, 0.1) for _ in payload["texts"]]}
