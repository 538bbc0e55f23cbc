"""The calendar: upcoming posts, failures resolved in place, the page of a post."""

import re
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.WidgetStates_pb2 import WidgetState

from channels.accounts import lifecycle
from channels.limits import send_limits
from connectors.contract.connector import Response, StepNotSent
from dashboard.shell.date_input import parse_date, parse_time
from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, to_wall_time
from gate.policy import emergency_stops
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods
from schedules.availability.usual_hours import (
    DEFAULT_USUAL_HOUR,
    filter_free_times,
    find_next_usual_time,
    list_usual_hours,
)
from schedules.drafts import drafts
from schedules.posts import queries as schedule_reads
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.components import choose_item
from tests.dashboard.streamlit_client import Stream, stream


def state(who: Agency, delivery_id: UUID) -> DeliveryState:
    with who.scope() as scope:
        return DeliveryState(get_delivery(scope, delivery_id).state)


def post_of(who: Agency, delivery_id: UUID) -> UUID:
    with who.scope() as scope:
        return schedule_reads.post_id_of_delivery(scope, delivery_id)


def refused(who: Agency, body: str = "refusée") -> UUID:
    """Create a post that the platform refused."""
    delivery_id = who.post(body, minutes=-5, state="publishing")
    with who.scope() as scope:
        transition_delivery(
            scope,
            get_delivery(scope, delivery_id),
            DeliveryState.FAILED,
            reason=Message("attempt.unexplained"),
        )
    return delivery_id


def test_week_and_list_show_upcoming_posts(door: Door, lumiere: Agency) -> None:
    lumiere.post("Le matin au bord de l’eau", state="published", minutes=-3)
    lumiere.post("Ce soir", minutes=4)
    with stream(door.url, door.cookie(lumiere)) as page:
        week = page.open("/calendar")
        assert "Le matin au bord de l’eau" in week
        assert "publié" in week
        assert "programmé" in week
        assert "aujourd’hui" in week
        listed = page.choose("Affichage", "Liste")
        assert "Ce soir" in listed
        assert "view=list" in page.query
        assert "Ce soir" not in page.press("Précédent")
        assert "Ce soir" in page.press("Aujourd’hui")


def test_filters_show_only_matching_posts(door: Door, lumiere: Agency) -> None:
    lumiere.post("en ligne", state="published", minutes=-3)
    refused(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        shown = page.choose("État", "À traiter")
        assert "refusée" in shown
        assert "en ligne" not in shown
        assert "refusée" not in page.choose("État", "Publié")


def test_empty_calendar_explains_the_next_step(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar")
    assert "Créez-en une avec « Nouvelle publication »" in text
    assert "18:30 heure habituelle" in text


def test_failure_shows_its_reason_and_is_retried_in_place(door: Door, lumiere: Agency) -> None:
    failed = refused(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = page.open("/calendar")
        assert "n’a pas donné de raison" in shown
        assert "Réessayer : Sandbox" in shown
        with lumiere.scope() as scope:
            version = get_delivery(scope, failed).version
        assert "Nouvel essai" in choose_item(page, kind="retry", delivery=failed, version=version)
    assert state(lumiere, failed) is DeliveryState.SCHEDULED
    with lumiere.scope() as scope:
        due = "SELECT available_at FROM outbox WHERE subject_id = :id AND kind = 'delivery.publish'"
        assert scope.run(due, id=failed).scalar_one() <= scope.now


def test_post_shows_its_history_and_next_step(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("racontée", minutes=-5, state="publishing")
    with lumiere.scope() as scope:
        transition_delivery(
            scope,
            get_delivery(scope, delivery_id),
            DeliveryState.UNCERTAIN,
            reason=Message("attempt.no_answer"),
        )
        transition_delivery(
            scope, get_delivery(scope, delivery_id), DeliveryState.PUBLISHED, native_id="n1"
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=post_of(lumiere, delivery_id))
    for said in (
        "Retrouvé sur la plateforme : publié une seule fois",
        "Aucune réponse reçue",
        "Programmé",
        "Owner",
        "par Manager",
        "Les statistiques sont relevées après 1 h",
    ):
        assert said in text, said


def test_post_is_opened_from_the_week(door: Door, lumiere: Agency) -> None:
    lumiere.post("ouverte")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        assert "Publication automatique à" in choose_item(page, kind="post", post=lumiere.posts[0])
        opened = page.press("Ouvrir la page de la publication")
        assert "Publication automatique à" in opened
        assert f"post={lumiere.posts[0]}" in page.query
        assert "« Nouvelle publication »" not in page.press("Retour au calendrier")


@pytest.mark.parametrize("where", ["tenant", "platform", "creator", "channel"])
def test_emergency_stop_is_shown_instead_of_the_time(
    door: Door, lumiere: Agency, where: str
) -> None:
    delivery_id = lumiere.post("arrêtée")
    ids = {"creator": lumiere.creator_id, "channel": lumiere.channel_id}
    target = {"tenant": "", "platform": "sandbox"}.get(where) or str(ids.get(where, ""))
    with lumiere.scope() as scope:
        emergency_stops.close_switch(scope, where, target, "sending", reason="essai")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "arrêt d’urgence" in page.open("/calendar")
        text = page.open("/calendar", post=post_of(lumiere, delivery_id))
        assert "levée de l’arrêt d’urgence" in text
        assert "Publication automatique" not in text
        home = page.open("/")
        assert "Arrêt d’urgence actif" in home
        assert "Prochaine publication" not in home


def test_post_with_a_warning_is_marked_and_not_counted_down(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        delivery_id = lumiere.post("trop long", minutes=3)
        assert "Prochaine publication" in page.open("/")
        lumiere.notice(
            "delivery.media_missing", cause=f"delivery:{delivery_id}:preflight", urgent=True
        )
        home = page.open("/")
        assert "Prochaine publication" not in home
        assert re.search(r"« trop long » · programmée (le .*)?à \d\d:\d\d", home), (
            "the deadline is shown"
        )
        for view in ("week", "month"):
            assert "publication impossible" in page.open("/calendar", view=view)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("braked", "La plateforme rencontre des problèmes"),
        ("limited", "limite de requêtes"),
        ("paused", "est en pause"),
    ],
)
def test_delay_of_an_account_is_shown_instead_of_the_time(
    door: Door, lumiere: Agency, trouble: str, said: str
) -> None:
    soon, later = lumiere.post("bientôt", minutes=-1), lumiere.post("bien plus tard", minutes=500)
    assert lumiere.channel_id is not None
    with lumiere.scope() as scope:
        if trouble == "braked":
            send_limits.record_answer(
                scope, lumiere.channel_id, StepNotSent("publish", "ConnectError"), creates=True
            )
        elif trouble == "limited":
            send_limits.record_answer(
                scope,
                lumiere.channel_id,
                Response("publish", 429, {"retry-after": "3600"}),
                creates=True,
            )
        else:
            rest = Message("channel.moved")
            lifecycle.pause_account(
                scope, lumiere.channel_id, rest, until=scope.now + timedelta(hours=1)
            )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=post_of(lumiere, soon))
        assert "dès que le compte est disponible" in text
        assert said in text
        assert "est mise en attente et vous êtes averti" in text
        assert "Publication automatique" not in text
        assert "Publication automatique" in page.open("/calendar", post=post_of(lumiere, later))


def test_moving_keeps_the_time_of_day_and_the_approval(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("déplacée", minutes=5)
    with lumiere.scope() as scope:
        before = to_wall_time(get_delivery(scope, delivery_id).due_at, ZONE)
    later = before.day + timedelta(days=140)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_of(lumiere, delivery_id))
        page.pick("Date", later)
        assert "Reprogrammé" in page.press("Reprogrammer")
    with lumiere.scope() as scope:
        row = get_delivery(scope, delivery_id)
        assert row.state == DeliveryState.SCHEDULED
        after = to_wall_time(row.due_at, ZONE)
    assert (after.day, f"{after.clock:%H:%M}") == (later, f"{before.clock:%H:%M}")


def test_missing_date_is_explained(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("reste", minutes=5)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_of(lumiere, delivery_id))
        empty = page.find("Date", "date_input")
        page.fill(empty, WidgetState(id=empty.id, string_array_value=StringArray()))
        assert "Choisissez une date et une heure." in page.press("Reprogrammer")
    assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED


def test_one_account_is_cancelled(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("annulée", minutes=5)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_of(lumiere, delivery_id))
        assert "Annulé" in page.press("Oui, annuler")
    assert state(lumiere, delivery_id) is DeliveryState.CANCELLED
    with lumiere.scope() as scope:
        assert (
            scope.run(
                "SELECT count(*) FROM outbox WHERE subject_id = :id", id=delivery_id
            ).scalar_one()
            == 0
        )


def test_outdated_change_is_refused(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("disputée", minutes=5)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_of(lumiere, delivery_id))
        with lumiere.scope() as scope:
            reschedule_delivery(
                scope, delivery_id, at=to_wall_time(scope.now + timedelta(hours=3), ZONE)
            )
        text = page.press("Publier maintenant")
    assert "gr-why" in text or "Un autre membre a modifié" in text
    with lumiere.scope() as scope:
        assert get_delivery(scope, delivery_id).due_at > scope.now + timedelta(hours=2)


def test_post_of_another_agency_is_not_found(
    door: Door, tenant: OpenScope, lumiere: Agency
) -> None:
    other = create_agency(tenant, mark="canary")
    theirs = post_of(other, other.post("canary-post"))
    nobodys = UUID(int=7)
    with stream(door.url, door.cookie(lumiere)) as page:
        told = [page.open("/calendar", post=one) for one in (theirs, nobodys, "x-y")]
    answers = {
        text.rpartition("</form>")[2] for text in told
    }  # above it is the link of the language button
    assert len(answers) == 1
    (text,) = answers
    assert "n’existe pas" in text
    assert "canary" not in text


def test_post_of_an_unassigned_creator_is_not_found(door: Door, lumiere: Agency) -> None:
    post_id = post_of(lumiere, lumiere.post("canary-of-mia"))
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )
        scope.run(
            """UPDATE members SET creators = '["nova"]' WHERE id = :m""",
            m=lumiere.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "canary" not in page.open("/calendar")
        text = page.open("/calendar", post=post_id)
    assert "canary" not in text
    assert "n’existe pas" in text


@pytest.mark.parametrize("role", Role)
def test_roles_see_permitted_posts_and_actions(door: Door, lumiere: Agency, role: Role) -> None:
    refused(lumiere, "canary-refusée")
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/calendar")
        plans = [one for one in ("Nouvelle publication", "Réessayer : Sandbox") if one in text]
    sees = role in (Role.OWNER, Role.MANAGER, Role.CREATOR)
    assert ("canary-refusée" in text) == (
        sees or role is Role.CHATTER
    )  # the chatter is sent Home, which lists the failed post
    assert bool(plans) == (role in (Role.OWNER, Role.MANAGER))


def test_english_calendar_contains_no_french(door: Door, tenant: OpenScope) -> None:
    english = create_agency(tenant, language="en")
    english.post("Hello", minutes=5)
    with stream(door.url, door.cookie(english)) as page:
        text = page.open("/calendar")
        opened = choose_item(page, kind="post", post=english.posts[0])
    for said in ("List", "New post", "scheduled"):
        assert said in text
    for wrong in ("programmé", "libre", "aujourd", "Semaine"):
        assert wrong not in text + opened
    assert "Publishes automatically" in opened


def test_usual_hours_follow_past_posts(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        assert list_usual_hours(scope, [lumiere.creator_id]) == {
            lumiere.creator_id: [DEFAULT_USUAL_HOUR]
        }
    lumiere.post("une")
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        assert lumiere.channel_id is not None
        today = to_wall_time(scope.now, ZONE).day
        for ahead in range(1, 4):
            draft = drafts.Draft(lumiere.creator_id, "", f"jour {ahead}", (), (lumiere.channel_id,))
            at = WallTime(today + timedelta(days=ahead), time(9, 15), ZONE)
            drafts.plan_draft(
                scope, draft, key=UUID(int=ahead), at=at, author=lumiere.act_as(Role.MANAGER)
            )
        assert list_usual_hours(scope, [lumiere.creator_id])[lumiere.creator_id] == [time(9, 15)]
        free = find_next_usual_time(scope, lumiere.creator_id, ZONE)
    assert free.clock == time(9, 15)
    assert free.day in (today, today + timedelta(days=4))


@given(some.dates(date(2026, 1, 1), date(2030, 1, 1)), some.times(), some.integers(-90, 90))
def test_free_times_are_future_and_45_minutes_apart(day: date, clock: time, minutes: int) -> None:
    wanted = WallTime(day, clock.replace(fold=0), ZONE)
    now = datetime(2028, 1, 1, tzinfo=UTC)
    taken = [wanted.instant() + timedelta(minutes=minutes)]
    free = filter_free_times([wanted], taken, now)
    assert bool(free) == (wanted.instant() > now and abs(minutes) > 45)


@given(some.dates(date(2, 1, 1), date(9998, 12, 31)))
def test_dates_are_parsed_as_written(day: date) -> None:
    assert parse_date(f"{day.day:02}/{day.month:02}/{day.year:04}") == day


@pytest.mark.parametrize(
    "text", ["", "31/12/0001", "01/01/9999", "30/02/2028", "2028-02-01", "1/2/28"]
)
def test_invalid_dates_are_refused(text: str) -> None:
    """Including the first and last representable days, which overflow in some zones."""
    with pytest.raises(BadInput):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("9:05", time(9, 5)), ("09h05", time(9, 5)), ("9 h", time(9)), (" 23.59 ", time(23, 59))],
)
def test_times_are_parsed_in_common_formats(text: str, said: time) -> None:
    assert parse_time(text) == said


@pytest.mark.parametrize("text", ["", "24:00", "9:5", "midi", "1/2/3", "-1:00"])
def test_invalid_times_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_time(text)


def test_stream_presses_only_existing_buttons(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        assert isinstance(page, Stream)
        with pytest.raises(AssertionError, match="there are"):
            page.press("Nothing of the kind")


def test_priority_of_scheduled_post_is_raised(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("Bonjour", minutes=90)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=str(lumiere.posts[0]))
        page.choose("Priorité", "1 – en premier")
        assert "Priorité définie sur 1" in page.press("Enregistrer la priorité")
    with lumiere.scope() as scope:
        assert get_delivery(scope, delivery_id).priority == 1


def test_text_of_a_live_post_is_changed(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("une faute", minutes=-5, state="published")
    post_id = post_of(lumiere, delivery_id)
    with lumiere.scope() as scope:
        scope.run("UPDATE deliveries SET native_id = 'p1' WHERE tenant_id = :t", t=scope.tenant_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=str(post_id))
        assert "Enregistrer les modifications" in text
        page.type("Texte", "sans faute")
        page.press("Enregistrer les modifications")
        text = page.open("/calendar", post=str(post_id))
        assert "Modification demandée : « une faute » → « sans faute »" in text
        assert "Modification " in text
        page.press("Annuler la modification")
        text = page.open("/calendar", post=str(post_id))
        assert "Modification annulée : « sans faute »" in text
    with lumiere.scope() as scope:
        assert schedule_reads.get_stored_post(scope, post_id).body == "une faute"


def test_usual_times_during_a_pause_are_not_free(door: Door, lumiere: Agency) -> None:
    today = to_wall_time(now(lumiere), ZONE).day
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "18:30" in page.open("/calendar", view="week")
    with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
        quiet_periods.add_quiet_days(
            scope,
            lumiere.creator_id,
            None,
            label="Repos",
            zone=ZONE,
            first=today,
            last=today + timedelta(days=60),
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "18:30" not in page.open("/calendar", view="week")


def now(lumiere: Agency) -> datetime:
    with lumiere.scope() as scope:
        return scope.now
