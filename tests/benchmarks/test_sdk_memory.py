"""Client libraries in a sending process: which it loads, and the memory that they need."""

from itertools import pairwise

import pytest

from benchmarks.sdk_memory import PLATFORM_SDKS, start_sender
from connectors.registry.loader import load_builtin_connectors

MAX_GROWTH_MIB = 50


@pytest.mark.slow
def test_sender_loads_each_sdk_with_its_first_request_and_grows_little() -> None:
    """The code of a sender and the connectors without an SDK load none."""
    others = sorted(load_builtin_connectors().keys() - PLATFORM_SDKS.keys())
    stages = start_sender(*others, *PLATFORM_SDKS)
    assert {stage.sdks for stage in stages[: 1 + len(others)]} == {frozenset()}
    for before, after in pairwise(stages[len(others) :]):
        assert after.sdks - before.sdks == PLATFORM_SDKS[after.platform]
    assert stages[-1].pss_mib - stages[0].pss_mib <= MAX_GROWTH_MIB
