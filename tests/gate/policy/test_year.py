"""A simulated year of the rules of platforms, one step a day.

An owner who follows a shown warning within 14 days sees no difference. With an owner who does
nothing, content continues for the stated days, then waits, and one confirmation releases all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.contract.facts import PlatformConfirmation
from gate.contract.units import Rating, Verdict
from gate.policy import bundle
from gate.policy.bundle import CONFIRMATION_PERIOD, GRACE
from gate.policy.matrix import MatrixRow
from gate.reviews.platform_confirmations import WARNING_PERIOD

RULES = bundle.shipped_bundle()
START = date(2026, 12, 1)
DAY = timedelta(days=1)
YEAR = 365
DATED = {name: row for name, row in RULES.rows.items() if row.ages and row.review_by is not None}
PLATFORMS = sorted({row.platform for row in DATED.values() if not row.same_as})
RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)


@dataclass
class Agency:
    """An agency on every platform, with the confirmations of its owner."""

    confirmations: list[PlatformConfirmation] = field(default_factory=list)

    def verdicts(self, on: date) -> dict[tuple[str, Rating], Verdict]:
        """Return the verdict of each rule for each rating on a day."""
        return {
            (name, rating): RULES.row_on_day(row, on, (), self.confirmations).verdict(rating)
            for name, row in DATED.items()
            for rating in RATINGS
        }

    def last_day(self, platform: str, on: date) -> date:
        """Return the last day of the platform, from whose warning period on it can be confirmed."""
        days = (RULES.last_day(row, on, self.confirmations) for row in RULES.dated_rows(platform))
        return min(day for day in days if day is not None)

    def confirm(self, platform: str, on: date) -> None:
        """Confirm a platform as the owner."""
        self.confirmations.append(
            PlatformConfirmation(
                platform, RULES.platform_digest(platform), on, on + CONFIRMATION_PERIOD
            )
        )


def days_of_a_year() -> Iterator[date]:
    for number in range(YEAR):
        yield START + number * DAY


@pytest.mark.parametrize("delay", [0, 14])
def test_owner_who_follows_warnings_sees_no_difference(delay: int) -> None:
    agency = Agency()
    first = agency.verdicts(START)
    warned: dict[str, date] = {}
    for today in days_of_a_year():
        assert agency.verdicts(today) == first, today
        for platform in PLATFORMS:
            if today >= agency.last_day(platform, today) - WARNING_PERIOD:
                shown = warned.setdefault(platform, today)
                if today >= shown + delay * DAY:
                    agency.confirm(platform, today)
                    del warned[platform]
    for platform in PLATFORMS:
        given_ = [one for one in agency.confirmations if one.platform == platform]
        assert 2 <= len(given_) <= 4, platform


def test_content_continues_for_the_grace_and_one_confirmation_releases_all() -> None:
    absent = Agency()
    first = absent.verdicts(START)
    for today in days_of_a_year():
        for (name, rating), verdict in absent.verdicts(today).items():
            last = DATED[name].review_by
            assert last is not None
            held = rating in GRACE and today > last + GRACE[rating]
            wanted = bundle.stricter_verdict(first[name, rating], Verdict.H) if held else None
            assert verdict is (wanted or first[name, rating]), (name, rating, today)
    end = START + YEAR * DAY
    assert any(verdict is not first[key] for key, verdict in absent.verdicts(end).items()), (
        "content is held at the end of the year"
    )
    for platform in PLATFORMS:
        absent.confirm(platform, end)
    assert absent.verdicts(end) == first


@st.composite
def confirmations(draw: st.DrawFn) -> PlatformConfirmation:
    """Draw a confirmation of any platform, some of them invalid."""
    platform = draw(st.sampled_from(PLATFORMS))
    read_on = START + draw(st.integers(0, 1000)) * DAY
    written = draw(st.sampled_from([RULES.platform_digest(platform), "0" * 64]))
    return PlatformConfirmation(
        platform, written, read_on, read_on + draw(st.integers(-10, 400)) * DAY
    )


@given(
    row=st.sampled_from(sorted(DATED.values(), key=lambda row: row.id)),
    rating=st.sampled_from(RATINGS),
    today=st.dates(START, START + 1000 * DAY),
    confirmation=confirmations(),
)
def test_confirmation_never_goes_below_what_is_written(
    row: MatrixRow, rating: Rating, today: date, confirmation: PlatformConfirmation
) -> None:
    without = RULES.row_on_day(row, today).verdict(rating)
    verdict = RULES.row_on_day(row, today, (), (confirmation,)).verdict(rating)
    fresh = RULES.row_on_day(row, START).verdict(rating)
    assert fresh.rank <= verdict.rank <= without.rank
    counts = (
        confirmation.platform == RULES.platform_of_rule(row)
        and confirmation.written == RULES.platform_digest(confirmation.platform)
        and confirmation.read_on <= today
        and DAY <= confirmation.until - confirmation.read_on <= CONFIRMATION_PERIOD
    )
    if not counts:
        assert verdict is without
