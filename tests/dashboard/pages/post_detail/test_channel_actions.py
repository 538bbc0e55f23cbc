"""The page of a post by account: adding an account, rescheduling one, and the late limit."""

from datetime import timedelta
from uuid import UUID

from foundation.ops.wall_time import to_wall_time
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import stream


def two_accounts(lumiere: Agency) -> tuple[str, UUID]:
    """Create a post scheduled on one account, and connect another account."""
    lumiere.post("Bonjour", minutes=90)
    return str(lumiere.posts[0]), connected(lumiere, "Autre")


def test_added_account_needs_separate_approval(door: Door, lumiere: Agency) -> None:
    post_id, second = two_accounts(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.choose("Compte", "Autre")
        assert "une fois validée" in page.press("Ajouter le compte")
    with lumiere.scope() as scope:
        states = {
            row.channel_id: row.state for row in deliveries.deliveries_of_post(scope, UUID(post_id))
        }
    assert states == {lumiere.channel_id: DeliveryState.SCHEDULED, second: DeliveryState.DRAFT}


def test_removed_account_is_added_again(door: Door, lumiere: Agency) -> None:
    post_id, second = two_accounts(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.choose("Compte", "Autre")
        page.press("Ajouter le compte")
        with lumiere.scope() as scope:
            there = {
                row.channel_id: row.id
                for row in deliveries.deliveries_of_post(scope, UUID(post_id))
            }
            deliveries.cancel_delivery(scope, there[second])
        page.open("/calendar", post=post_id)
        page.choose("Compte", "Autre")
        page.press("Ajouter le compte")
    with lumiere.scope() as scope:
        rows = [
            row
            for row in deliveries.deliveries_of_post(scope, UUID(post_id))
            if row.channel_id == second
        ]
    assert sorted(row.state for row in rows) == [DeliveryState.CANCELLED, DeliveryState.DRAFT]


def test_one_account_is_rescheduled_alone(door: Door, lumiere: Agency) -> None:
    post_id, second = two_accounts(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.choose("Compte", "Autre")
        page.press("Ajouter le compte")
        with lumiere.scope() as scope:
            before = {
                row.channel_id: row.due_at
                for row in deliveries.deliveries_of_post(scope, UUID(post_id))
            }
        later = to_wall_time(before[second], ZONE).day + timedelta(days=3)
        page.open("/calendar", post=post_id)
        page.type("Date sur Autre (JJ/MM/AAAA)", f"{later:%d/%m/%Y}")
        assert "Reprogrammé" in page.press("Reprogrammer sur Autre")
    with lumiere.scope() as scope:
        after = {
            row.channel_id: row.due_at
            for row in deliveries.deliveries_of_post(scope, UUID(post_id))
        }
    assert after[second].date() != before[second].date()
    assert {key: at for key, at in after.items() if key != second} == {
        key: at for key, at in before.items() if key != second
    }


def test_two_accounts_due_in_the_same_second_are_in_every_view(door: Door, lumiere: Agency) -> None:
    """Regression: a post sent by a program to two accounts at once broke the view of that week."""
    first = lumiere.post("Bonjour", minutes=90)
    with lumiere.scope() as scope:
        row = get_delivery(scope, first)
        at = to_wall_time(row.due_at.replace(microsecond=0) + timedelta(milliseconds=300), ZONE)
        deliveries.create_delivery(scope, row.post_id, connected(lumiere, "Autre"), at=at)
        row.due_at = row.due_at.replace(microsecond=0)
        day = str(to_wall_time(row.due_at, ZONE).day)
    with stream(door.url, door.cookie(lumiere)) as page:
        for view in ("day", "week", "month", "list", "quarter"):
            assert "Bonjour" in page.open("/calendar", view=view, day=day)


def test_late_limit_is_changed(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("Bonjour", minutes=90)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=str(lumiere.posts[0]))
        page.choose("Ne plus publier après un retard de", "Sans limite")
        assert "Retard maximal modifié" in page.press("Enregistrer le retard")
    with lumiere.scope() as scope:
        assert get_delivery(scope, delivery_id).late_until is None
        assert get_delivery(scope, delivery_id).state == DeliveryState.SCHEDULED
