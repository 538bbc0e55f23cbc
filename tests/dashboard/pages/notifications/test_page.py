"""Notifications: the bell and the list show a member's open items and link to their remedies; each
member reads them separately and chooses routes, quiet hours and muted creators."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from foundation.i18n.translation import LANGUAGES, Message, render_message
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Right, Role, has_right
from tenants.notices import member_notices, notices, preferences
from tenants.notices.preferences import NotificationPreferences, Route
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream


def put(who: Agency, cause: str, *, urgent: bool = False, creator: UUID | None = None) -> str:
    with who.scope() as scope:
        message = Message("channel.notice_gone", {"account": f"canary-{cause}"})
        creator_id = creator or who.creator_id
        notices.put(scope, message, cause=cause, urgent=urgent, creator_id=creator_id)
    return f"canary-{cause}"


def unread(who: Agency, role: Role = Role.OWNER) -> int:
    with who.scope() as scope:
        return member_notices.count_unread(scope, tenant_reads.get_member(scope, who.members[role]))


@pytest.fixture
def page(door: Door, lumiere: Agency) -> Iterator[Stream]:
    with stream(door.url, door.cookie(lumiere)) as opened:
        yield opened


def test_items_are_listed_unread_first_and_link_to_their_remedy(
    page: Stream, lumiere: Agency
) -> None:
    delivery = lumiere.post("Bonjour à tous", state="failed")
    put(lumiere, f"delivery:{delivery}", urgent=True)
    first = put(lumiere, "channel:1")
    text = page.open("/notifications")
    assert "Bonjour à tous" in text
    assert f"/calendar?post={lumiere.posts[0]}&amp;notice=" in text
    assert 'href="/channels?notice=' in text
    page.press("Marquer comme lu")  # the newest item
    text = page.again()
    assert text.index("Bonjour à tous") < text.index(first)
    assert unread(lumiere) == 1
    page.press("Tout marquer comme lu")
    assert unread(lumiere) == 0
    assert first in page.again()


def test_opening_the_link_of_an_item_reads_it(page: Stream, lumiere: Agency) -> None:
    put(lumiere, "channel:1")
    with lumiere.scope() as scope:
        (notice,) = scope.run("SELECT id FROM notices WHERE cause = 'channel:1'").scalars()
    page.open("/channels", notice=str(uuid4()))
    page.open("/channels", notice="'; DROP TABLE notices")
    assert unread(lumiere) == 1
    page.open("/channels", notice=str(notice))
    assert unread(lumiere) == 0


def test_resolved_item_disappears_and_a_repeated_failure_is_one_item_with_a_count(
    page: Stream, lumiere: Agency
) -> None:
    text = put(lumiere, "channel:1")
    page.open("/notifications")
    page.press("Tout marquer comme lu")
    with lumiere.scope() as scope:
        notices.close(scope, "channel:1")
    assert text not in page.again()
    put(lumiere, "channel:1")
    drawn = page.again()
    assert drawn.count(text) == 1
    assert "× 2" in drawn
    assert unread(lumiere) == 1


def test_each_member_reads_separately_and_sees_only_their_role_and_creators(
    door: Door, lumiere: Agency
) -> None:
    with lumiere.scope() as scope:
        zoe = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=("fr",)
        )
        member = tenant_reads.get_member(scope, lumiere.members[Role.CHATTER])
        assert member.works_for("zoe") is not bool(member.creators)
        scope.run(
            "UPDATE members SET creators = '[\"zoe\"]' WHERE id = :id",
            id=lumiere.members[Role.CHATTER],
        )
    mine = put(lumiere, "chat:1", creator=zoe)
    theirs = put(lumiere, "chat:2")
    money = put(lumiere, "payment:1", creator=zoe)
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        text = page.open("/notifications")
    assert mine in text
    assert theirs not in text
    assert money not in text
    with lumiere.scope() as scope:
        chatter = tenant_reads.get_member(scope, lumiere.members[Role.CHATTER])
        ids = [one.id for one in member_notices.list_notifications(scope, chatter)]
        owner = tenant_reads.get_member(scope, lumiere.members[Role.OWNER])
        every = [one.id for one in member_notices.list_notifications(scope, owner)]
        assert member_notices.mark_read(scope, chatter, every) == len(ids) == 1
    assert (unread(lumiere), unread(lumiere, Role.CHATTER)) == (3, 0)


def test_choices_are_saved_and_a_refused_form_keeps_what_was_typed(
    page: Stream, lumiere: Agency
) -> None:
    page.open("/notifications", section="settings")
    page.choose("Publications", "Application", "Telegram")
    page.choose("Messages", nth=0)
    page.type("Heures calmes à partir de", "22:00")
    text = page.press("Enregistrer")
    assert "Indiquez le début et la fin des heures calmes" in text
    page.type("Heures calmes jusqu’à", "07:30")
    page.choose("Résumé quotidien", "23:00")
    assert "tombe pendant les heures calmes" in page.press("Enregistrer")
    page.choose("Résumé quotidien", "08:00")
    assert "Réglages des notifications enregistrés" in page.press("Enregistrer")
    with lumiere.scope() as scope:
        found = preferences.get_preferences(scope, lumiere.members[Role.OWNER])
    assert found.routes["posts"] == {Route.APP, Route.TELEGRAM}
    assert found.routes["messages"] == frozenset()
    assert (found.quiet_from, found.quiet_until, found.digest_hour) == (1320, 450, 8)


def test_muted_kinds_and_creators_are_not_listed_but_emergency_stops_are(
    page: Stream, lumiere: Agency
) -> None:
    owner = lumiere.members[Role.OWNER]
    texts = [put(lumiere, cause) for cause in ("job:1", "channel:1", "switch:tenant:")]
    off = {kind: frozenset[Route]() for kind in ("studio", "stops")}
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        preferences.set_preferences(scope, owner, NotificationPreferences(off))
    shown = page.open("/notifications")
    assert [one in shown for one in texts] == [False, True, True]
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        muted = NotificationPreferences(muted_creators=frozenset({lumiere.creator_id}))
        preferences.set_preferences(scope, owner, muted)
    shown = page.again()
    assert [one in shown for one in texts] == [False, False, True]


def test_item_that_only_informs_is_not_on_home_and_ends_when_it_is_old(
    page: Stream, lumiere: Agency
) -> None:
    with lumiere.scope() as scope:
        message = Message("refund.notice", {"amount": "12,34 EUR"})
        creator = lumiere.creator_id
        notices.put(scope, message, cause="refund:1", creator_id=creator, informs=True)
    text = render_message(message, "fr")
    assert text in page.open("/notifications")
    assert text not in page.open("/")
    with lumiere.scope() as scope:
        notices.close_old_information(scope)
    assert text in page.open("/notifications")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE notices SET updated_at = house_now() - interval '15 days'"
            " WHERE tenant_id = :t AND cause = 'refund:1'",
            t=lumiere.tenant_id,
        )
        notices.close_old_information(scope)
    assert text not in page.open("/notifications")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_chooses_its_notifications(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        section = page.open("/notifications", section="settings")
    texts = [render_message(Message("notifications.safety_passes"), one) for one in LANGUAGES]
    assert any(one in section for one in texts)
    kinds = [render_message(Message("notification.kind.money"), one) for one in LANGUAGES]
    assert any(one in section for one in kinds) == has_right(role, Right.MONEY)
