"""One suite for every connector of the registry, on every kind of account its platform has."""

import pytest

from connectors import registry
from connectors.naming import Names
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


def test_every_post_can_be_named_by_its_address(platforms: Fakes) -> None:
    """Whoever says where a post in doubt stands is believed by what the platform calls it, never by a piece of text."""
    posts = [world for kind in KINDS if not (world := platforms.world(kind)).viewer]
    assert [world.name for world in posts if world.address is None] == []
    assert [name for name, one in registry.own().items() if not isinstance(one, Names)] == []
