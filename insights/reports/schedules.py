"""Schedules of reports: what is reported about which creators, when, and to whom.

A member sees and changes a schedule only if they have access to all of its creators. A schedule
without creators is about all creators of the agency, also those that are added later.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.email_addresses import parse_email_address
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import LANGUAGES
from foundation.i18n.visible_text import is_one_line
from insights.reports.models import ReportScheduleRow
from insights.reports.options import (
    ATTACHABLE,
    AUDIENCES,
    INTERNALS,
    Audience,
    ReportFormat,
)
from insights.reports.periods import (
    MAX_MONTH_DAY,
    DuePeriod,
    ReportKind,
    ReportTiming,
    next_period,
)
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right
from tenants.agencies.states import CreatorState

LOCK = "report.schedules"
"""Lock of all changes of schedules."""

MAX_SCHEDULES = 50
MAX_RECIPIENTS = 20
MAX_NAME_LENGTH = 80

RecipientRoute = Literal["email", "telegram"]
ScheduleState = Literal["active", "paused", "ended"]


@dataclass(frozen=True)
class Recipient:
    """A recipient: a member by email or Telegram, or an email address outside the agency."""

    route: RecipientRoute
    member_id: UUID | None = None
    address: str = ""

    @property
    def key(self) -> str:
        """Return the text that identifies the recipient."""
        return f"{self.route}:{self.member_id or self.address}"

    def to_json(self) -> dict[str, str]:
        """Return the stored form."""
        member = str(self.member_id) if self.member_id is not None else ""
        return {"route": self.route, "member_id": member, "address": self.address}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recipient":
        """Parse the stored form."""
        member = UUID(stored["member_id"]) if stored["member_id"] else None
        return cls(stored["route"], member, stored["address"])


@dataclass(frozen=True)
class ReportForm:
    """A schedule as a member typed it. `zone` is the time zone of the hour."""

    name: str
    kind: ReportKind
    audience: Audience
    creators: tuple[UUID, ...]
    hour: int
    zone: str
    language: str
    weekday: int = 0
    month_day: int = 1
    formats: tuple[ReportFormat, ...] = (ReportFormat.PDF,)
    recipients: tuple[Recipient, ...] = ()
    allowed: frozenset[str] = frozenset()
    phrased: bool = False

    @property
    def timing(self) -> ReportTiming:
        """Return the times of the reports."""
        return ReportTiming(self.kind, self.hour, self.zone, self.weekday, self.month_day)


@dataclass(frozen=True)
class ReportSchedule:
    """A stored schedule. `active_since` is UTC-aware."""

    id: UUID
    form: ReportForm
    state: ScheduleState
    active_since: datetime

    def is_visible(self, member: Member, creators: Sequence[Creator]) -> bool:
        """Return True if the member has access to all creators of the schedule."""
        return has_access(member, self.form.creators, creators)


def has_access(member: Member, wanted: Collection[UUID], creators: Sequence[Creator]) -> bool:
    """Return True if a member may read a report about these creators, or about all without any.
    `creators` are those of the agency."""
    if not member.creators:
        return True
    theirs = {one.id for one in creators if member.works_for(one.slug)}
    return bool(wanted) and set(wanted) <= theirs


def list_schedules(scope: Scope, member: Member | None = None) -> list[ReportSchedule]:
    """Return the schedules that have not ended, by name; those that a member may see."""
    rows = scope.session.exec(
        select(ReportScheduleRow)
        .where(ReportScheduleRow.tenant_id == scope.tenant_id, ReportScheduleRow.state != "ended")
        .order_by(col(ReportScheduleRow.name), col(ReportScheduleRow.id))
        .execution_options(populate_existing=True)
    )
    found = [_schedule_from_row(row) for row in rows]
    if member is None or not member.creators:
        return found
    creators = queries.list_creators(scope)
    return [one for one in found if one.is_visible(member, creators)]


def get_schedule(scope: Scope, schedule_id: UUID, member: Member | None = None) -> ReportSchedule:
    """Return a schedule. Raises NotFound for an unknown one, one that has ended, and one that the
    member may not see."""
    found = _schedule_from_row(_get_row(scope, schedule_id))
    if member is not None and not found.is_visible(member, queries.list_creators(scope)):
        raise NotFound("reports.unknown_schedule")
    return found


def create_schedule(scope: Scope, schedule_id: UUID, form: ReportForm, member: Member) -> UUID:
    """Create a schedule, whose first report is that of the next period. A second call with the same
    ID has no effect.

    Raises BadInput for an invalid form, and for creators or recipients without access.
    """
    scope.lock(LOCK)
    if scope.session.get(ReportScheduleRow, (scope.tenant_id, schedule_id)) is not None:
        return schedule_id
    if len(list_schedules(scope)) >= MAX_SCHEDULES:
        raise BadInput("reports.too_many", most=MAX_SCHEDULES)
    clean = _check_form(scope, form, member)
    row = ReportScheduleRow(
        tenant_id=scope.tenant_id,
        id=schedule_id,
        active_since=scope.now,
        **_columns(clean),
    )
    scope.add(row)
    audit.record(scope, "report.created", f"report:{schedule_id}", name=clean.name)
    return schedule_id


def update_schedule(scope: Scope, schedule_id: UUID, form: ReportForm, member: Member) -> None:
    """Change a schedule; reports that were created remain as they are. Links of recipients who are
    removed end.

    Raises BadInput for an invalid form, and NotFound.
    """
    scope.lock(LOCK)
    get_schedule(scope, schedule_id, member)
    clean = _check_form(scope, form, member)
    row = _get_row(scope, schedule_id)
    before = _schedule_from_row(row).form.timing
    for name, value in _columns(clean).items():
        setattr(row, name, value)
    if clean.timing != before:
        # A new hour must not create reports of past periods.
        row.active_since = scope.now
    scope.add(row)
    _end_links_of_others(scope, schedule_id, clean)
    audit.record(scope, "report.changed", f"report:{schedule_id}", name=clean.name)


def _end_links_of_others(scope: Scope, schedule_id: UUID, form: ReportForm) -> None:
    """End the links that were sent to anyone but the recipients of a form; those that members
    created remain."""
    scope.run(
        "UPDATE report_deliveries d SET link = '', link_until = NULL, updated_at = house_now()"
        " FROM report_runs r WHERE d.tenant_id = :tenant AND r.tenant_id = d.tenant_id"
        " AND r.id = d.run_id AND r.schedule_id = :schedule AND d.link <> ''"
        " AND d.route <> 'link' AND d.recipient <> ALL(CAST(:kept AS text[]))",
        tenant=scope.tenant_id,
        schedule=schedule_id,
        kept=[one.key for one in form.recipients],
    )


def set_schedule_state(
    scope: Scope, schedule_id: UUID, state: ScheduleState, member: Member
) -> None:
    """Pause, resume or end a schedule. Reports of a paused schedule are not created later. Raises
    NotFound."""
    scope.lock(LOCK)
    get_schedule(scope, schedule_id, member)
    row = _get_row(scope, schedule_id)
    if row.state == state:
        return
    row.state = state
    if state == "active":
        row.active_since = scope.now
    scope.add(row)
    audit.record(scope, f"report.{state}", f"report:{schedule_id}", name=row.name)


def select_creators(scope: Scope, form: ReportForm) -> list[Creator]:
    """Return the creators that a form is about, by name, without archived ones."""
    wanted = set(form.creators)
    return [
        one
        for one in queries.list_creators(scope)
        if one.state is not CreatorState.ARCHIVED and (not wanted or one.id in wanted)
    ]


def find_next_period(scope: Scope, schedule: ReportSchedule) -> DuePeriod | None:
    """Return the next period and the time of its report, or None while the schedule is paused or
    without a creator."""
    zones = {one.zone for one in select_creators(scope, schedule.form)}
    if schedule.state != "active" or not zones:
        return None
    return next_period(schedule.form.timing, zones, scope.now)


def parse_addresses(typed: str) -> tuple[str, ...]:
    """Return the email addresses of a text, separated by commas, semicolons or lines. Raises
    BadInput for the first one that is invalid."""
    found: dict[str, None] = {}
    for part in filter(None, (one.strip() for one in re.split(r"[,;\n]", typed))):
        address = parse_email_address(part)
        if address is None:
            raise BadInput("reports.address", address=part[:60]).about("addresses")
        found[address] = None
    return tuple(found)


def _check_form(scope: Scope, form: ReportForm, member: Member) -> ReportForm:
    """Return the form with a normalized name. Raises BadInput."""
    name = " ".join(form.name.split())
    if not 0 < len(name) <= MAX_NAME_LENGTH or not is_one_line(name):
        raise BadInput("reports.name", most=MAX_NAME_LENGTH).about("name")
    if form.audience not in AUDIENCES or not form.allowed <= set(INTERNALS):
        raise BadInput("reports.audience")
    if not 0 <= form.hour <= 23 or not 0 <= form.weekday <= 6:
        raise BadInput("reports.hour")
    if not 1 <= form.month_day <= MAX_MONTH_DAY:
        raise BadInput("reports.month_day", most=MAX_MONTH_DAY)
    agencies.check_zone(form.zone)
    if form.language not in LANGUAGES or not set(form.formats) <= set(ATTACHABLE):
        raise BadInput("reports.format")
    creators = queries.list_creators(scope)
    if not {one.id for one in creators} >= set(form.creators):
        raise BadInput("reports.creator")
    if not has_access(member, form.creators, creators):
        raise BadInput("reports.creator")
    return replace(form, name=name, recipients=_check_recipients(scope, form, creators))


def _check_recipients(
    scope: Scope, form: ReportForm, creators: Sequence[Creator]
) -> tuple[Recipient, ...]:
    unique = {one.key: one for one in form.recipients}
    if len(unique) > MAX_RECIPIENTS:
        raise BadInput("reports.recipients", most=MAX_RECIPIENTS).about("addresses")
    members = {one.id: one for one in queries.list_members(scope)}
    for one in unique.values():
        if one.member_id is None:
            if one.route != "email" or parse_addresses(one.address) != (one.address,):
                raise BadInput("reports.address", address=one.address[:60]).about("addresses")
            continue
        found = members.get(one.member_id)
        if found is None or not may_receive(found, form.creators, creators):
            raise BadInput("reports.member", name=found.name if found is not None else "?")
    return tuple(unique.values())


def may_receive(member: Member, wanted: Collection[UUID], creators: Sequence[Creator]) -> bool:
    """Return True if a member may receive a report: the right to see sales, and access to its
    creators."""
    return has_right(member.role, Right.MONEY) and has_access(member, wanted, creators)


def _columns(form: ReportForm) -> dict[str, Any]:
    return {
        "name": form.name,
        "kind": str(form.kind),
        "audience": form.audience,
        "creators": [str(one) for one in form.creators],
        "allowed": sorted(form.allowed),
        "weekday": form.weekday,
        "month_day": form.month_day,
        "hour": form.hour,
        "zone": form.zone,
        "language": form.language,
        "formats": [str(one) for one in form.formats],
        "recipients": [one.to_json() for one in form.recipients],
        "phrased": form.phrased,
    }


def _schedule_from_row(row: ReportScheduleRow) -> ReportSchedule:
    form = ReportForm(
        name=row.name,
        kind=ReportKind(row.kind),
        audience="client" if row.audience == "client" else "team",
        creators=tuple(map(UUID, row.creators)),
        hour=row.hour,
        zone=row.zone,
        language=row.language,
        weekday=row.weekday,
        month_day=row.month_day,
        formats=tuple(map(ReportFormat, row.formats)),
        recipients=tuple(map(Recipient.from_json, row.recipients)),
        allowed=frozenset(row.allowed),
        phrased=row.phrased,
    )
    return ReportSchedule(row.id, form, cast(ScheduleState, row.state), row.active_since)


def _get_row(scope: Scope, schedule_id: UUID) -> ReportScheduleRow:
    row = scope.session.get(
        ReportScheduleRow, (scope.tenant_id, schedule_id), populate_existing=True
    )
    if row is None or row.state == "ended":
        raise NotFound("reports.unknown_schedule")
    return row
