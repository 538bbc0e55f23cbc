"""Posts dragged by mouse and moved by keyboard, taken back and refused: seen on the page and in the
rows."""

from datetime import datetime, time, timedelta
from uuid import UUID

import pytest

from foundation.ops.wall_time import WallTime, local_day, to_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.posts.transitions import get_delivery
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.schedules.builders import ZONE

HOSTILE = "<img src=x onerror=alert(1)> **fort** [ici](javascript:alert(1))"
DAY = ".st-key-{kind}-{day}"
LANE = 'tr[data-gr-lane="{lane}"] > td >> nth={column}'


def planned(
    lea: RunningAgency, words: str, days: int, clock: time = time(10, 20)
) -> tuple[UUID, WallTime]:
    """A post on the calendar so many days after next Monday."""
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
    """The page is drawn to its end and its cards can be taken hold of."""
    visitor.rest()
    visitor.until("() => document.body.classList.contains('gr-holds')")


def drag(visitor: Visitor, words: str, to: str, *, hour: int | None = None) -> None:
    """Take the card of these words to a day; in the week to an hour of it, as the page then shows
    them."""
    page = visitor.page
    card = page.locator(".st-key-gr_grid").get_by_text(words).first
    card.scroll_into_view_if_needed()
    start, end = card.bounding_box(), page.locator(to).first.bounding_box()
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


def test_a_card_is_dragged_to_an_hour_of_another_day_and_back(lea: RunningAgency) -> None:
    found, at = planned(lea, HOSTILE, 1)
    other = at.day + timedelta(days=2)
    with lea.visitor(week(at)) as marc:
        held(marc)
        drag(marc, "fort", DAY.format(kind="column", day=other), hour=16)
        marc.shows(f"Reprogrammé au {other:%d/%m/%Y} à 16:00")
        assert wall(lea, found) == f"{other}T16:00"
        marc.press("Annuler le déplacement")
        marc.shows("Déplacement annulé")
        assert wall(lea, found) == str(at)
        marc.hides("Annuler le déplacement")
        assert marc.run("document.querySelectorAll('.gr-ghost, .gr-hours, img[src=x]').length") == 0
        marc.press("10:20")  # no drag: a press opens the post
        marc.shows("Programmé")


def test_a_month_keeps_the_clock(lea: RunningAgency) -> None:
    found, at = planned(lea, "au mois", 2)
    other = at.day + timedelta(days=1)
    with lea.visitor(f"/calendar?view=month&day={at.day}") as marc:
        held(marc)
        drag(marc, "au mois", DAY.format(kind="cell", day=other))
        marc.shows(f"Reprogrammé au {other:%d/%m/%Y} à 10:20")
        assert wall(lea, found) == f"{other}T10:20"


@pytest.mark.parametrize("act", ["click", "Enter"])
def test_a_post_of_a_month_is_opened(lea: RunningAgency, act: str) -> None:
    found, at = planned(lea, "à ouvrir", 2)
    with lea.visitor(f"/calendar?view=month&day={at.day}") as marc:
        held(marc)
        card = marc.page.locator(".gr-compact").get_by_text("à ouvrir").first
        if act == "click":
            card.click()
        else:
            card.focus()
            marc.page.keyboard.press("Shift+ArrowRight")
            marc.shows(f"Reprogrammé au {at.day + timedelta(days=1):%d/%m/%Y} à 10:20")
            marc.rest()
            marc.until("() => document.activeElement.innerText.includes('à ouvrir')")
            marc.page.keyboard.press("Enter")
        marc.shows("Programmé")
        with lea.desk.scope() as scope:
            assert str(get_delivery(scope, found).post_id) in marc.page.url


def test_the_past_is_refused_and_nothing_moves(lea: RunningAgency) -> None:
    found = lea.desk.delivery("vers hier", after=2 * 86_400)
    before = wall(lea, found)
    at = datetime.fromisoformat(before)
    yesterday = local_day(lea.desk.now(), ZONE) - timedelta(days=1)
    with lea.visitor(f"/calendar?view=month&day={at:%Y-%m-%d}") as marc:
        marc.rest()
        cell = DAY.format(kind="cell", day=yesterday)
        if not marc.page.locator(cell).count():
            pytest.skip("yesterday is in no row of this month")
        drag(marc, "vers hier", cell)
        marc.shows("Sa nouvelle heure serait déjà passée")
    assert wall(lea, found) == before


def test_a_card_moves_by_keyboard_and_stays_chosen(lea: RunningAgency) -> None:
    found, at = planned(lea, "au clavier", 1)
    with lea.visitor(week(at)) as marc:
        held(marc)
        marc.button("au clavier").focus()
        marc.page.keyboard.press("Shift+ArrowRight")
        marc.shows(f"Reprogrammé au {at.day + timedelta(days=1):%d/%m/%Y} à 10:20")
        marc.rest()
        marc.until("() => document.activeElement.innerText.includes('au clavier')")
        marc.page.keyboard.press("Shift+ArrowDown")
        marc.shows(f"Reprogrammé au {at.day + timedelta(days=1):%d/%m/%Y} à 11:00")
        assert wall(lea, found) == f"{at.day + timedelta(days=1)}T11:00"
        assert f"day={at.day}" in marc.page.url  # the page's own arrows were not meant


def test_a_key_pressed_before_the_card_has_moved_blames_nobody(lea: RunningAgency) -> None:
    found, at = planned(lea, "deux fois", 1)
    with lea.visitor(week(at)) as marc:
        held(marc)
        marc.button("deux fois").focus()
        marc.page.keyboard.press("Shift+ArrowDown")
        marc.page.keyboard.press("Shift+ArrowDown")
        marc.shows(f"Reprogrammé au {at.day:%d/%m/%Y} à 11:00")
        marc.page.wait_for_timeout(1500)
        marc.rest()
        assert "Quelqu’un a modifié" not in marc.text()
        assert wall(lea, found) == f"{at.day}T11:00"


def test_in_lanes_a_card_moves_in_time_and_never_to_another_account(lea: RunningAgency) -> None:
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
        marc.page.locator(".gr-lanes a.gr-open").first.click()  # no drag: a press opens the post
        marc.shows("Programmé")


def test_a_phone_shows_the_week_as_wide_as_it_is(lea: RunningAgency) -> None:
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
