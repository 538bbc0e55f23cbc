"""Queries of imports, exports, feeds and calendar subscriptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from channels.accounts import queries
from dashboard.shell.date_input import parse_date
from dashboard.shell.localization import MemberLocalizer
from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.ops.wall_time import WallTime, day_bounds, local_day
from schedules.calendar import calendar_subscriptions, exports
from schedules.calendar.calendar_subscriptions import CalendarSubscription
from schedules.calendar.icalendar import render_icalendar
from schedules.feeds import sources
from schedules.feeds.sources import FeedView
from schedules.imports import account_names, import_files
from schedules.imports.import_files import ImportView
from tenants.agencies.queries import Creator, Member

USUAL_WINDOW = timedelta(days=30)
NOON = time(12, 0)


@dataclass(frozen=True)
class ImportsView:
    """Imports, newest first, and the one that is shown."""

    now: datetime
    known: Sequence[ImportView]
    shown: ImportView | None


@dataclass(frozen=True)
class FeedsView:
    """A creator's feeds and the channels that drafts can be written for."""

    now: datetime
    creator: Creator
    accounts: dict[UUID, str]
    feeds: Sequence[FeedView]


@dataclass(frozen=True)
class CalendarSubscriptionsView:
    """A member's calendar subscriptions."""

    now: datetime
    living: Sequence[CalendarSubscription]


@dataclass(frozen=True)
class DateRange:
    """A range of local days that includes both ends."""

    first: date
    last: date


def load_imports(scope: Scope, mine: Sequence[Creator], chosen: UUID | None) -> ImportsView:
    """Return the imports that concern only these creators.

    `chosen` is shown, the newest one by default.
    """
    ids = [one.id for one in mine]
    known = import_files.list_imports(scope, creators=ids)
    wanted = next((one.id for one in known if one.id == chosen), known[0].id if known else None)
    shown = import_files.get_import(scope, wanted, creators=ids) if wanted is not None else None
    return ImportsView(scope.now, known, shown)


def load_feeds(scope: Scope, creator: Creator) -> FeedsView:
    """Return the feeds of a creator."""
    accounts = {one.id: one.name for one in queries.list_creator_channels(scope, creator.id)}
    return FeedsView(scope.now, creator, accounts, sources.list_feeds(scope, creator.id))


def load_calendar_subscriptions(scope: Scope, member: Member) -> CalendarSubscriptionsView:
    """Return the calendar subscriptions of a member."""
    return CalendarSubscriptionsView(
        scope.now, calendar_subscriptions.list_calendar_subscriptions(scope, member.id)
    )


def default_date_range(scope: Scope, zone: str) -> DateRange:
    """Return the range that starts today."""
    today = local_day(scope.now, zone)
    return DateRange(today, today + USUAL_WINDOW)


def parse_date_range(first: str, last: str) -> DateRange:
    """Parse two typed days.

    Raises BadInput for an invalid day, an end before the start, or a range that is too long.
    """
    found = DateRange(parse_date(first), parse_date(last))
    if found.last < found.first:
        raise BadInput("files.window_backwards")
    if found.last - found.first >= exports.MAX_EXPORT_WINDOW:
        raise BadInput("files.window_too_long")
    if not 2000 <= found.first.year <= found.last.year <= 2200:
        raise BadInput("files.window_too_long")
    return found


def check_export_size(scope: Scope, mine: Sequence[Creator], days: DateRange) -> None:
    """Raise BadInput if the range has more posts than one file may contain. Exports are never cut
    silently."""
    start, end = _range_bounds(mine, days)
    if (
        exports.count_export_rows(scope, {one.id for one in mine}, start, end)
        > exports.MAX_EXPORTED_DELIVERIES
    ):
        raise BadInput("files.window_too_full", most=exports.MAX_EXPORTED_DELIVERIES)


def _range_bounds(mine: Sequence[Creator], days: DateRange) -> tuple[datetime, datetime]:
    zone = mine[0].zone if mine else "UTC"
    return day_bounds(days.first, zone)[0], day_bounds(days.last, zone)[1]


def export_posts(
    scope: Scope, mine: Sequence[Creator], voice: MemberLocalizer, days: DateRange, form: str
) -> bytes:
    """Return the posts of these creators in the range as "csv" or "ics".

    Days are those of the first creator's time zone.
    """
    found = exports.load_export_rows(scope, {one.id for one in mine}, *_range_bounds(mine, days))
    if form == "ics":
        return render_icalendar(found, now=scope.now, name=voice.text("files.calendar_name"))
    said = {
        asked: voice.message_text(reason)
        for asked, reason in exports.collect_reason_messages(found).items()
    }
    return exports.render_csv(found, said)


def example_import_file(scope: Scope, mine: Sequence[Creator]) -> bytes:
    """Return an example file with names of an existing creator and channel."""
    creator = mine[0]
    accounts = list(
        account_names.name_accounts(queries.list_creator_channels(scope, creator.id)).values()
    )
    at = WallTime(local_day(scope.now, creator.zone) + timedelta(days=1), NOON, creator.zone)
    return exports.render_example_csv(creator.name, accounts[0] if accounts else "…", at)


def import_report(shown: ImportView, voice: MemberLocalizer) -> bytes:
    """Return the findings of an import as CSV."""
    rows: list[Sequence[CsvCell]] = [
        [voice.text(f"files.head.{name}") for name in ("line", "column", "kind", "said")]
    ]
    for one in shown.findings:
        kind = voice.text("files.kind.problem" if one.grave else "files.kind.mark")
        rows.append([one.line, one.column, kind, voice.message_text(one.message)])
    return render_csv_table(rows).encode("utf-8-sig")
