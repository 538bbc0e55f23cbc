"""The example of a third-party connector follows every rule and matches the output of the scaffold
command."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from connectors.conformance import rules
from gate.policy import bundle, plugin_place_rules
from tests.fakes.installed_packages import EXAMPLE
from workers.cli.platforms import connector_scaffold

FAKE = "tests/acme_fake.py"
CONNECTOR = "acme_greenroom/connector.py"
MOST_LINES = 200


@pytest.fixture(scope="module")
def fake() -> Iterator[ModuleType]:
    """Load the example's fake from its path, without installing the package."""
    sys.path.insert(0, str(EXAMPLE))
    spec = importlib.util.spec_from_file_location("acme_fake", EXAMPLE / FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(EXAMPLE))
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_greenroom"]:
        del sys.modules[name]


@pytest.mark.parametrize("rule", rules.ALL_RULES)
def test_example_follows_rule(fake: ModuleType, rule: str) -> None:
    with fake.world() as world:
        assert rules.ALL_RULES[rule](world, world.connector) == []


def test_example_runs_every_rule() -> None:
    assert len(rules.ALL_RULES) == len(rules.CORE_RULES) + len(rules.TRANSIENT_FAULTS)


def test_example_connector_is_short() -> None:
    assert len((EXAMPLE / CONNECTOR).read_text("utf-8").splitlines()) < MOST_LINES


def test_scaffold_command_writes_the_files_around_the_connector() -> None:
    """The connector, its policy rows and its texts are written by the developer of the plugin."""
    written = connector_scaffold.scaffold_files("acme")
    for place in ("pyproject.toml", "acme_greenroom/__init__.py", FAKE, "tests/test_acme.py"):
        assert written[place] == (EXAMPLE / place).read_text("utf-8"), place
    there = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*") if path.is_file()}
    there = {name for name in there if "__pycache__" not in name}
    assert there - written.keys() == {"README.md", "acme_greenroom/rows.json"}
    assert written.keys() - there == set()


def test_signed_policy_rows_match_the_readable_file() -> None:
    document = (EXAMPLE / "acme_greenroom/rows.json").read_bytes()
    rows = plugin_place_rules.verify_rules(document, bundle.shipped_bundle())
    assert json.loads(document)["rows"] == (EXAMPLE / "rows.yaml").read_text("utf-8")
    assert [row.id for row in rows.rows] == ["acme.post"]
