"""Clocks of the calendar: a post may be planned on another one than its creator's, and is looked at on any."""

from datetime import timedelta
from uuid import UUID

from schedules import reads as schedule_reads
from schedules.calendar import local_day
from schedules.moving import delivery
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streams import stream

ELSEWHERE = "America/New_York"


def planned(who: Agency, delivery_id: UUID) -> tuple[str, str]:
    with who.scope() as scope:
        row = delivery(scope, delivery_id)
        return row.wall_time, row.zone


def test_a_post_keeps_the_clock_it_was_planned_on(door: Door, lumiere: Agency) -> None:
    found = lumiere.post("à New York")
    with lumiere.scope() as scope:
        post_id, first = schedule_reads.post_of(scope, found), local_day(scope.now, ZONE) + timedelta(days=30)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.choose("À l’heure de", ELSEWHERE)
        page.type("Date (JJ/MM/AAAA)", f"{first:%d/%m/%Y}")
        page.type("Heure (HH:MM)", "20:00")
        assert "20:00 (New York)" in page.press("Déplacer")
        assert planned(lumiere, found) == (f"{first}T20:00", ELSEWHERE)
        shown = page.open("/calendar", post=post_id)
        assert "(Paris)" in shown
        assert "20:00 (New York)" in shown
        later = first + timedelta(days=150)  # clocks change in between, there and here on other days
        page.type("Date (JJ/MM/AAAA)", f"{later:%d/%m/%Y}")
        page.press("Déplacer")
        assert planned(lumiere, found) == (f"{later}T20:00", ELSEWHERE)
        page.press("Dupliquer")
        assert "À l’heure de New York" in page.choose("Quand", "À une date et une heure")
