"""Production can neither seed nor restore the demo."""

from pathlib import Path

import pytest

from demo.agency import lifecycle
from foundation.errors import Refused
from foundation.ops.settings import Settings


def test_production_has_no_demo(tmp_path: Path) -> None:
    production = Settings(home=tmp_path, environment="production")
    for act in (lifecycle.seed_demo, lifecycle.allow_demo):
        with pytest.raises(Refused):
            act(production)
