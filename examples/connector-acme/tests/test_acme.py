"""Test Acme with every rule of the conformance suite, under every fault."""

import acme_fake
import pytest

from connectors.conformance import rules


@pytest.mark.parametrize("rule", rules.ALL_RULES)
def test_rule(rule: str) -> None:
    with acme_fake.world() as world:
        assert rules.ALL_RULES[rule](world, world.connector) == []
