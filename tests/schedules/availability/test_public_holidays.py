"""Public holidays: their names, the settings of agency and creator, and the features that respect
them."""

from datetime import date, time, timedelta
from uuid import UUID

import pytest

from channels.accounts import queries as channel_reads
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day
from schedules.availability import (
    holiday_settings,
    minimum_interval,
    public_holidays,
    quiet_periods,
)
from schedules.availability.public_holidays import Holiday, HolidaySetting, list_holidays_of_year
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.slots import find_free_places
from schedules.availability.usual_hours import filter_closing_periods, filter_free_times
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import MoveSelection, TimeOffset
from tests.schedules.availability.test_slots import every_day
from tests.schedules.builders import ZONE, SandboxAgency
from tests.schedules.rescheduling.test_skipped_occurrences import daily, instants, reasons

NOON = time(12)


def names(country: str, region: str = "", year: int = 2027) -> dict[date, tuple[str, str]]:
    return {
        one.day: (one.english, one.french) for one in list_holidays_of_year(country, region, year)
    }


def test_holidays_have_french_and_english_names() -> None:
    france, moselle = names("FR"), names("FR", "57")
    assert france[date(2027, 7, 14)] == ("National Day", "Fête nationale")
    assert moselle.items() - france.items() == {
        (date(2027, 3, 26), ("Good Friday", "Vendredi saint")),
        (date(2027, 12, 26), ("Saint Stephen's Day", "Saint-Étienne")),
    }
    assert names("DE", "BY")[date(2027, 5, 6)] == ("Ascension Day", "Ascension")
    observed = names("US")[date(2027, 12, 24)]
    assert observed == ("Christmas Day (observed)", "Noël (jour chômé)")
    assert dict(public_holidays.list_countries("fr"))["DE"] == "Allemagne"
    assert dict(public_holidays.list_regions("FR"))["57"] == "Moselle"
    assert list_holidays_of_year("XX", "", 2027) == list_holidays_of_year("FR", "BY", 2027) == (), (
        "an unknown country or region has no holidays"
    )


def test_excluded_holiday_stays_excluded_under_estimated_or_joint_name() -> None:
    estimated, known = (
        Holiday(date(2027, 3, 9), f"Eid al-Fitr{more}", "") for more in (" (estimated)", "")
    )
    assert estimated.holiday_keys == known.holiday_keys == ("Eid al-Fitr",)
    both = Holiday(date(2027, 5, 6), "Ascension Day; Eid al-Adha (observed, estimated)", "")
    assert both.holiday_keys == ("Ascension Day", "Eid al-Adha (observed)")
    assert both.is_quiet(["Ascension Day"])
    assert not both.is_quiet(both.holiday_keys)


def choose(lea: SandboxAgency, of_id: UUID, country: str, **more: object) -> None:
    lea.act(holiday_settings.set_holiday_country, of_id, country=country, **more)


def kept(lea: SandboxAgency) -> list[QuietPeriod]:
    with lea.scope() as scope:
        return [
            one for one in quiet_periods.list_quiet_periods(scope, [lea.creator_id]) if one.country
        ]


def test_creator_setting_overrides_agency_holidays(lea: SandboxAgency) -> None:
    assert kept(lea) == []
    choose(lea, lea.tenant_id, "FR")
    assert {one.country for one in kept(lea)} == {"FR"}
    assert kept(lea)[0].display_name("fr") != kept(lea)[0].display_name("en")
    choose(lea, lea.creator_id, "JP", left_out=("Greenery Day",))
    assert {one.country for one in kept(lea)} == {"JP"}
    assert "Greenery Day" not in {one.display_name("en") for one in kept(lea)}
    choose(lea, lea.creator_id, "")
    assert kept(lea) == []
    lea.act(holiday_settings.clear_holiday_country, lea.creator_id)
    assert {one.country for one in kept(lea)} == {"FR"}
    with pytest.raises(NotFound):
        choose(lea, uuid7(), "FR")
    for wrong in ({"country": "XX"}, {"country": "FR", "region": "BY"}):
        with pytest.raises(BadInput):
            lea.act(holiday_settings.set_holiday_country, lea.creator_id, **wrong)


def first(lea: SandboxAgency) -> Holiday:
    """Return the first Japanese holiday from the day after tomorrow on. No three months are without
    one."""
    of = HolidaySetting(uuid7(), lea.creator_id, "JP", "", ())
    return public_holidays.list_coming_holidays(of, local_day(lea.now(), ZONE) + timedelta(days=2))[
        0
    ]


def test_slots_skip_holidays_and_manual_move_is_warned(lea: SandboxAgency) -> None:
    every_day(lea, NOON)
    holiday = first(lea)
    at, main = WallTime(holiday.day, NOON, ZONE), lea.channels["main"]
    planned = lea.delivery("planned", after=60, late_ok=None)
    before = WallTime(holiday.day - timedelta(days=1), NOON, ZONE)

    def slots(lea: SandboxAgency) -> list[date]:
        with lea.scope() as scope:
            found = find_free_places(
                scope, channel_reads.get_channel(scope, main), after=before.instant()
            )
            return [place.day for place, _ in zip(found, range(2), strict=False)]

    assert slots(lea)[0] == holiday.day
    choose(lea, lea.creator_id, "JP")
    assert holiday.day not in slots(lea)
    with lea.scope() as scope:
        near = minimum_interval.find_interval_warning(scope, main, at.instant())
        closed = filter_closing_periods(
            quiet_periods.list_quiet_periods(scope, [lea.creator_id]), lea.creator_id
        )
        assert not filter_free_times([at], [], scope.now, closed)
        days = (holiday.day - local_day(scope.now, ZONE)).days
        moved = MoveSelection(lea.creator_id, None, scope.now, scope.now + timedelta(hours=1))
        shown = bulk_moves.preview_bulk_move(scope, moved, TimeOffset(days=days))
    assert near is not None
    assert near.quiet is not None
    assert near.quiet.display_name("en") == holiday.english
    assert [(one.delivery_id, one.warning and one.warning.code) for one in shown.moving] == [
        (planned, "shift.quiet")
    ]


def test_series_skips_holiday_and_resumes_on_excluded_one(
    lea: SandboxAgency,
) -> None:
    post_id, holiday = daily(lea), first(lea)
    before = instants(lea, post_id)
    assert holiday.day in {at.date() for at in before}
    choose(lea, lea.tenant_id, "JP")
    lea.run()
    assert holiday.day not in {at.date() for at in instants(lea, post_id)}
    assert set(reasons(lea, post_id)) == {"series.quiet"}
    choose(lea, lea.tenant_id, "JP", left_out=holiday.holiday_keys)
    lea.run()
    assert holiday.day in {at.date() for at in instants(lea, post_id)}
    lea.act(holiday_settings.clear_holiday_country, lea.tenant_id)
    lea.run()
    assert instants(lea, post_id) == before
