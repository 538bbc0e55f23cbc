"""Credit card checks count as age assurance only where the row of the jurisdiction allows them."""

from itertools import product

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.contract.facts import is_card_check
from gate.policy import active_policy
from gate.viewers import age_assurance
from tests.gate.builders import World, world


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


@pytest.mark.parametrize(
    ("method", "is_card"),
    [
        ("yoti.credit_card", True),
        ("credit_card", True),
        ("yoti.debit_card", False),
        ("yoti.prepaid_card", False),
        ("stars", False),
        ("credit_card.yoti", False),
        ("", False),
    ],
)
def test_only_credit_card_methods_are_card_checks(method: str, is_card: bool) -> None:
    assert is_card_check(method) is is_card


METHODS = ("yoti.credit_card", "yoti.debit_card", "yoti.doc_scan")
PLACES = ("GB", "EU", "US-TX", "default", "", "XX")


def test_card_check_verifies_age_where_allowed(here: World) -> None:
    cases = list(product(METHODS, ("L1", "L2", "L3", "L4"), PLACES))
    with here.scope() as scope:
        for number, (method, level, jurisdiction) in enumerate(cases):
            age_assurance.record_assurance(
                scope,
                platform="telegram",
                user_id=f"fan{number}",
                method=method,
                assured_level=level,
                over_18=True,
                environment="",
                jurisdiction=jurisdiction,
            )
        opens = {
            f"fan{number}"
            for number, (method, level, jurisdiction) in enumerate(cases)
            if level == "L4" or (jurisdiction == "GB" and method == "yoti.credit_card")
        }
        assert active_policy.current_bundle(scope).card_checks == {"GB"}
        assert set(age_assurance.list_verified_adults(scope, "telegram")) == opens
