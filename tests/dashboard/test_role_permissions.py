"""Permissions by role: pages, links and counts contain only what a member may do."""

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies.rights import Role
from tenants.notices import notices
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import asked, word
from tests.dashboard.pages.calendar.test_page import post_of, refused
from tests.dashboard.streamlit_client import stream


def notice(who: Agency, cause: str) -> None:
    with who.scope() as scope:
        notices.put(
            scope,
            Message("gate.RATING_MISSING"),
            cause=cause,
            urgent=False,
            creator_id=who.creator_id,
        )


@pytest.mark.parametrize("name", ["new", "queue", "week", "aside", "held", "pool", "compare"])
def test_planning_page_is_refused_with_an_explanation(
    door: Door, lumiere: Agency, name: str
) -> None:
    lumiere.post("canary-de-la-semaine")
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = page.open("/calendar", **{name: "1"})
    assert word("role.forbidden.run") in text
    assert "canary-de-la-semaine" not in text


@pytest.mark.parametrize(
    ("cause", "href", "open_to"),
    [
        ("pause:x", "/calendar?queue=1", {Role.OWNER}),
        ("waiting:x", "/calendar?held=1", {Role.OWNER}),
        ("apart:3", "/calendar?queue=3", {Role.OWNER}),
        ("statement:x", "/shop?view=books", {Role.OWNER}),
    ],
)
def test_notice_links_only_where_the_member_may_go(
    door: Door, lumiere: Agency, cause: str, href: str, open_to: set[Role]
) -> None:
    notice(lumiere, cause)
    for role in (Role.OWNER, Role.CREATOR):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            assert (f'href="{href}"' in page.open("/")) == (role in open_to), role


def test_empty_day_suggests_a_post_only_to_planners(door: Door, lumiere: Agency) -> None:
    for role in (Role.OWNER, Role.CREATOR):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            assert ("/calendar?new=1" in page.open("/")) == (role is Role.OWNER), role


def test_problems_for_others_are_shown_but_not_counted(door: Door, lumiere: Agency) -> None:
    refused(lumiere, "canary-refusée")
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        text = page.open("/")
    assert word("dashboard.waits_none", "en") in text
    assert word("home.others", "en") in text
    assert "canary-refusée" in text
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/")
    assert word("dashboard.waits_one") in text
    assert word("home.others") not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("state", "why"),
    [(DeliveryState.HELD, "delivery.too_late"), (DeliveryState.FAILED, "attempt.unexplained")],
)
def test_creator_sees_that_others_decide(
    door: Door, tenant: OpenScope, language: str, state: DeliveryState, why: str
) -> None:
    who = create_agency(tenant, language=language)
    delivery_id = who.post("arrêtée", minutes=-2, state="publishing")
    with who.scope() as scope:
        transition_delivery(scope, get_delivery(scope, delivery_id), state, reason=Message(why))
    for role, code in ((Role.CREATOR, "others"), (Role.MANAGER, str(state))):
        with stream(door.url, door.cookie(who, role)) as page:
            text = page.open("/calendar", post=post_of(who, delivery_id))
        assert word(f"calendar.next.{code}", language) in text, role


def test_draft_links_to_approvals_for_approvers(door: Door, lumiere: Agency) -> None:
    post_id, _ = asked(lumiere, "à approuver")  # by the manager
    for role in (Role.CREATOR, Role.OWNER, Role.MANAGER):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            text = page.open("/calendar", post=post_id)
        assert ('<a href="/approvals"' in text) == (role is not Role.MANAGER), role
