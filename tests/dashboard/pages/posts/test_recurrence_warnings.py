"""Problems of a repeat are shown while it is configured, by the same check as on submit."""

from datetime import timedelta

from foundation.ops.wall_time import to_wall_time
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import posts
from tests.dashboard.pages.posts.test_recurrence import begun, rows, weekly
from tests.dashboard.streamlit_client import stream

HOUR, NEAR = "Heure (HH:MM)", "à moins de 6 heures"


def test_two_series_too_close_are_reported_before_submit(door: Door, lumiere: Agency) -> None:
    begun(lumiere)
    with lumiere.scope() as scope:
        day = to_wall_time(scope.now, ZONE).day + timedelta(days=8)
    with stream(door.url, door.cookie(lumiere)) as page:
        weekly(page, "Sandbox")
        page.choose("Programmation", "Choisir la date")
        page.type("Date (JJ/MM/AAAA)", f"{day:%d/%m/%Y}")
        assert NEAR in page.type(HOUR, "12:00")
        assert NEAR not in page.type(HOUR, "16:30")
        page.type(HOUR, "12:00")
        assert page.press("Programmer").count(NEAR) == 2
    assert len(posts(lumiere)) == 1


def test_replaced_dates_cause_no_warning(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=rows(lumiere, post_id)[2].occurrence_key)
        assert NEAR not in page.type(HOUR, "12:00")
        assert "Modifié à partir du" in page.press("Enregistrer pour cette date et les suivantes")
