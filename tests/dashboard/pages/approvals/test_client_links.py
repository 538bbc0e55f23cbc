"""Approval links for the second approval, and the approval policy."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES
from gate.contract.units import Rating
from schedules.approvals import client_links, decisions
from schedules.posts.states import DeliveryState
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import asked, state, word
from tests.dashboard.streamlit_client import Stream, stream


def two_tiers(who: Agency) -> None:
    with who.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 2 WHERE id = :c", c=who.creator_id)


def agreed(who: Agency, post_id: UUID) -> None:
    with who.scope(who.act_as(Role.OWNER)) as scope:
        decisions.approve_post(scope, post_id, member_id=who.members[Role.OWNER])


def made(text: str) -> str:
    """Return the token of the displayed link."""
    return text.partition(client_links.CLIENT_LINK_PATH)[2][:43]


def make(page: Stream, language: str = "fr", name: str = "Anna <b>") -> str:
    page.open("/approvals")
    page.type(word("approvals.link_for", language), name)
    return page.press(word("approvals.link_make", language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_link_is_created_answered_and_reported(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    two_tiers(who)
    post_id, delivery_id = asked(who, "Le phare")
    with stream(door.url, door.cookie(who)) as page:
        page.open("/approvals")
        assert (
            word("approvals.link_make", language) not in page.labels()
        )  # the first approval comes first
        agreed(who, post_id)
        text = make(page, language)
        assert word("approvals.link_made", language) in text
        found = client_links.find_client_link(tenant, made(text))
        assert found is not None
        again = page.open("/approvals")
        assert "Anna &lt;b&gt;" in again
        with who.scope() as scope:
            client_links.open_client_link(scope, found[1], "a browser")
            client_links.answer_client_link(
                scope, found[1], "a browser", yes=False, why="picture", note="plus clair"
            )
        with stream(door.url, door.cookie(who, Role.MANAGER)) as author:
            text = author.open("/calendar", post=post_id)
            assert word("talk.wanted.change", language, who="Anna &lt;b&gt;") in text
            assert "plus clair" in text
    assert state(who, delivery_id) is DeliveryState.DRAFT


def test_link_is_revoked(door: Door, lumiere: Agency) -> None:
    two_tiers(lumiere)
    post_id, _ = asked(lumiere, "Le phare")
    agreed(lumiere, post_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        token = made(make(page))
        text = page.press(word("approvals.link_end"))
        assert word("approvals.link_ended") in text
        assert token not in text
    found = client_links.find_client_link(lumiere.open, token)
    assert found is not None
    with lumiere.scope() as scope:
        assert client_links.load_client_link(scope, found[1], "")[1] == "taken_back"


def test_refused_link_gives_its_reason(door: Door, lumiere: Agency) -> None:
    two_tiers(lumiere)
    shot = picture(door, lumiere, rating=Rating.N)
    post_id, _ = asked(lumiere, "Le phare", media=(shot,))
    agreed(lumiere, post_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("approval.link_adults") in make(page)
        assert word("approval.link_no_name", most=client_links.MAX_CLIENT_NAME_LENGTH) in make(
            page, name=" "
        )


def test_only_the_owner_changes_the_approval_policy(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("planifié", minutes=120)
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/approvals")
        assert word("rule.keep") not in page.labels()
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.choose(word("rule.of", name="Mia"), word("rule.tiers.2"))
        page.check(word("rule.times"))
        assert word("rule.kept_waiting", count=1) in page.press(word("rule.keep"))
    assert state(lumiere, delivery_id) is DeliveryState.DRAFT
    with lumiere.scope() as scope:
        found = tenant_reads.get_creator(scope, lumiere.creator_id)
    assert (found.approval_tiers, found.approve_times) == (2, True)
