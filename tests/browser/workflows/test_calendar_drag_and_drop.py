"""Posts dragged by mouse and moved by keyboard, undone and refused, checked on the page and in the
database."""

from datetime import datetime, time, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Locator

from foundation.ops.wall_time import WallTime, local_day, to_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.posts.transitions import get_delivery
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.schedules.builders import ZONE

HOSTILE = "<img src=x onerror=alert(1)> **fort** [ici](javascript:alert(1))"
DAY = '[data-gr-cell="{day}"]'
OPENED = ".st-key-gr_panel .gr-panel-title"
LANE = 'tr[data-gr-lane="{lane}"] > td >> nth={column}'


def planned(
    lea: RunningAgency, words: str, days: int, clock: time = time(10, 20)
) -> tuple[UUID, WallTime]:
    """Schedule a post this many days after next Monday, and return its delivery and time."""
    found = lea.desk.delivery(words, after=3600)
    today = local_day(lea.desk.now(), ZONE)
    day = today + timedelta(days=7 - today.weekday() + days)
    at = WallTime(day, clock, ZONE)
    lea.desk.act(reschedule_delivery, found, at=at)
    return found, at


def wall(lea: RunningAgency, delivery_id: UUID) -> str:
    with lea.desk.scope() as scope:
        return get_delivery(scope, delivery_id).wall_time


def held(visitor: Visitor) -> None:
    """Wait until the page is completely drawn and its cards can be dragged."""
    visitor.rest()
    visitor.until("() => document.body.classList.contains('gr-holds')")


def card(visitor: Visitor, words: str) -> Locator:
    """Return the card with this text."""
    return visitor.page.locator(".st-key-gr_grid a.gr-open", has_text=words).first


def drag(visitor: Visitor, words: str, to: str, *, hour: int | None = None) -> None:
    """Drag the card with this text to a day, and in the week view to an hour."""
    page = visitor.page
    dragged = page.locator(".st-key-gr_grid").get_by_text(words).first
    dragged.scroll_into_view_if_needed()
    start, end = dragged.bounding_box(), page.locator(to).first.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 5, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 10, steps=8)
    if hour is not None:
        row = page.locator(".gr-hours > div").nth(hour).bounding_box()
        assert row is not None
        page.mouse.move(row["x"] + row["width"] / 2, row["y"] + row["height"] / 2, steps=4)
    page.mouse.up()


def week(at: WallTime) -> str:
    return f"/calendar?view=week&day={at.day}"


def test_card_is_dragged_to_another_day_and_undone(lea: RunningAgency) -> None:
    found, at = planned(lea, HOSTILE, 1)
    other = at.day + timedelta(days=2)
    with lea.visitor(week(at)) as marc:
        held(marc)
        drag(marc, "fort", DAY.format(day=other), hour=16)
        marc.shows(f"Reprogrammé au {other:%d/%m/%Y} à 16:00")
        assert wall(lea, found) == f"{other}T16:00"
        marc.press("Annuler le déplacement")
        marc.shows("Déplacement annulé")
        assert wall(lea, found) == str(at)
        marc.hides("Annuler le déplacement")
        assert marc.run("document.querySelectorAll('.gr-ghost, .gr-hours, img[src=x]').length") == 0
        card(marc, "10:20").click()  # a press without dragging opens the post
        marc.page.locator(OPENED).wait_for()


def test_month_view_keeps_the_time_of_day(lea: RunningAgency) -> None:
    found, at = planned(lea, "au mois", 2)
    other = at.day + timedelta(days=1)
    with lea.visitor(f"/calendar?view=month&day={at.day}") as marc:
        held(marc)
        drag(marc, "au mois", DAY.format(day=other))
        marc.shows(f"Reprogrammé au {other:%d/%m/%Y} à 10:20")
        assert wall(lea, found) == f"{other}T10:20"


@pytest.mark.parametrize("act", ["click", "Enter"])
def test_post_in_month_view_is_opened(lea: RunningAgency, act: str) -> None:
    found, at = planned(lea, "à ouvrir", 2)
    with lea.visitor(f"/calendar?view=month&day={at.day}") as marc:
        held(marc)
        if act == "click":
            card(marc, "à ouvrir").click()
        else:
            card(marc, "à ouvrir").focus()
            marc.page.keyboard.press("Shift+ArrowRight")
            marc.shows(f"Reprogrammé au {at.day + timedelta(days=1):%d/%m/%Y} à 10:20")
            marc.rest()
            marc.until("() => document.activeElement.innerText.includes('à ouvrir')")
            marc.page.keyboard.press("Enter")
        marc.page.locator(OPENED).wait_for()
        with lea.desk.scope() as scope:
            assert str(get_delivery(scope, found).post_id) in marc.page.url


def test_drag_into_the_past_is_refused(lea: RunningAgency) -> None:
    found = lea.desk.delivery("vers hier", after=2 * 86_400)
    before = wall(lea, found)
    at = datetime.fromisoformat(before)
    yesterday = local_day(lea.desk.now(), ZONE) - timedelta(days=1)
    with lea.visitor(f"/calendar?view=month&day={at:%Y-%m-%d}") as marc:
        marc.rest()
        cell = DAY.format(day=yesterday)
        if not marc.page.locator(cell).count():
            pytest.skip("yesterday is in no row of this month")
        drag(marc, "vers hier", cell)
        marc.shows("La nouvelle heure serait déjà passée")
    assert wall(lea, found) == before


def test_card_moves_by_keyboard_and_keeps_the_focus(lea: RunningAgency) -> None:
    found, at = planned(lea, "au clavier", 1)
    with lea.visitor(week(at)) as marc:
        held(marc)
        card(marc, "au clavier").focus()
        marc.page.keyboard.press("Shift+ArrowRight")
        marc.shows(f"Reprogrammé au {at.day + timedelta(days=1):%d/%m/%Y} à 10:20")
        marc.rest()
        marc.until("() => document.activeElement.innerText.includes('au clavier')")
        marc.page.keyboard.press("Shift+ArrowDown")
        marc.shows(f"Reprogrammé au {at.day + timedelta(days=1):%d/%m/%Y} à 11:00")
        assert wall(lea, found) == f"{at.day + timedelta(days=1)}T11:00"
        assert f"day={at.day}" in marc.page.url  # the keys do not navigate the calendar


def test_key_pressed_during_a_move_reports_no_conflict(lea: RunningAgency) -> None:
    found, at = planned(lea, "deux fois", 1)
    with lea.visitor(week(at)) as marc:
        held(marc)
        card(marc, "deux fois").focus()
        marc.page.keyboard.press("Shift+ArrowDown")
        marc.page.keyboard.press("Shift+ArrowDown")
        marc.shows(f"Reprogrammé au {at.day:%d/%m/%Y} à 11:00")
        marc.page.wait_for_timeout(1500)
        marc.rest()
        assert "Un autre membre a modifié" not in marc.text()
        assert wall(lea, found) == f"{at.day}T11:00"


def test_card_in_lanes_moves_in_time_but_not_between_accounts(lea: RunningAgency) -> None:
    found, at = planned(lea, "en ligne", 1)
    lea.desk.connect("second")
    own, others = lea.desk.channels["main"], lea.desk.channels["second"]
    thursday = at.day + timedelta(days=2)
    with lea.visitor(week(at) + "&by=account") as marc:
        held(marc)
        drag(marc, "en ligne", LANE.format(lane=others, column=3))
        marc.shows("ne peut pas changer de compte")
        assert wall(lea, found) == str(at)
        drag(marc, "en ligne", LANE.format(lane=own, column=3))
        marc.shows(f"Reprogrammé au {thursday:%d/%m/%Y} à 10:20")
        assert wall(lea, found) == f"{thursday}T10:20"
        marc.page.goto(
            lea.url + f"/calendar?view=day&day={thursday}&by=account&zone=America/New_York"
        )
        held(marc)
        hers = to_wall_time(WallTime(thursday, time(7), "America/New_York").instant(), ZONE)
        drag(marc, "en ligne", LANE.format(lane=own, column=7))
        marc.shows(f"à {hers.clock:%H:%M} (Paris)")
        assert wall(lea, found) == str(hers)
        marc.rest()
        marc.page.locator(".gr-lanes a.gr-open").first.focus()
        marc.page.keyboard.press("Shift+ArrowRight")
        marc.shows(f"à {hers.clock.hour + 1:02}:00 (Paris)")
        marc.rest()
        # a press without dragging opens the post
        marc.page.locator(".gr-lanes a.gr-open").first.click()
        marc.page.locator(OPENED).wait_for()


def test_calendar_fits_the_width_of_a_phone(lea: RunningAgency) -> None:
    _, at = planned(lea, HOSTILE * 3, 1)
    with lea.visitor(week(at), width=390, height=844) as marc:
        marc.rest()
        assert marc.overflow <= 0
        assert "Faites glisser" not in marc.text()
        for other in (
            f"view=month&day={at.day}",
            f"view=week&by=account&day={at.day}",
            f"view=day&by=creator&day={at.day}",
        ):
            marc.page.goto(lea.url + f"/calendar?{other}")
            marc.rest()
            assert marc.overflow <= 0
