"""The offer to require approvals, on Home and Team: answered with one click, then gone."""

import pytest

from schedules.approvals import approval_policy
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_bulk_approval import word
from tests.dashboard.streamlit_client import stream


@pytest.mark.parametrize(
    ("path", "button", "tiers"),
    [("/team", "rule.offer_accept", 1), ("/", "rule.offer_decline", 0)],
)
def test_owner_answers_the_offer_once(
    door: Door, lumiere: Agency, path: str, button: str, tiers: int
) -> None:
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        approval_policy.change_approval_policy(scope, lumiere.creator_id, tiers=0, times=False)
    accept = word("rule.offer_accept")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert accept not in page.open("/")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("rule.offer", names="Mia") in page.open(path)
        page.press(word(button))
        for other in ("/", "/team"):
            assert accept not in page.open(other)
    with lumiere.scope() as scope:
        assert queries.get_creator(scope, lumiere.creator_id).approval_tiers == tiers
