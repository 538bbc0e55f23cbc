"""The queue page: slots, order, quiet periods, pauses, bulk moves, account failover, and the queue
in the composer."""

from datetime import date, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from channels.accounts import queries as channel_reads
from dashboard.shell.localization import MemberLocalizer
from foundation.db.database import OpenScope
from foundation.errors import GreenroomError
from foundation.ops.wall_time import WallTime, local_day
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods, slots
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import queue as queueing
from schedules.rescheduling.queue import QueueEntry
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.streamlit_client import stream


def every_day(who: Agency, channel_id: UUID, clock: time = time(10)) -> None:
    with who.scope() as scope:
        for weekday in range(7):
            slots.add_slot(scope, channel_id, weekday=weekday, clock=clock, zone=ZONE)


def filled(who: Agency, *bodies: str) -> UUID:
    """Create an account with a queue of these posts."""
    first = who.post(bodies[0], minutes=60)
    assert who.channel_id is not None
    every_day(who, who.channel_id)
    later = [who.post(body, minutes=60) for body in bodies[1:]]
    for delivery_id in (first, *later):
        with who.scope() as scope:
            queueing.queue_delivery(scope, delivery_id)
    return who.channel_id


def queue(who: Agency, channel_id: UUID) -> list[QueueEntry]:
    with who.scope() as scope:
        return queueing.list_queue_entries(scope, channel_id)


def test_slots_are_added_and_removed(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Ajoutez les créneaux" in page.open("/calendar", queue=channel_id)
        page.choose("Jours", "lundi", "jeudi")
        page.type("Heure", "9h30")
        said = page.press("Ajouter le créneau")
        assert "Créneaux ajoutés" in said
        assert "Prochain créneau libre" in said
        with lumiere.scope() as scope:
            known = slots.list_slots(scope, channel_id)
        assert [(one.weekday, one.clock, one.zone) for one in known] == [
            (0, time(9, 30), ZONE),
            (3, time(9, 30), ZONE),
        ]
        page.press("lundi 09:30")
        assert "a déjà un créneau à cette heure" in page.press("Ajouter le créneau")
    with lumiere.scope() as scope:
        assert [one.weekday for one in slots.list_slots(scope, channel_id)] == [3]


def test_slot_is_removed_with_or_without_its_posts(door: Door, lumiere: Agency) -> None:
    channel_id = filled(lumiere, "premier", "deuxième")
    before = queue(lumiere, channel_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", queue=channel_id)
        assert "Programmées à ce créneau : 1." in text
        assert "Publications déplacées : 1" in page.press(
            "Retirer le créneau et déplacer les publications aux prochains créneaux libres"
        )
        after = queue(lumiere, channel_id)
        assert {one.delivery_id for one in after} == {one.delivery_id for one in before}
        assert len({one.at for one in after} & {one.at for one in before}) == 1
        assert "Les publications programmées gardent leur heure" in page.press(
            "Retirer le créneau seulement"
        )
    assert len(queue(lumiere, channel_id)) == 1
    with lumiere.scope() as scope:
        assert len(slots.list_slots(scope, channel_id)) == 5


def test_order_is_changed_and_gaps_are_filled(door: Door, lumiere: Agency) -> None:
    channel_id = filled(lumiere, "premier", "deuxième", "troisième")
    times = [one.at for one in queue(lumiere, channel_id)]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        text = page.press("Planning de publication")
        assert "3 publications dans la file" in text
        assert "La publication ne sera pas publiée sur" in page.press("Reculer")
        assert [one.words for one in queue(lumiere, channel_id)] == [
            "deuxième",
            "premier",
            "troisième",
        ]
        assert "Son créneau est libre" in page.press("Oui, retirer de la file")
        assert [one.at for one in queue(lumiere, channel_id)] == times[1:]
        page.press("Avancer les publications")
        assert [one.at for one in queue(lumiere, channel_id)] == times[:2]
        assert "File mélangée" in page.press("Mélanger")


def test_pending_post_is_not_called_a_draft(door: Door, lumiere: Agency) -> None:
    channel_id = filled(lumiere, "premier")
    with lumiere.scope() as scope:
        scope.run("UPDATE deliveries SET state = 'draft' WHERE tenant_id = :t", t=lumiere.tenant_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", queue=channel_id)
        assert "en attente de validation" in text
        assert "Brouillon" not in text


def test_changed_queue_is_reported(door: Door, lumiere: Agency) -> None:
    channel_id = filled(lumiere, "un", "deux")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=channel_id)
        with lumiere.scope() as scope:
            at = WallTime(local_day(scope.now, ZONE) + timedelta(days=60), time(12), ZONE)
            reschedule_delivery(scope, queue(lumiere, channel_id)[0].delivery_id, at=at)
        assert "La file a changé" in page.press("Reculer")


def test_pause_is_previewed_announced_and_cancelled(door: Door, lumiere: Agency) -> None:
    channel_id = filled(lumiere, "a", "b", "c")
    before = [one.at for one in queue(lumiere, channel_id)]
    first, last = (before[0].day + timedelta(days=number) for number in (1, 2))
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=channel_id)
        page.type("Note pour l’équipe", "Mia se repose")
        page.type("Premier jour", f"{first:%d/%m/%Y}", nth=1)
        text = page.type("Dernier jour", f"{last:%d/%m/%Y}", nth=1)
        assert "2 publications à déplacer" in text
        assert "Pause programmée. Déplacées : 2" in page.press("Commencer la pause")
        assert [one.at.day for one in queue(lumiere, channel_id)][1] == last + timedelta(days=1)
        banner = page.open("/calendar", day=str(first))
        assert "Mia se repose" in banner
        page.open("/calendar", queue=channel_id)
        assert "Pause annulée. Remises à leur heure : 2" in page.press("Annuler la pause")
    assert [one.at for one in queue(lumiere, channel_id)] == before


def test_bulk_move_is_applied_and_undone(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("déplacée", minutes=30)
    assert lumiere.channel_id is not None
    with lumiere.scope() as scope:
        before = get_delivery(scope, delivery_id).wall_time
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=lumiere.channel_id)
        with lumiere.scope() as scope:
            tomorrow = local_day(scope.now, ZONE) + timedelta(days=1)
        page.type("au", f"{tomorrow:%d/%m/%Y}")
        text = page.type("Décalage en jours", "3")
        assert "1 publication à déplacer" in text
        assert "Déplacées : 1" in page.press("Reprogrammer")
        with lumiere.scope() as scope:
            assert get_delivery(scope, delivery_id).wall_time != before
        assert "Remises à leur heure : 1" in page.press("Annuler le déplacement")
        with lumiere.scope() as scope:
            assert get_delivery(scope, delivery_id).wall_time == before
        assert "n’est pas une date valide" in page.type("au", "hier")


def test_post_not_moved_back_is_named_with_its_reason(door: Door, lumiere: Agency) -> None:
    """Regression: only the number was given, without posts and reasons."""
    lumiere.post("revient", minutes=30)
    kept = lumiere.post("reste *ici*", minutes=40)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=lumiere.channel_id)
        with lumiere.scope() as scope:
            tomorrow = local_day(scope.now, ZONE) + timedelta(days=1)
        page.type("au", f"{tomorrow:%d/%m/%Y}")
        page.type("Décalage en jours", "3")
        assert "« revient »" not in page.press("Reprogrammer")
        with lumiere.scope() as scope:
            at = WallTime(tomorrow + timedelta(days=9), time(12), ZONE)
            reschedule_delivery(scope, kept, at=at)
        text = page.press("Annuler le déplacement")
        assert "Remises à leur heure : 1 ; non déplacées : 1." in text
        assert r"« reste \*ici\* » (Sandbox) : Non déplacée" in text
        assert "« revient »" not in text


def test_bulk_move_needs_a_current_preview(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("déplacée", minutes=30)
    with lumiere.scope() as scope:
        before, tomorrow = (
            get_delivery(scope, delivery_id).wall_time,
            local_day(scope.now, ZONE) + timedelta(days=1),
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=lumiere.channel_id)
        page.type("au", f"{tomorrow:%d/%m/%Y}")
        assert "1 publication à déplacer" in page.type("Décalage en jours", "1")
        assert "ont changé après l’aperçu" in page.type_and_press(
            "Décalage en jours", "3", "Reprogrammer"
        )
        with lumiere.scope() as scope:
            assert get_delivery(scope, delivery_id).wall_time == before
        assert "Déplacées : 1" in page.press("Reprogrammer")
        with lumiere.scope() as scope:
            days = date.fromisoformat(
                get_delivery(scope, delivery_id).wall_time[:10]
            ) - date.fromisoformat(before[:10])
    assert days == timedelta(days=3)


def test_bulk_move_names_the_accounts(door: Door, lumiere: Agency) -> None:
    other = connected(lumiere, name="Ailleurs")
    lumiere.post("ici", minutes=30)
    first, lumiere.channel_id = lumiere.channel_id, other
    lumiere.post("là-bas", minutes=40)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=first)
        with lumiere.scope() as scope:
            tomorrow = local_day(scope.now, ZONE) + timedelta(days=1)
        page.type("au", f"{tomorrow:%d/%m/%Y}")
        assert "Ailleurs</span>" not in page.type("Décalage en jours", "3")
        assert "Ailleurs</span>" in page.choose("S’applique à", "Tous les comptes de", nth=2)


def test_quiet_days_and_hours_are_added_and_removed(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=channel_id)
        page.type("Nom", "Noël")
        assert "Période calme ajoutée" in page.press("Ajouter les jours de repos")
        assert "Heures calmes" in page.press("Ajouter les heures calmes")
        with lumiere.scope() as scope:
            kept = quiet_periods.list_quiet_periods(scope, [lumiere.creator_id])
        assert {(one.label, one.channel_id) for one in kept} == {
            ("Noël", channel_id),
            ("Heures calmes", channel_id),
        }
        day = MemberLocalizer("fr", ZoneInfo(ZONE)).format_short_day(kept[0].first or date.min)
        assert f"</b> · {day} · Noël" in page.open("/calendar"), "a single day is written once"
        assert f"<b>Noël</b> · {day}</p>" in page.open("/calendar", queue=channel_id)
        page.press("Retirer")
    with lumiere.scope() as scope:
        assert len(quiet_periods.list_quiet_periods(scope, [lumiere.creator_id])) == 1


def test_queue_moves_to_the_spare_account(door: Door, lumiere: Agency) -> None:
    channel_id = filled(lumiere, "sauvée", "elle aussi")
    spare = connected(lumiere, "Secours")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", queue=channel_id)
        assert "Déplace toutes les publications programmées" in text
        assert "Déplacées : 2" in page.press("Tout déplacer")
    assert queue(lumiere, channel_id) == []
    assert [one.words for one in queue(lumiere, spare)] == ["sauvée", "elle aussi"]


def test_new_post_takes_the_next_free_slot(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        assert not any(
            "Ajouter à la file" in one for one in page.find("Programmation", "radio").options
        )
        every_day(lumiere, channel_id)
        page.again()
        page.choose("Programmation", "Ajouter à la file")
        page.choose("Priorité", "1")
        said = page.press("Soumettre pour validation")
    assert "en attente de validation par" in said
    (post,) = posts(lumiere)
    (entry,) = queue(lumiere, channel_id)
    assert (entry.post_id, entry.at.clock, entry.state) == (post.id, time(10), DeliveryState.DRAFT)
    with lumiere.scope() as scope:
        assert deliveries.get_post(scope, post.id).priority == 1


def test_posts_too_close_are_reported_in_composer_and_on_the_page(
    door: Door, lumiere: Agency
) -> None:
    first = lumiere.post("la première", minutes=300)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = 7200 WHERE tenant_id = :t", t=lumiere.tenant_id
        )
        day = local_day(scope.now, ZONE) + timedelta(days=5)
        reschedule_delivery(scope, first, at=WallTime(day, time(10), ZONE))
    second = lumiere.post("la seconde", minutes=300)
    with lumiere.scope() as scope:
        reschedule_delivery(scope, second, at=WallTime(day, time(11), ZONE))
        post_id = get_delivery(scope, second).post_id
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Choisir la date et l’heure")
        page.type("Date", f"{day:%d/%m/%Y}")
        assert "Proche d’une autre publication" in page.type("Heure", "9:30")
        text = page.open("/calendar", post=post_id)
        assert "Proche d’une autre publication" in text
        page.press(next(one for one in page.labels() if one.startswith("Déplacer à")))
    with lumiere.scope() as scope:
        assert get_delivery(scope, second).wall_time == f"{day}T12:00"


def test_minimum_interval_is_set(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=channel_id)
        page.type("Intervalle minimal", "90")
        assert "La file respecte cet intervalle" in page.press("Enregistrer")
    with lumiere.scope() as scope:
        assert channel_reads.get_channel(scope, channel_id).min_interval == timedelta(minutes=90)


def test_queue_is_in_english(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant, language="en")
    channel_id = filled(other, "one", "two")
    with stream(door.url, door.cookie(other)) as page:
        text = page.open("/calendar", queue=channel_id)
    for said in (
        "2 posts in the queue",
        "The queue skips quiet periods",
        "Monday",
        "No posts to move",
        "Note for the team",
    ):
        assert said in text, said


@pytest.mark.parametrize("role", [Role.CHATTER])
def test_roles_without_planning_rights_see_no_queue(
    door: Door, lumiere: Agency, role: Role
) -> None:
    channel_id = filled(lumiere, "a")
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.may_fail = True
        assert "publication dans la file" not in page.open("/calendar", queue=channel_id)


def test_queue_of_another_agency_is_hidden(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant, mark="Autre")
    channel_id = filled(other, "secret")
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.may_fail = True
        for address in (channel_id, "x", "../.."):
            assert "secret" not in page.open("/calendar", queue=address)
    with pytest.raises(GreenroomError), lumiere.scope() as scope:
        queueing.preview_pull_forward(scope, channel_id)
