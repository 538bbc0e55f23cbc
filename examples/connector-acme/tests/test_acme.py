"""Acme keeps every rule of the contract, on every bad day."""

import acme_fake
import pytest

from connectors.suite import rules


@pytest.mark.parametrize("rule", rules.EVERY)
def test_rule(rule: str) -> None:
    with acme_fake.world() as world:
        assert rules.EVERY[rule](world, world.connector) == []
