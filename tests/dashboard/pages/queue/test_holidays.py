"""The queue page: an enforced minimum interval, and public holidays as quiet days."""

from datetime import time, timedelta

from channels.accounts import queries as channel_reads
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import public_holidays
from schedules.availability.public_holidays import HolidaySetting
from schedules.posts.transitions import get_delivery
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import stream


def test_minimum_interval_is_enforced_and_its_effect_is_shown(door: Door, lumiere: Agency) -> None:
    first = lumiere.post("la première", minutes=300)
    second = lumiere.post("la seconde", minutes=300)
    assert lumiere.channel_id is not None
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=lumiere.channel_id)
        page.type("Intervalle minimal", "90")
        page.check("Imposer l’intervalle")
        assert "sont retardées" in page.press("Enregistrer")
        with lumiere.scope() as scope:
            channel = channel_reads.get_channel(scope, lumiere.channel_id)
            day = local_day(scope.now, ZONE) + timedelta(days=5)
            for one, clock in ((first, time(10)), (second, time(10, 30))):
                reschedule_delivery(scope, one, at=WallTime(day, clock, ZONE))
            post_id, other_id = (
                get_delivery(scope, second).post_id,
                get_delivery(scope, first).post_id,
            )
        assert (channel.min_interval, channel.holds_min_interval) == (timedelta(minutes=90), True)
        assert "serait mise en attente" in page.open("/calendar", post=post_id)
        assert "retarderait l’autre" in page.open("/calendar", post=other_id)
        text = page.open("/calendar", ahead="1")
        assert "dépasserait le retard autorisé" in text


def test_public_holidays_are_set_excluded_and_shown_in_the_calendar(
    door: Door, lumiere: Agency
) -> None:
    channel_id = connected(lumiere)
    with lumiere.scope() as scope:
        of = HolidaySetting(uuid7(), lumiere.creator_id, "FR", "", ())
        first = public_holidays.list_coming_holidays(
            of, local_day(scope.now, ZONE) + timedelta(days=1)
        )[0]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", queue=channel_id)
        assert first.french in page.choose("Pays", "France")
        said = page.press("Enregistrer les jours fériés")
        assert "Jours fériés enregistrés" in said
        assert f"Jour férié · {first.french}" not in said
        text = page.open("/calendar", day=first.day.isoformat())
        assert first.french in text
        assert "Jour férié" in text
        page.open("/calendar", queue=channel_id)
        page.choose("Exceptions (publication autorisée)", first.french)
        assert "publication autorisée" in page.press("Enregistrer les jours fériés")
        assert first.french not in page.open("/calendar", day=first.day.isoformat())
    with lumiere.scope() as scope:
        found = public_holidays.effective_holiday_settings(scope, [lumiere.creator_id])[
            lumiere.creator_id
        ]
    assert (found.country, found.left_out) == ("FR", first.holiday_keys)


def test_member_of_some_creators_cannot_set_holidays_of_the_agency(
    door: Door, lumiere: Agency
) -> None:
    channel_id = connected(lumiere)
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=("fr",)
        )
        members.change_member(
            scope, lumiere.members[Role.MANAGER], role=Role.MANAGER, creators=("mia",)
        )
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "Tous les créateurs" not in page.open("/calendar", queue=channel_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Tous les créateurs" in page.open("/calendar", queue=channel_id)
