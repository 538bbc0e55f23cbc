"""The quick benchmark of texts: both servers respond, and each figure is reported."""

from math import isfinite
from pathlib import Path

import pytest

from benchmarks import text_overhead


@pytest.mark.nightly
@pytest.mark.slow
def test_both_model_servers_are_measured(tmp_path: Path) -> None:
    found = text_overhead.measure_rounds(tmp_path, 2)
    assert found.keys() == {"text_tokens_per_s", "bare_tokens_per_s", "text_ratio"}
    assert all(isfinite(value) and value > 0 for value in found.values())
