"""In production there is no demonstration, nor anything of it to take away."""

from pathlib import Path

import pytest

from foundation.errors import Refused
from foundation.settings import Settings
from workers import demo


def test_production_has_no_demo(tmp_path: Path) -> None:
    production = Settings(home=tmp_path, environment="production")
    for act in (demo.seed, demo.remove, demo.restore):
        with pytest.raises(Refused):
            act(production)
