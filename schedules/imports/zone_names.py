"""Suggestions for time zone names that the IANA database does not have. Pure.

Only unambiguous names get a suggestion, because a wrong zone moves a post by hours. Offsets such as
`GMT+2` do not define summer time, and `CST`, `IST`, `BST` and `MST` each mean several zones.
"""

from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from foundation.i18n.name_forms import fold_name

_AREAS = (
    "Africa/",
    "America/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)
_ALIKE = 0.8
"""Minimum similarity of area and of city: `Europe/Berne` is not `Europe/Berlin`."""

_ABBREVIATIONS = {
    "est": "America/New_York",
    "edt": "America/New_York",
    "cdt": "America/Chicago",
    "mdt": "America/Denver",
    "pdt": "America/Los_Angeles",
    "hst": "Pacific/Honolulu",
    "akst": "America/Anchorage",
    "akdt": "America/Anchorage",
    "brt": "America/Sao_Paulo",
    "msk": "Europe/Moscow",
    "sast": "Africa/Johannesburg",
    "eat": "Africa/Nairobi",
    "pkt": "Asia/Karachi",
    "wib": "Asia/Jakarta",
    "sgt": "Asia/Singapore",
    "hkt": "Asia/Hong_Kong",
    "jst": "Asia/Tokyo",
    "kst": "Asia/Seoul",
    "awst": "Australia/Perth",
    "acst": "Australia/Darwin",
    "aest": "Australia/Brisbane",
    "aedt": "Australia/Sydney",
    "nzst": "Pacific/Auckland",
    "nzdt": "Pacific/Auckland",
}
"""Time zones by abbreviation. Sources: https://www.iana.org/time-zones (each continent's file), RFC
5322 §4.3 for North America."""


@cache
def is_fixed_abbreviation(zone: str) -> bool:
    """Return True for an abbreviation that the IANA database has as a fixed offset: `EST`, `MST`,
    `HST`, `GMT`.

    People who write one mean the clock of a region, which differs from it in summer. UTC is no
    region's clock.
    """
    if zone == "UTC" or "/" in zone or zone not in available_timezones():
        return False
    clock = ZoneInfo(zone)
    year = (datetime(2026, 1, 15, tzinfo=UTC) + timedelta(days=30 * month) for month in range(12))
    return {at.astimezone(clock).tzname() for at in year} == {zone}


@lru_cache(maxsize=2048)
def suggest_zone(written: str) -> str:
    """Return the zone that an abbreviation, a city or a typo means, or "" if it is uncertain."""
    name = fold_name(written[:80]).strip().replace(" ", "_")
    if is_fixed_abbreviation(name.upper()):
        return _ABBREVIATIONS.get(name, "")
    if name in _ABBREVIATIONS:
        return _ABBREVIATIONS[name]
    area, slash, city = name.partition("/")
    if not slash:
        named = _zones_by_city().get(name, ())
        return named[0] if len(named) == 1 else ""
    near = [
        zone
        for zone in _list_zones()
        if _is_alike(area, fold_name(zone).partition("/")[0])
        and _is_alike(city, fold_name(zone).partition("/")[2])
    ]
    return near[0] if len(near) == 1 else ""


def _is_alike(written: str, known: str) -> bool:
    matcher = SequenceMatcher(None, written, known, autojunk=False)
    return matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


@cache
def _list_zones() -> tuple[str, ...]:
    return tuple(sorted(zone for zone in available_timezones() if zone.startswith(_AREAS)))


@cache
def _zones_by_city() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for zone in _list_zones():
        found.setdefault(fold_name(zone.rpartition("/")[2]), []).append(zone)
    return found
