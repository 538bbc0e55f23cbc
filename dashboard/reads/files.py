"""Files of posts: those that were brought in, what goes out of a window, and the feeds of a creator."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from channels import reads as channel_reads
from dashboard.reads.when import day_of
from dashboard.wording import Voice
from foundation.database import Scope
from foundation.errors import BadInput
from schedules import addresses, exports, feeds, imports, imports_names
from schedules.addresses import Address
from schedules.calendar import WallTime, bounds, local_day
from schedules.feeds import Subscribed
from schedules.imports import Brought
from schedules.imports_cells import guarded
from tenants.reads import Creator, Member

USUAL_WINDOW = timedelta(days=30)
NOON = time(12, 0)


@dataclass(frozen=True)
class Files:
    """The files that were brought in, the last one first, and the one that is looked at."""

    now: datetime
    known: Sequence[Brought]
    shown: Brought | None


@dataclass(frozen=True)
class Followed:
    """A creator's feeds, and her accounts they may write for."""

    now: datetime
    creator: Creator
    accounts: dict[UUID, str]
    feeds: Sequence[Subscribed]


@dataclass(frozen=True)
class Addressed:
    """The addresses a member's calendars read."""

    now: datetime
    living: Sequence[Address]


@dataclass(frozen=True)
class Window:
    """Local days, the last one included."""

    first: date
    last: date


def files(scope: Scope, mine: Sequence[Creator], chosen: UUID | None) -> Files:
    """What this member brought in, or others who work for no more than they do; `chosen` else the last is shown."""
    ids = [one.id for one in mine]
    known = imports.latest(scope, creators=ids)
    wanted = next((one.id for one in known if one.id == chosen), known[0].id if known else None)
    shown = imports.brought(scope, wanted, creators=ids) if wanted is not None else None
    return Files(scope.now, known, shown)


def followed(scope: Scope, creator: Creator) -> Followed:
    """The feeds of a creator."""
    accounts = {one.id: one.name for one in channel_reads.channels_of(scope, creator.id)}
    return Followed(scope.now, creator, accounts, feeds.subscribed(scope, creator.id))


def addressed(scope: Scope, member: Member) -> Addressed:
    """The addresses of a member."""
    return Addressed(scope.now, addresses.living(scope, member.id))


def usual(scope: Scope, zone: str) -> Window:
    """From today on."""
    today = local_day(scope.now, zone)
    return Window(today, today + USUAL_WINDOW)


def window(first: str, last: str) -> Window:
    """The days somebody typed. Raises BadInput for what is no day, an end before the beginning, or too long a time."""
    found = Window(day_of(first), day_of(last))
    if found.last < found.first:
        raise BadInput("files.window_backwards")
    if found.last - found.first >= exports.LONGEST_WINDOW:
        raise BadInput("files.window_too_long")
    if not 2000 <= found.first.year <= found.last.year <= 2200:
        raise BadInput("files.window_too_long")
    return found


def check_room(scope: Scope, mine: Sequence[Creator], days: Window) -> None:
    """Raise BadInput where these days hold more than one file takes: nothing is left out in silence."""
    start, end = _instants(mine, days)
    if exports.count(scope, {one.id for one in mine}, start, end) > exports.MOST:
        raise BadInput("files.window_too_full", most=exports.MOST)


def _instants(mine: Sequence[Creator], days: Window) -> tuple[datetime, datetime]:
    zone = mine[0].zone if mine else "UTC"
    return bounds(days.first, zone)[0], bounds(days.last, zone)[1]


def outgoing(scope: Scope, mine: Sequence[Creator], voice: Voice, days: Window, form: str) -> bytes:
    """The posts of these creators in these days, as `csv` or `ics`; a day is that of the first creator's clock."""
    found = exports.lines(scope, {one.id for one in mine}, *_instants(mine, days))
    if form == "ics":
        return exports.ics(found, now=scope.now, name=voice.word("files.calendar_name"))
    said = {asked: voice.say(reason) for asked, reason in exports.reasons(found).items()}
    return exports.table(found, said)


def example(scope: Scope, mine: Sequence[Creator]) -> bytes:
    """A file to fill in, with names that are known here."""
    creator = mine[0]
    accounts = list(imports_names.called(channel_reads.channels_of(scope, creator.id)).values())
    at = WallTime(local_day(scope.now, creator.zone) + timedelta(days=1), NOON, creator.zone)
    return exports.example(creator.name, accounts[0] if accounts else "…", at)


def report(shown: Brought, voice: Voice) -> bytes:
    """What was found in a file, as a table."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([voice.word(f"files.head.{name}") for name in ("line", "column", "kind", "said")])
    for one in shown.findings:
        kind = voice.word("files.kind.problem" if one.grave else "files.kind.mark")
        writer.writerow([one.line, guarded(one.column), kind, guarded(voice.say(one.message))])
    return out.getvalue().encode("utf-8-sig")
