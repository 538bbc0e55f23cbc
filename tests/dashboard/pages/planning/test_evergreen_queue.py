"""The evergreen queue on its page: accounts and rhythm, upcoming posts, pause and removal."""

from datetime import time, timedelta
from uuid import UUID

import pytest

from connectors.registry import loader
from dashboard.pages.planning.evergreen_queries import load_evergreen
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from gate.policy import emergency_stops
from schedules.availability import slots
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.recurrence import evergreen_planner, evergreen_pools
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def left_before(who: Agency, *bodies: str) -> None:
    """Create posts published forty days ago, and a slot on every day."""
    for body in bodies:
        who.post(body, minutes=5, state="published")
    with who.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = house_now() - interval '40 days', late_until = NULL,"
            " settled_at = house_now() - interval '40 days' WHERE tenant_id = :t",
            t=who.tenant_id,
        )
        assert who.channel_id is not None
        for weekday in range(7):
            slots.add_slot(scope, who.channel_id, weekday=weekday, clock=time(10), zone=ZONE)


def filled(who: Agency) -> list[Delivery]:
    """Fill the free slots as the worker does, and return the upcoming deliveries."""
    with who.scope() as scope:
        row = evergreen_pools.pool_of_creator(scope, who.creator_id)
        assert row is not None
        evergreen_planner.fill_free_slots(scope, row.id, connectors=loader.load_connectors())
        posts = [
            UUID(one)
            for entry in evergreen_pools.list_pool_entries(scope, row.id)
            for one in entry.wordings
        ]
        return evergreen_pools.upcoming_pool_deliveries(scope, posts)


@pytest.mark.heavy
def test_upcoming_posts_and_candidates_are_listed_once(lumiere: Agency) -> None:
    left_before(lumiere, "une vieille", "une autre", "une récente")
    with lumiere.scope() as scope:
        old, other, recent = (
            scope.run(
                "SELECT id FROM posts WHERE tenant_id = :t AND body = :b",
                t=lumiere.tenant_id,
                b=body,
            ).scalar_one()
            for body in ("une vieille", "une autre", "une récente")
        )
        scope.run(
            "INSERT INTO deliveries SELECT (jsonb_populate_record(NULL::deliveries, to_jsonb(d) "
            "|| jsonb_build_object("
            "'id', gen_random_uuid(), 'occurrence_key', n, 'due_at', d.due_at - n * interval '1 "
            "minute'))).*"
            " FROM deliveries d, generate_series(1, 5001) n WHERE d.tenant_id = :t AND d.post_id "
            "= :p",
            t=lumiere.tenant_id,
            p=other,
        )
        assert lumiere.channel_id is not None
        evergreen_pools.save_pool(
            scope,
            lumiere.creator_id,
            evergreen_pools.PoolSchedule((lumiere.channel_id,), min_age=timedelta(days=30)),
        )
        evergreen_pools.add_post_to_pool(scope, old)
    (planned,) = filled(lumiere)
    with lumiere.scope() as scope:
        found = load_evergreen(scope, tenant_reads.get_creator(scope, lumiere.creator_id))
    assert [one.delivery_id for one in found.coming] == [planned.id]
    assert {one.post_id for one in found.offered} == {other, recent}
    assert len(found.offered) == 2, "each post is listed once"


def test_queue_is_started_filled_paused_and_emptied(door: Door, lumiere: Agency) -> None:
    left_before(lumiere, "une vieille", "une autre")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        page.press("File permanente")
        page.type("Jours avant de republier", "30")
        assert "Enregistré." in page.press("Enregistrer")
        page.choose("Publication déjà publiée", "une vieille")
        assert "Ajoutée à la file" in page.press("Ajouter à la file")
        assert len(filled(lumiere)) == 1
        text = page.again()
        assert "une vieille" in text.split("À venir")[1]
        assert "File mise en pause. Publications déprogrammées : 1" in page.press("Mettre en pause")
        assert filled(lumiere) == []
        page.press("Reprendre")
        assert len(filled(lumiere)) == 1
        page.again()
        assert "Publications déprogrammées : 1" in page.press("Retirer")
    assert filled(lumiere) == []


def test_held_posts_are_listed_as_upcoming(door: Door, lumiere: Agency) -> None:
    """Regression: while a post was on hold, the page said that nothing is scheduled because all
    posts are too recent."""
    left_before(lumiere, "une vieille")
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        assert lumiere.channel_id is not None
        evergreen_pools.save_pool(
            scope,
            lumiere.creator_id,
            evergreen_pools.PoolSchedule((lumiere.channel_id,), timedelta(days=30)),
        )
        evergreen_pools.add_post_to_pool(scope, lumiere.posts[0])
    (planned,) = filled(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "programmé" in page.open("/calendar", pool="1").split("À venir")[1]
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            emergency_stops.close_switch(
                scope, "creator", str(lumiere.creator_id), "sending", reason="essai"
            )
        assert "arrêt d’urgence" in page.open("/calendar", pool="1").split("À venir")[1]
        with lumiere.scope() as scope:
            transition_delivery(
                scope,
                get_delivery(scope, planned.id),
                DeliveryState.HELD,
                reason=Message("delivery.too_late"),
            )
        assert "en attente" in page.open("/calendar", pool="1").split("À venir")[1]


def test_empty_schedule_gives_the_actual_reason(door: Door, lumiere: Agency) -> None:
    """Regression: an empty or ended queue was said to have no free slot or only recent posts."""
    left_before(lumiere, "une vieille")
    rests = "publications trop récentes"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", pool="1")
        page.press("Enregistrer")
        text = page.again()
        assert "La file est vide" in text
        assert rests not in text
        page.press("Ajouter à la file")
        text = page.again()
        assert rests in text
        with lumiere.scope() as scope:
            scope.run("UPDATE pools SET until = (house_now() - interval '3 days')::date")
        text = page.again()
        assert "La date de fin est passée" in text
        assert rests not in text


def test_wording_is_added_unless_identical(door: Door, lumiere: Agency) -> None:
    left_before(lumiere, "une vieille")
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        assert lumiere.channel_id is not None
        evergreen_pools.save_pool(
            scope,
            lumiere.creator_id,
            evergreen_pools.PoolSchedule((lumiere.channel_id,), timedelta(days=30)),
        )
        evergreen_pools.add_post_to_pool(scope, lumiere.posts[0])
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", pool="mia")
        assert "Ce texte existe déjà" in page.press("Enregistrer la variante")
        page.type("Texte", "dit autrement")
        assert "Variante ajoutée" in page.press("Enregistrer la variante")
        assert "dit autrement" in page.again()


def test_removal_of_a_live_post_mentions_the_queue(door: Door, lumiere: Agency) -> None:
    """Regression: the post was removed from the account, and a month later the queue posted it
    again."""
    left_before(lumiere, "une vieille")
    note = "retirez-la aussi de la file"
    with stream(door.url, door.cookie(lumiere)) as page:
        assert note not in page.open("/calendar", post=str(lumiere.posts[0]))
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            assert lumiere.channel_id is not None
            evergreen_pools.save_pool(
                scope,
                lumiere.creator_id,
                evergreen_pools.PoolSchedule((lumiere.channel_id,), timedelta(days=30)),
            )
            entry = evergreen_pools.add_post_to_pool(scope, lumiere.posts[0])
        assert note in page.open("/calendar", post=str(lumiere.posts[0]))
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            evergreen_pools.remove_pool_entry(scope, entry)
        assert note not in page.open("/calendar", post=str(lumiere.posts[0]))


def test_queue_is_in_english_and_explains_the_empty_state(door: Door, tenant: OpenScope) -> None:
    english = create_agency(tenant, language="en")
    english.post("one", minutes=60)
    with stream(door.url, door.cookie(english)) as page:
        text = page.open("/calendar", pool="1")
        assert "Evergreen queue" in text
        text = page.press("Save")
        assert "has no slots yet" in page.again()
        assert "Published posts can be added here" in page.again()


@pytest.mark.parametrize("asked", ["x", "../..", "mia-2"])
def test_queue_of_unknown_creators_is_hidden(door: Door, lumiere: Agency, asked: str) -> None:
    lumiere.post("une", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.may_fail = True
        assert "Comptes et fréquence" not in page.open("/calendar", pool=asked)


@pytest.mark.parametrize("role", [Role.CHATTER])
def test_roles_without_planning_rights_see_no_queue(
    door: Door, lumiere: Agency, role: Role
) -> None:
    lumiere.post("une", minutes=60)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.may_fail = True
        assert "Evergreen queue" not in page.open("/calendar", pool="1")
