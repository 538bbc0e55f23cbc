"""Public holidays of countries and their regions, with English and French names.

The dates come from the pinned version of the `holidays` library
(https://github.com/vacanza/holidays). The library is imported only once a country has been chosen.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import load_catalogue
from schedules.availability.models import HolidaySettingRow

AHEAD = 2
"""Years after the current one for which the calendar includes holidays."""

SCHOOL = "Zone "
"""Prefix of regions that differ only in their school holidays."""

_ENGLISH = ("en_US", "en_GB")
_ESTIMATE = re.compile(r" \(estimated\)$|, estimated(?=\))")
# The library appends notes to names, such as "(observed)" or "(estimated)".
_PART = re.compile(r"(?P<name>.*?)(?: \((?P<note>observed|estimated|observed, estimated)\))?")


@dataclass(frozen=True)
class HolidaySetting:
    """The public holidays that are quiet days; `of_id` is a creator or the tenant.

    An empty country means no holidays.
    """

    id: UUID
    of_id: UUID
    country: str
    region: str
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Holiday:
    """The public holidays of one day. If a day has two, their names are joined by "; "."""

    day: date
    english: str
    french: str

    @property
    def holiday_keys(self) -> tuple[str, ...]:
        """The names used to exclude the holiday, the same for estimated and final dates."""
        return tuple(_ESTIMATE.sub("", one) for one in self.english.split("; "))

    def is_quiet(self, left_out: Collection[str]) -> bool:
        """Return True if posts are not published on this day, because at least one of its holidays
        is not excluded."""
        return not set(self.holiday_keys) <= set(left_out)

    def display_name(self, language: str) -> str:
        """Return the name in a language, "fr" or "en"."""
        return self.french if language == "fr" else self.english


def get_holiday_setting(scope: Scope, of_id: UUID) -> HolidaySetting | None:
    """Return the setting of a creator or of the agency, without fallback, or None if there is
    none."""
    return _load_holiday_settings(scope, [of_id]).get(of_id)


def effective_holiday_settings(
    scope: Scope, creators: Iterable[UUID]
) -> dict[UUID, HolidaySetting]:
    """Return the setting that applies to each creator, falling back to the agency's.

    Creators without an applicable setting are not in the result.
    """
    wanted = list(creators)
    known = _load_holiday_settings(scope, [scope.tenant_id, *wanted])
    usual = known.get(scope.tenant_id)
    found = {creator_id: known.get(creator_id, usual) for creator_id in wanted}
    return {creator_id: one for creator_id, one in found.items() if one is not None and one.country}


def _load_holiday_settings(scope: Scope, owners: Collection[UUID]) -> dict[UUID, HolidaySetting]:
    known = (
        HolidaySettingRow.id,
        HolidaySettingRow.of_id,
        HolidaySettingRow.country,
        HolidaySettingRow.region,
        HolidaySettingRow.left_out,
    )
    rows = scope.session.execute(
        # select() has no overload for this many columns
        select(*known).where(  # type: ignore[call-overload]  # see above
            HolidaySettingRow.tenant_id == scope.tenant_id,
            col(HolidaySettingRow.of_id).in_(list(owners)),
        )
    )
    return {
        of_id: HolidaySetting(key, of_id, country, region, tuple(out))
        for key, of_id, country, region, out in rows
    }


def list_quiet_holidays(of: HolidaySetting, since: date) -> Iterator[Holiday]:
    """Yield the holidays of a setting from a day on until `AHEAD` years later, except excluded
    ones."""
    for year in range(since.year, since.year + AHEAD + 1):
        for one in list_holidays_of_year(of.country, of.region, year):
            if one.day >= since and one.is_quiet(of.left_out):
                yield one


def list_coming_holidays(of: HolidaySetting, today: date) -> list[Holiday]:
    """Return all holidays of a setting within a year from a day on, including excluded ones."""
    if not of.country:
        return []
    found = (
        one
        for year in (today.year, today.year + 1)
        for one in list_holidays_of_year(of.country, of.region, year)
    )
    return [one for one in found if today <= one.day < today + timedelta(days=366)]


@cache
def list_holidays_of_year(country: str, region: str, year: int) -> tuple[Holiday, ...]:
    """Return every public holiday of a year in order.

    The result is empty for a country or region that the library no longer supports.
    """
    if country not in _supported_countries() or (
        region and region not in _supported_countries()[country]
    ):
        return ()
    english = _holiday_names_by_date(
        country, region, year, _find_localized_language(country, _ENGLISH)
    )
    french = (
        _holiday_names_by_date(country, region, year, _find_localized_language(country, ("fr",)))
        if _find_localized_language(country, ("fr",))
        else {}
    )
    return tuple(
        Holiday(day, name, _replace_apostrophes(french.get(day) or _translate_to_french(name)))
        for day, name in sorted(english.items())
    )


def _holiday_names_by_date(
    country: str, region: str, year: int, language: str | None
) -> dict[date, str]:
    found = _import_holidays_library().country_holidays(
        country, subdiv=region or None, years=year, language=language
    )
    return {day: str(name) for day, name in found.items()}


def _replace_apostrophes(french: str) -> str:
    """Replace straight apostrophes with the typographic ones used on French pages."""
    return french.replace("'", "’")


def _find_localized_language(country: str, languages: Iterable[str]) -> str | None:
    """Return the first of the languages in which the library names a country's holidays.

    None means the default language of the country.
    """
    known = _localized_countries().get(country, ())
    return next((one for one in languages if one in known), None)


def _translate_to_french(english: str) -> str:
    """Translate the holiday names that many countries share; other names stay in English."""
    return "; ".join(map(_translate_name_part, english.split("; ")))


def _translate_name_part(english: str) -> str:
    part = _PART.fullmatch(english)
    known = load_catalogue("fr")
    name = known.get(f"holiday.{_catalogue_key(part['name'])}") if part is not None else None
    if part is None or name is None:
        return english
    note = known[f"holiday.note.{_catalogue_key(part['note'])}"] if part["note"] else ""
    return f"{name} ({note})" if note else name


def _catalogue_key(words: str) -> str:
    return re.sub(r"[^a-z]+", "_", words.lower().replace("'", "")).strip("_")


def check_country(country: str, region: str) -> None:
    """Raise BadInput for an unknown country or region."""
    if country not in _supported_countries():
        raise BadInput("holidays.no_country", country=country)
    if region and region not in _supported_countries()[country]:
        raise BadInput("holidays.no_region", region=region)


def list_countries(language: str) -> list[tuple[str, str]]:
    """Return every supported country as (code, name in `language`), sorted by name; "fr" or
    "en"."""
    from babel import Locale  # noqa: PLC0415  only the settings page needs it

    names = Locale(language).territories
    return sorted(
        ((code, names.get(code, code)) for code in _supported_countries()),
        key=lambda one: _sort_key(one[1]),
    )


def list_regions(country: str) -> list[tuple[str, str]]:
    """Return the regions of a country with their own holidays as (code, name).

    The code is the name where the library knows none. Regions that differ only in school holidays
    are not included.
    """
    if country not in _supported_countries() or not _supported_countries()[country]:
        return []
    known = _import_holidays_library().country_holidays(country).get_subdivision_aliases()
    named = (
        (code, max(known.get(code) or [code], key=len)) for code in _supported_countries()[country]
    )
    return [(code, name) for code, name in named if not code.startswith(SCHOOL)]


def _sort_key(name: str) -> str:
    # Sort accented initials with their base letters.
    return name.translate(str.maketrans("ÉÎÅ", "EIA")).casefold()


@cache
def _supported_countries() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = _import_holidays_library().list_supported_countries(
        include_aliases=False
    )
    return found


@cache
def _localized_countries() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = _import_holidays_library().list_localized_countries(
        include_aliases=False
    )
    return found


@cache
def _import_holidays_library() -> Any:
    # Imported by name on first use: importing it is slow, and most tenants choose no country.
    return import_module("holidays")
