"""One suite for every connector of the registry, on every kind of account its platform has."""

import pytest

from connectors import registry
from connectors.suite import rules
from tests.contract.worlds import KINDS, Fakes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("day", rules.TRANSIENT)
def test_once(platforms: Fakes, kind: str, day: str) -> None:
    world = platforms.world(kind)
    assert rules.once(world, world.connector, day) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule(platforms: Fakes, kind: str, rule: rules.Rule) -> None:
    world = platforms.world(kind)
    assert rule(world, world.connector) == []


def test_every_connector_has_its_world(platforms: Fakes) -> None:
    """A connector without the contract suite does not land; what hands over sends nothing a fake could take in, and is
    told by `tests/connectors/test_byhand.py` and the journey of a task."""
    worlds = {platforms.world(kind).connector.capabilities.platform for kind in KINDS}
    sending = {name for name, one in registry.load().items() if not one.capabilities.hand_over}
    assert worlds == sending
