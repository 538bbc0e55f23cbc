"""Posts that come back, on their page: where and how often, what comes next, paused and taken
out."""

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
    """Posts that left forty days ago, and an account with an hour each day."""
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
    """What the house plans a moment later."""
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
def test_what_comes_is_told_beside_whatever_left_before(lumiere: Agency) -> None:
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
    assert len(found.offered) == 2, "each once"


def test_a_pool_is_begun_filled_paused_and_emptied(door: Door, lumiere: Agency) -> None:
    left_before(lumiere, "une vieille", "une autre")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        page.press("Ce qui revient")
        page.type("La même publication revient", "30")
        assert "Noté" in page.press("Enregistrer")
        page.choose("Une publication déjà partie", "une vieille")
        assert "revient désormais" in page.press("La faire revenir")
        assert len(filled(lumiere)) == 1
        text = page.again()
        assert "une vieille" in text.split("Ce qui vient")[1]
        assert "En pause. Retirées du calendrier : 1" in page.press("Mettre en pause")
        assert filled(lumiere) == []
        page.press("Reprendre")
        assert len(filled(lumiere)) == 1
        page.again()
        assert "Ôtées du calendrier : 1" in page.press("Retirer")
    assert filled(lumiere) == []


def test_what_waits_for_a_decision_is_listed_too(door: Door, lumiere: Agency) -> None:
    """While a post of the pool was on hold its page said that nothing was planned, as if everything
    rested."""
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
        assert "programmé" in page.open("/calendar", pool="1").split("Ce qui vient")[1]
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            emergency_stops.close_switch(
                scope, "creator", str(lumiere.creator_id), "sending", reason="essai"
            )
        assert "arrêt d’urgence" in page.open("/calendar", pool="1").split("Ce qui vient")[1]
        with lumiere.scope() as scope:
            transition_delivery(
                scope,
                get_delivery(scope, planned.id),
                DeliveryState.HELD,
                reason=Message("delivery.too_late"),
            )
        assert "en attente" in page.open("/calendar", pool="1").split("Ce qui vient")[1]


def test_why_nothing_comes_is_said_as_it_is(door: Door, lumiere: Agency) -> None:
    """An empty pool, and one whose last day was over, were said to have no free slot or to rest."""
    left_before(lumiere, "une vieille")
    rests = "tout se repose encore"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", pool="1")
        page.press("Enregistrer")
        text = page.again()
        assert "Rien n’est dedans" in text
        assert rests not in text
        page.press("La faire revenir")
        text = page.again()
        assert rests in text
        with lumiere.scope() as scope:
            scope.run("UPDATE pools SET until = (house_now() - interval '3 days')::date")
        text = page.again()
        assert "Son dernier jour est passé" in text
        assert rests not in text


def test_another_wording_is_added_and_the_same_one_is_not(door: Door, lumiere: Agency) -> None:
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
        assert "ce texte y est déjà" in page.press("Ajouter cette version")
        page.type("Texte", "dit autrement")
        assert "elle prend son tour" in page.press("Ajouter cette version")
        assert "dit autrement" in page.again()


def test_what_comes_back_says_so_where_it_is_taken_away(door: Door, lumiere: Agency) -> None:
    """Readers were said to see it no more, and a month later the pool posted it once more."""
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


def test_a_pool_is_read_in_english_and_teaches_when_empty(door: Door, tenant: OpenScope) -> None:
    english = create_agency(tenant, language="en")
    english.post("one", minutes=60)
    with stream(door.url, door.cookie(english)) as page:
        text = page.open("/calendar", pool="1")
        assert "Posts that come back" in text
        text = page.press("Keep")
        assert "has no time slots yet" in page.again()
        assert "Posts that left can be put in here" in page.again()


@pytest.mark.parametrize("asked", ["x", "../..", "mia-2"])
def test_another_creators_pool_is_not_there(door: Door, lumiere: Agency, asked: str) -> None:
    lumiere.post("une", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.may_fail = True
        assert "Où et à quel rythme" not in page.open("/calendar", pool=asked)


@pytest.mark.parametrize("role", [Role.CHATTER])
def test_who_may_not_plan_sees_none(door: Door, lumiere: Agency, role: Role) -> None:
    lumiere.post("une", minutes=60)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.may_fail = True
        assert "Posts that come back" not in page.open("/calendar", pool="1")
