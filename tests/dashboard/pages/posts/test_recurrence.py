"""Repeating posts: configured in the composer; skipped, changed and stopped on the post page."""

from datetime import date, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from channels.accounts import queries as channel_reads
from dashboard.pages.posts.recurrence_choice import (
    ON_DATE,
    ON_DATES,
    ON_LAST,
    ON_NTH,
    REPEAT_KINDS,
    RecurrenceChoice,
    choice_of_repeat,
    endless_text,
    monthly_options,
)
from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.drafts.drafts import Draft
from schedules.posts import queries as schedule_reads
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.recurrence import series
from schedules.recurrence.queries import SeriesView, series_of_post_views
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.components import choose_item
from tests.dashboard.pages.compose.test_page import connected, nobody_is_asked, posts, written
from tests.dashboard.streamlit_client import Stream, stream


def rows(who: Agency, post_id: UUID) -> list[Delivery]:
    with who.scope() as scope:
        return deliveries_of_post(scope, post_id)


def only(who: Agency, post_id: UUID) -> SeriesView:
    with who.scope() as scope:
        (found,) = series_of_post_views(scope, post_id)
    return found


def apart(who: Agency) -> list[schedule_reads.StoredPost]:
    """Return the posts detached from a series."""
    with who.scope() as scope:
        found = (
            scope.run("SELECT id FROM posts WHERE origin = 'series' ORDER BY created_at")
            .scalars()
            .all()
        )
        return [schedule_reads.get_stored_post(scope, one) for one in found]


def all_made(who: Agency, post_id: UUID) -> None:
    """Extend the series as the worker does."""
    with who.scope() as scope:
        series.extend_series(scope, only(who, post_id).id)


def weekly(page: Stream, *accounts: str, end: str = "jamais") -> str:
    written(page, *accounts)
    page.choose("Répéter", "Hebdomadaire")
    return page.type("Fin (", end)


def begun(who: Agency, *, weeks: int = 6, approved: bool = True) -> UUID:
    """Create a weekly series from tomorrow and return its post. If `approved`, it needs no
    approval."""
    connected(who)
    if approved:
        nobody_is_asked(who)
    author = who.act_as(Role.MANAGER)
    with who.scope(author) as scope:
        (account,) = channel_reads.list_creator_channels(scope, who.creator_id)
        first = WallTime(to_wall_time(scope.now, ZONE).day + timedelta(days=1), time(10), ZONE)
        wanted = RecurrenceChoice("weekly", end=str(weeks)).to_repeat(first)
        draft = Draft(who.creator_id, "", "chaque semaine", (), (account.id,))
        post_id = series.plan_series(scope, draft, wanted, key=UUID(int=5), author=author).post_id
    all_made(who, post_id)
    return post_id


def test_post_repeats_as_configured(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        said = weekly(page, "Sandbox")
        assert "Toutes les semaines" in said
        assert "jamais" in said
        assert said.count("<li>") >= 5
        said = page.press("Programmer")
        assert "Programmé le" in said
        assert "Récurrence" in said
    (post,) = posts(lumiere)
    assert len(rows(lumiere, post.id)) == 1
    all_made(lumiere, post.id)
    assert {row.state for row in rows(lumiere, post.id)} == {DeliveryState.SCHEDULED}
    assert len(rows(lumiere, post.id)) == 13


def test_repeat_needs_an_end(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Indiquez une fin" in weekly(page, "Sandbox", end="")
        page.press("Soumettre pour validation")
        assert "Indiquez une fin" in page.again()
        page.type("Fin (", "31/02/2027")
        assert "n’est pas une date valide" in page.again()
    assert posts(lumiere) == []


def test_many_posts_need_confirmation(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Répéter", "Quotidien")
        page.type("Fin (", "jamais")
        assert "publications d’un coup" in page.press("Soumettre pour validation")
        assert posts(lumiere) == []
        page.check("Confirmer ")
        assert "en attente de validation par" in page.press("Soumettre pour validation")
    assert len(posts(lumiere)) == 1


def test_double_click_starts_one_series(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        weekly(page, "Sandbox")
        page.press_twice("Soumettre pour validation")
        page.again()
    (post,) = posts(lumiere)
    assert only(lumiere, post.id)
    assert len(rows(lumiere, post.id)) == 1


def test_nonexistent_local_time_is_marked_in_the_preview(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with lumiere.scope() as scope:
        year = scope.now.year + 1
    march = max(date(year, 3, day) for day in range(25, 32) if date(year, 3, day).weekday() == 6)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Choisir la date")
        page.type("Date (JJ/MM/AAAA)", f"{march - timedelta(days=1):%d/%m/%Y}")
        page.type("Heure (HH:MM)", "2:30")
        page.choose("Répéter", "Quotidien")
        text = page.type("Fin (", "4")
    assert text.count("changement d’heure ce jour-là : publication à 03:30") == 1


def test_week_marks_repeating_posts_and_opens_the_date(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    third = rows(lumiere, post_id)[2]
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Récurrence" in page.open("/calendar", day=third.wall_time[:10])
        choose_item(page, kind="post", post=post_id, at=third.occurrence_key)
        page.press("Ouvrir la page de la publication")
        assert third.occurrence_key[:10] in page.query


def test_one_date_is_skipped(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    second = rows(lumiere, post_id)[1]
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=post_id, at=second.occurrence_key)
        assert text.count("Prochaine étape") == 1  # one date of the series, not all six
        assert "date ignorée" in page.press("Oui, ignorer")
        assert "Dates ignorées :" in page.again()
    states = [row.state for row in rows(lumiere, post_id)]
    assert states.count(DeliveryState.CANCELLED) == 1
    assert rows(lumiere, post_id)[1].state == DeliveryState.CANCELLED


def test_one_date_is_rescheduled_alone(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    second = rows(lumiere, post_id)[1]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=second.occurrence_key)
        page.type("Heure", "16:45")
        assert "Reprogrammé" in page.press("Reprogrammer")
    assert [row.wall_time[11:] for row in rows(lumiere, post_id)].count("16:45") == 1
    all_made(lumiere, post_id)
    assert len(rows(lumiere, post_id)) == 6


def test_text_of_one_date_is_changed_alone(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    second = rows(lumiere, post_id)[1]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=second.occurrence_key)
        text = page.press("Modifier cette date seulement")
        assert "est désormais une publication séparée" in text
        assert "Les modifications s’appliquent à toutes les dates à venir" not in text
        page.type("Texte", "seulement ce jour-là")
        assert "seulement ce jour-là" in page.press("Enregistrer")
    (alone,) = apart(lumiere)
    assert alone.body == "seulement ce jour-là"
    assert [row.wall_time for row in rows(lumiere, alone.id)] == [second.wall_time]
    assert [post.body for post in posts(lumiere)] == ["chaque semaine"]
    all_made(lumiere, post_id)
    assert [row.state for row in rows(lumiere, post_id)].count(DeliveryState.CANCELLED) == 1


def test_double_click_detaches_a_date_once(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press_twice("Modifier cette date seulement")
        page.again()
    assert len(apart(lumiere)) == 1


def test_edit_of_all_dates_is_announced_and_returns_to_the_date(
    door: Door, lumiere: Agency
) -> None:
    post_id = begun(lumiere)
    third = rows(lumiere, post_id)[2]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=third.occurrence_key)
        text = page.press("Modifier")
        assert "toutes les dates à venir (programmées : 6)" in text
        page.type("Texte", "autre chose")
        page.press("Enregistrer")
        assert third.occurrence_key[:10] in page.query
    assert [post.body for post in posts(lumiere)] == ["autre chose"]


def test_series_is_stopped(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        assert "Publications annulées : 6" in page.press("Oui, arrêter la récurrence")
        assert "Oui, arrêter la récurrence" not in page.open("/calendar", post=post_id)
    assert {row.state for row in rows(lumiere, post_id)} == {DeliveryState.CANCELLED}


@pytest.mark.parametrize("words", ["", "autre chose"])
def test_this_and_following_dates_are_changed(door: Door, lumiere: Agency, words: str) -> None:
    post_id = begun(lumiere)
    third = rows(lumiere, post_id)[2]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=third.occurrence_key)
        page.type("Heure (HH:MM)", "21:00")
        if words:
            page.type("Texte", words)
        said = page.press("Enregistrer pour cette date et les suivantes")
        assert "Modifié à partir du" in said
        assert "21:00" in said
    kept = [row for row in rows(lumiere, post_id) if row.state != DeliveryState.CANCELLED]
    if words:
        assert len(kept) == 2
        assert [one.body for one in apart(lumiere)] == [words]
    else:
        assert len({row.series_id for row in kept}) == 2


def test_accounts_are_changed_from_a_date_on(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    third = rows(lumiere, post_id)[2]
    other = connected(lumiere, "Sandbox 2")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=third.occurrence_key)
        page.choose("Comptes")
        assert "Sélectionnez au moins un compte" in page.press(
            "Enregistrer pour cette date et les suivantes"
        )
        page.choose("Comptes", "Sandbox 2")
        assert "Modifié à partir du" in page.press("Enregistrer pour cette date et les suivantes")
    kept = [row for row in rows(lumiere, post_id) if row.state != DeliveryState.CANCELLED]
    assert {
        row.channel_id == other
        for row in kept
        if row.occurrence_key[:10] >= third.occurrence_key[:10]
    } == {True}
    assert sum(row.channel_id != other for row in kept) == 2


def test_invalid_occurrence_shows_the_next_one(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        for at in ("x", "2026-99-99T99:99", "~", rows(lumiere, post_id)[5].occurrence_key + "~7"):
            assert page.open("/calendar", post=post_id, at=at).count("Prochaine étape") == 1


def test_one_approval_applies_to_the_whole_series(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere, approved=False)
    assert {row.state for row in rows(lumiere, post_id)} == {DeliveryState.DRAFT}
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals", show="content")
        assert "la validation vaut pour toutes les dates" in text
        assert text.count("chaque semaine") == 1
        page.press("Valider")
    assert {row.state for row in rows(lumiere, post_id)} == {DeliveryState.SCHEDULED}


@pytest.mark.parametrize("role", Role)
def test_only_owner_and_manager_change_a_series(door: Door, lumiere: Agency, role: Role) -> None:
    post_id = begun(lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.open("/calendar", post=post_id)
        offered = {
            "Oui, arrêter la récurrence",
            "Oui, ignorer",
            "Enregistrer pour cette date et les suivantes",
        } & set(page.labels())
    assert bool(offered) == (role in (Role.OWNER, Role.MANAGER))


def test_english_pages_contain_no_french(door: Door, tenant: OpenScope) -> None:
    english = create_agency(tenant, language="en")
    post_id = begun(english)
    with stream(door.url, door.cookie(english)) as page:
        text = page.open("/calendar", post=post_id)
        assert "Every week" in text
        assert "total posts: 6" in text
        for wrong in ("Répéter", "semaine", "sauter"):
            assert wrong not in text.replace("chaque semaine", "")
        page.open("/calendar", new=1)
        page.choose("Repeat", "Daily")
        assert "no end date" in page.type("Ends (", " NEVER ")


# The form fields of a rule.


@given(
    some.sampled_from(REPEAT_KINDS[1:]),
    some.integers(1, 400),
    some.sets(some.sampled_from("0123456")),
    some.one_of(
        some.just(""),
        some.integers(1, 5000).map(str),
        some.dates(date(2026, 1, 1)).map("{:%d/%m/%Y}".format),
    ),
    some.sampled_from(LANGUAGES),
)
def test_form_fields_represent_every_rule(
    every: str, step: int, days: set[str], end: str, language: str
) -> None:
    first = WallTime(date(2026, 1, 31), time(10), ZONE)
    chosen = RecurrenceChoice(
        every,
        str(step),
        tuple(sorted(days)),
        or_last=every == "monthly",
        end=end or endless_text(language),
    )
    repeat = chosen.to_repeat(first)
    assert choice_of_repeat(repeat, language).to_repeat(first) == repeat


@given(
    some.dates(date(2026, 1, 1), date(2029, 12, 31)),
    some.sampled_from((ON_DATE, ON_NTH, ON_LAST, ON_DATES)),
    some.sets(some.integers(1, 31).map(str), min_size=1, max_size=5),
    some.booleans(),
)
def test_monthly_fields_are_equal_from_every_date(
    day: date, month: str, dates: set[str], last: bool
) -> None:
    """ "On the 31st or the last day" is preserved even from February 28 on."""
    chosen = RecurrenceChoice(
        "monthly", month=month, dates=tuple(dates), or_last=last, end=endless_text("en")
    )
    repeat = chosen.to_repeat(WallTime(day, time(10), ZONE))
    for one in islice(repeat.dates(), 3, 20):
        rest = repeat.recurrence_from(one)
        again = choice_of_repeat(rest, "en")
        assert again.month in monthly_options(one)
        same = again.to_repeat(WallTime(one, time(10), ZONE))
        assert list(islice(same.dates(), 12)) == list(islice(rest.dates(), 12))


def test_month_repeats_by_weekday_or_several_days(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    nobody_is_asked(lumiere)
    with lumiere.scope() as scope:
        today = to_wall_time(scope.now, ZONE).day
    first = next(
        one for one in (today + timedelta(days=n) for n in range(1, 40)) if 8 <= one.day <= 14
    )
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.choose("Programmation", "Choisir la date")
        page.type("Date (JJ/MM/AAAA)", f"{first:%d/%m/%Y}")
        page.type("Heure (HH:MM)", "10:00")
        page.choose("Répéter", "Mensuel")
        page.type("Fin (", "5")
        weekday = render_message(Message(f"series.day.{first.weekday()}"), "fr")
        said = page.choose("Jour du mois", f"le deuxième {weekday}")
        assert f"Tous les mois · le deuxième {weekday} · " in said
        said = page.choose("Jour du mois", "plusieurs jours")
        assert "Sélectionnez au moins un jour du mois." in said
        said = page.choose("Jours du mois", "1", "15", "31")
        assert "le 1, 15, 31 ; les mois sans ce jour sont ignorés" in said
        assert "le 1, 15, 31, ou le dernier jour" in page.check("ou le dernier jour")
        page.choose("Jour du mois", f"le deuxième {weekday}")
        assert "Programmé le" in page.press("Programmer")
    (post,) = posts(lumiere)
    rule = only(lumiere, post.id).repeat.rule
    assert (rule.weekdays, rule.which, rule.end) == ((first.weekday(),), 2, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": "0"},
        {"step": "-1"},
        {"step": "deux"},
        {"step": "9" * 40},
        {"end": ""},
        {"end": "0"},
        {"end": "9" * 40},
        {"end": "bientôt"},
        {"end": "31/02/2027"},
        {"end": "²"},
    ],
)
def test_invalid_fields_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        RecurrenceChoice("daily", **{"end": "5", **wrong}).to_repeat(
            WallTime(date(2026, 1, 31), time(10), ZONE)
        )
