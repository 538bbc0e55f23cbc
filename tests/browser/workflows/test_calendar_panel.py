"""The calendar in a real browser: posts opened in the side panel, approved, moved with the pickers,
and gaps of the queue filled, by mouse and by keyboard."""

from datetime import time, timedelta

from foundation.ops.wall_time import WallTime, local_day
from schedules.availability import slots
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tests.browser.installation import RunningAgency
from tests.browser.test_every_page import axe, picture
from tests.browser.workflows.test_calendar_drag_and_drop import card, held, planned, week
from tests.schedules.builders import ZONE

PANEL = ".st-key-gr_panel"
FOCUSED = "document.activeElement.closest('a, button')?.innerText"


def test_post_is_moved_in_the_panel_by_keyboard(lea: RunningAgency) -> None:
    found, at = planned(lea, "dans le panneau", 1)
    later = at.day + timedelta(days=9)
    with lea.visitor(f"/calendar?view=month&day={at.day}") as marc:
        held(marc)
        card(marc, "dans le panneau").focus()
        marc.page.keyboard.press("Enter")
        marc.page.locator(f"{PANEL} .gr-panel-title").wait_for()
        marc.until(f"() => {FOCUSED}?.includes('Fermer')")
        marc.rest()
        assert axe(marc) == []
        marc.page.keyboard.press("Escape")
        marc.page.locator(PANEL).wait_for(state="detached")
        marc.until(f"() => {FOCUSED}?.includes('dans le panneau')")
        marc.rest()
        marc.page.keyboard.press("Enter")
        marc.page.locator(f"{PANEL} .gr-panel-title").wait_for()
        marc.rest()
        marc.pick("Date", later)
        marc.press("Reprogrammer")
        marc.shows(f"Reprogrammé au {later:%d/%m/%Y} à 10:20")
        for width in (1440, 390):
            marc.size(width)
            marc.rest()
            picture(marc, f"calendar_panel_{width}", width, 900)
            assert marc.overflow <= 0, width
    with lea.desk.scope() as scope:
        assert get_delivery(scope, found).wall_time == str(WallTime(later, time(10, 20), ZONE))


def test_pending_post_is_approved_beside_the_calendar(lea: RunningAgency) -> None:
    found = lea.desk.wish(lea.desk.write("à valider ici"), "main", after=2 * 86_400)
    with lea.desk.scope() as scope:
        day = local_day(get_delivery(scope, found).due_at, ZONE)
    with lea.visitor(f"/calendar?view=week&day={day}") as marc:
        held(marc)
        card(marc, "à valider ici").click()
        marc.press("Valider")
        marc.shows("Validé")
        marc.rest()
        marc.until("() => !document.querySelector('.gr-board .gr-tone-waiting')")
    assert lea.desk.state(found) is DeliveryState.SCHEDULED


def test_gap_of_the_queue_is_filled(lea: RunningAgency) -> None:
    _, at = planned(lea, "dans la file", 1)
    with lea.desk.scope() as scope:
        for weekday in range(7):
            slots.add_slot(
                scope, lea.desk.channels["main"], weekday=weekday, clock=time(17, 45), zone=ZONE
            )
    with lea.visitor(week(at)) as marc:
        held(marc)
        marc.page.keyboard.press("q")
        marc.shows("créneaux libres")
        marc.rest()
        assert axe(marc) == []
        picture(marc, "calendar_queue", 1440, 900)
        marc.size(390)
        marc.rest()
        assert marc.overflow <= 0
        marc.size(1440)
        marc.page.locator(".gr-slot a", has_text="17:45").nth(2).click()
        marc.shows("Nouvelle publication")
        marc.until(
            "() => [...document.querySelectorAll('input')].some((one) => one.value === '17:45')"
        )


def test_keys_typed_into_the_search_are_text(lea: RunningAgency) -> None:
    planned(lea, "quai du port", 30)
    with lea.visitor("/calendar?view=week") as marc:
        held(marc)
        marc.page.get_by_placeholder("Rechercher", exact=True).click()
        marc.page.keyboard.type("quaimd")
        assert "view=month" not in marc.page.url
        marc.page.keyboard.press("Backspace")
        marc.page.keyboard.press("Backspace")
        marc.page.keyboard.press("Enter")
        marc.shows("1 publication avec « quai »")
        card(marc, "quai du port").click()
        marc.page.locator(f"{PANEL} .gr-panel-title").wait_for()
