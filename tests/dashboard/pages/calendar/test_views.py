"""Views of the calendar: every day is in exactly one window, and the arrows are inverse."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages.calendar.queries import MAX_DELIVERIES, CalendarFilter, load_calendar
from dashboard.pages.calendar.views import MAX_DISTANCE, MONTH_DAYS, VIEW_MODES, view_window
from foundation.ops.wall_time import local_day
from schedules.posts import labels
from schedules.posts import queries as schedule_reads
from tenants.agencies import queries as tenant_reads
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.components import choose_item
from tests.dashboard.streamlit_client import stream

TODAY = date(2026, 11, 21)
DAYS = st.dates(
    TODAY - MAX_DISTANCE + timedelta(days=120), TODAY + MAX_DISTANCE - timedelta(days=120)
)


@given(st.sampled_from(sorted(VIEW_MODES)), DAYS)
def test_requested_day_is_shown(view: str, day: date) -> None:
    found = view_window(view, str(day), TODAY)
    assert found.begins <= day <= found.ends
    assert found.first <= found.begins
    assert found.ends < found.first + timedelta(days=VIEW_MODES[view].days)


@given(st.sampled_from(sorted(VIEW_MODES)), DAYS)
def test_windows_are_adjacent(view: str, day: date) -> None:
    found = view_window(view, str(day), TODAY)
    after, before = (
        view_window(view, str(found.after), TODAY),
        view_window(view, str(found.before), TODAY),
    )
    assert after.begins == found.ends + timedelta(days=1)
    assert before.ends == found.begins - timedelta(days=1)
    assert (
        view_window(view, str(after.before), TODAY)
        == view_window(view, str(before.after), TODAY)
        == found
    )


@given(DAYS)
def test_month_is_complete_and_starts_on_monday(day: date) -> None:
    found = view_window("month", str(day), TODAY)
    assert found.first.weekday() == 0
    assert (found.begins.day, (found.ends + timedelta(days=1)).day) == (1, 1)
    assert VIEW_MODES["month"].days == MONTH_DAYS


@pytest.mark.parametrize(
    "asked", ["", "yesterday", "2026-13-01", "9999-12-31", "0001-01-01", "../x"]
)
def test_invalid_day_shows_a_nearby_window(asked: str) -> None:
    for view in VIEW_MODES:
        found = view_window(view, asked, TODAY)
        assert abs(found.begins - TODAY) <= MAX_DISTANCE + timedelta(days=31)


@pytest.mark.parametrize(("view", "button"), [("month", "Mois"), ("quarter", "90 jours")])
def test_compact_day_counts_hidden_posts_and_opens(
    door: Door, lumiere: Agency, view: str, button: str
) -> None:
    for number in range(6):
        lumiere.post(f"note {number}", minutes=number + 1)
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        short = (
            page.choose("Affichage", button)
            if view == "month"
            else choose_item(page, kind="go", name=view)
        )
        assert f"view={view}" in page.query
        assert "note 0" in short
        assert "et 2 de plus" in short
        assert "note 5" not in short
        assert short.count('<a class="gr-open" href="/calendar?post=') == 4
        assert "note 5" in choose_item(page, kind="day", day=day)
        assert f"view=day&day={day}" in page.query


def test_list_of_too_many_posts_is_compact(lumiere: Agency) -> None:
    for number in range(4):
        lumiere.post(f"note {number}", minutes=number + 1)
    with lumiere.scope() as scope:
        mine, today = tenant_reads.list_creators(scope), local_day(scope.now, ZONE)
        short = load_calendar(scope, mine, CalendarFilter(today, 30, whole=3, most=2))
        every = load_calendar(scope, mine, CalendarFilter(today, 30, whole=4, most=2))
        none = load_calendar(
            scope, mine, CalendarFilter(today + timedelta(days=40), 30, whole=0, most=2)
        )
        hidden = load_calendar(
            scope, mine, CalendarFilter(today, 30, group="cancelled", whole=0, most=2)
        )
    assert [one.words for one in short.days[0].short] == ["note 0", "note 1"]
    assert (short.days[0].more, short.days[0].turns, short.days[0].free) == (2, [], ())
    assert [one.words for one in every.days[0].turns] == ["note 0", "note 1", "note 2", "note 3"]
    assert (every.days[0].more, every.days[0].short) == (0, ())
    assert every.days[1].free
    for name in ("drag_versions", "occurrence_key"):
        both = [
            [getattr(one, name) for one in each]
            for each in (short.days[0].short, every.days[0].turns[:2])
        ]
        assert both[0] == both[1]
    assert (short.ever, every.ever, none.ever, hidden.ever) == (True, True, False, True)


def test_unknown_view_shows_the_week(door: Door, lumiere: Agency) -> None:
    lumiere.post("toujours là", minutes=3)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "toujours là" in page.open("/calendar", view="decade", day="soon")


def test_days_of_another_year_show_the_year(door: Door, lumiere: Agency) -> None:
    lumiere.post("cette année", minutes=3)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "lun. 29 déc. – dim. 4 janv. 2032" in page.open(
            "/calendar", view="week", day="2032-01-02"
        )


def test_labels_filter_every_view(door: Door, lumiere: Agency) -> None:
    one, other = lumiere.post("avec", minutes=1), lumiere.post("sans", minutes=2)
    with lumiere.scope() as scope:
        spring = labels.create_label(scope, "Printemps", "green")
        labels.set_post_labels(scope, schedule_reads.post_id_of_delivery(scope, one), [spring])
        mine, today = tenant_reads.list_creators(scope), local_day(scope.now, ZONE)
        for whole in (0, MAX_DELIVERIES):
            both, narrow, none = (
                load_calendar(scope, mine, CalendarFilter(today, 30, whole=whole, label=label))
                for label in (None, spring, other)
            )
            shown = [
                [turn.words for day in all_.days for turn in (*day.short, *day.turns)]
                for all_ in (both, narrow)
            ]
            assert shown == [["avec", "sans"], ["avec"]]
            assert not any(day.short or day.turns or day.free for day in none.days), (
                "no post has this label"
            )
            assert none.ever
    with stream(door.url, door.cookie(lumiere)) as page:
        for look in (
            {"view": "day"},
            {"view": "month"},
            {"view": "week", "by": "account"},
            {"view": "day", "by": "creator"},
        ):
            shown = page.open("/calendar", **look)
            assert shown.count("Étiquettes: Printemps") == 1, look
            page.open("/calendar", view="day", by="")
        assert "sans" in page.open("/calendar", view="list")
        narrowed = page.choose("Étiquette", "Printemps")
        assert "avec" in narrowed
        assert "sans" not in narrowed


def test_labels_are_created_assigned_and_deleted(door: Door, lumiere: Agency) -> None:
    posts = [
        lumiere.post(words, minutes=60 + n) for n, words in enumerate(("une", "deux", "trois"))
    ]
    with lumiere.scope() as scope:
        ids = [schedule_reads.post_id_of_delivery(scope, one) for one in posts]

    def named() -> list[list[str]]:
        with lumiere.scope() as scope:
            found = labels.labels_of_posts(scope, ids)
        return [[label.name for label in found.get(one, ())] for one in ids]

    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", labels=1)
        page.type("Nom", "Printemps")
        assert "Étiquette créée." in page.press("Créer l’étiquette")
        assert "Sélectionnez au moins" in page.press("Ajouter à la sélection")
        page.check("une")
        page.check("trois")
        assert "Étiquette ajoutée" in page.press("Ajouter à la sélection")
        assert named() == [["Printemps"], [], ["Printemps"]]
        page.open("/calendar", post=ids[1])
        page.choose("Étiquettes", "Printemps")
        assert "Étiquettes enregistrées." in page.press("Enregistrer les étiquettes")
        assert named()[1] == ["Printemps"]
        page.open("/calendar", labels=1)
        assert "Publications concernées : 3" in page.press("Supprimer l’étiquette")
        assert named() == [[], [], []]
