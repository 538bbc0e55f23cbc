"""Duplicates: reported in the composer and on the post page, and allowed by a member."""

from datetime import timedelta

from connectors.registry import loader
from foundation.db.database import OpenScope
from schedules.drafts import duplicates
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, nobody_is_asked, posts, written
from tests.dashboard.streamlit_client import stream

CONNECTORS = loader.load_connectors()


def unwanted(who: Agency, post_id: object) -> list[duplicates.DuplicatePost]:
    with who.scope() as scope:
        rows = deliveries_of_post(scope, post_id)  # type: ignore[arg-type]  # an id of ours
        return [
            like
            for row in rows
            for like in duplicates.find_delivery_duplicates(scope, row.id, connectors=CONNECTORS)
        ]


def test_duplicate_is_reported_and_may_be_scheduled(door: Door, lumiere: Agency) -> None:
    lumiere.post("Bonjour à tous", minutes=60)
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="bonjour  à TOUS")
        text = page.again()
        assert "a déjà ce texte le" in text
        assert "Voir la publication" in text
        assert "Programmé le" in page.press("Programmer")
    (post,) = posts(lumiere)
    assert len(unwanted(lumiere, post.id)) == 1, "the duplicate was not confirmed"


def test_confirmed_duplicate_is_recorded(door: Door, lumiere: Agency) -> None:
    lumiere.post("Bonjour à tous", minutes=60)
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Bonjour à tous")
        page.check("Publier quand même")
        page.press("Programmer")
    (post,) = posts(lumiere)
    assert unwanted(lumiere, post.id) == []
    with lumiere.scope() as scope:
        acts = (
            scope.run("SELECT actor FROM audit_entries WHERE act = 'delivery.repeated'")
            .scalars()
            .all()
        )
    assert acts == [lumiere.act_as(Role.OWNER)]


def test_post_held_as_duplicate_is_published_on_request(door: Door, lumiere: Agency) -> None:
    lumiere.post("Bonjour à tous", minutes=-60, state="published")
    second = lumiere.post("Bonjour à tous", minutes=60)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'held', reason = CAST(:why AS jsonb) WHERE id = :id",
            why='{"code": "delivery.repeats_words", "params": {"account": "Sandbox", "day": '
            '"01/01/2026"}}',
            id=second,
        )
        post_id = get_delivery(scope, second).post_id
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        assert "La publication aura lieu malgré le doublon" in page.press("Publier quand même")
    with lumiere.scope() as scope:
        row = get_delivery(scope, second)
        assert row.state == DeliveryState.SCHEDULED
        assert row.due_at <= scope.now + timedelta(minutes=1)


def test_platform_without_duplicates_offers_no_confirmation(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant, language="en")
    other.channel_id = connected(other, "X", "byhand", "x")
    other.post("hello", minutes=60)
    with stream(door.url, door.cookie(other)) as page:
        page.open("/calendar", new=1)
        page.type("Text", "hello")
        text = page.choose("Channels", "X")
        assert "does not accept duplicate text" in text
        assert "Publish anyway" not in text
