"""The quick benchmark of the connectors: every figure is reported, and no connector loads an SDK."""

from math import isfinite
from pathlib import Path

import pytest

from benchmarks import connector_overhead
from foundation.db.database import OpenScope


@pytest.mark.nightly
@pytest.mark.slow
def test_every_way_of_posting_is_measured(tenant: OpenScope, tmp_path: Path) -> None:
    found = connector_overhead.measure_sends(
        connector_overhead.mint_posts(tenant, 4), tmp_path / "home", warm=1
    )
    assert found.keys() == {
        "send_p50_ms",
        "bare_p50_ms",
        "fresh_p50_ms",
        "send_over_bare",
        "send_over_fresh",
        "connector_us",
        "permit_us",
    }
    assert all(
        isinstance(value, float) and isfinite(value) and value > 0 for value in found.values()
    )


@pytest.mark.slow
def test_loading_every_connector_loads_no_sdk() -> None:
    found = connector_overhead.measure_interpreter_starts(1)
    assert found.keys() == {
        "registry_import_ms",
        "registry_load_ms",
        "sdks_loaded",
        "idle_mib",
        "bare_mib",
    }
    assert all(isinstance(value, float) and isfinite(value) for value in found.values())
    assert found["sdks_loaded"] == 0
    assert found["idle_mib"] > found["bare_mib"] > 0


def test_imported_sdk_is_counted() -> None:
    _, none = connector_overhead.measure_memory("")
    _, one = connector_overhead.measure_memory("import mastodon")
    assert (none, one) == (0, 1)
