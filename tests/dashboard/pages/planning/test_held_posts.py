"""Posts on hold, on their page and among the bulk moves: previewed line by line, then published or
cancelled together."""

from uuid import UUID

from foundation.i18n.translation import Message
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def held(who: Agency, *bodies: str) -> list[UUID]:
    """Create posts that are on hold because they were too late."""
    ids = [who.post(body, minutes=30) for body in bodies]
    with who.scope() as scope:
        for one in ids:
            deliveries.cancel_wakeups(scope, one)
            transition_delivery(
                scope,
                get_delivery(scope, one),
                DeliveryState.HELD,
                reason=Message("delivery.too_late"),
            )
    return ids


def states(who: Agency, ids: list[UUID]) -> set[str]:
    with who.scope() as scope:
        return {get_delivery(scope, one).state for one in ids}


def test_held_posts_are_previewed_and_published(door: Door, lumiere: Agency) -> None:
    ids = held(lumiere, "la première", "la deuxième <b>")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", held="1")
        assert "la première" in text
        assert "la deuxième &lt;b&gt;" in text
        assert "Publiées comme indiqué : 2." in page.press("Publier comme indiqué")
        assert "Aucune publication en attente" in page.open("/calendar", held="1")
    assert states(lumiere, ids) == {DeliveryState.SCHEDULED}


def test_held_posts_are_cancelled_among_bulk_moves(door: Door, lumiere: Agency) -> None:
    ids = held(lumiere, "une", "deux", "trois")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=str(lumiere.channel_id))
        with lumiere.scope() as scope:
            name = tenant_reads.get_creator(scope, lumiere.creator_id).name
        assert "annulée" in page.choose(f"{name} : publications en attente (3)", "Les annuler")
        assert "Annulées : 3." in page.press("Annuler comme indiqué")
    assert states(lumiere, ids) == {DeliveryState.CANCELLED}


def test_creators_and_other_agencies_cannot_act_on_held_posts(door: Door, lumiere: Agency) -> None:
    held(lumiere, "secret")
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        page.open("/calendar", held="1")
        assert "Publier comme indiqué" not in page.labels()
    other = create_agency(door.tenant)
    with stream(door.url, door.cookie(other)) as page:
        assert "secret" not in page.open("/calendar", held="1")
