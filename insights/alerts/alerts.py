"""Alerts as members see them: open and closed ones, acknowledgement and snooze.

An alert is visible to members who may open the page that resolves it and work for its creator. Its
notice (`tenants.notices`) is closed while the alert is acknowledged or snoozed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, or_, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.money import Money
from insights.alerts.models import AlertRow
from insights.alerts.states import AlertDirection, AlertEnd, AlertKind
from tenants import audit
from tenants.agencies.queries import Creator, Member
from tenants.notices import notice_pages, notices
from tenants.notices.notice_pages import NoticePage

SNOOZE_DAYS = (1, 3, 7)
"""Lengths of a snooze that members can choose, in days."""

CLOSED_FOR = timedelta(days=30)
"""Time for which closed alerts are listed."""

MAX_LISTED = 200

_CAUSES: Mapping[AlertKind, str] = {
    AlertKind.FAILED_POSTS: "alert.posts",
    AlertKind.EXPIRING_ACCESS: "alert.accounts",
    AlertKind.WAITING_CHATS: "alert.chats",
    AlertKind.REFUND_BURST: "alert.refunds",
    AlertKind.NEGATIVE_COMMENTS: "alert.comments",
    AlertKind.AGEING_APPROVALS: "alert.approvals",
    AlertKind.COST_BUDGET: "alert.costs",
    AlertKind.STALE_DATA: "alert.data",
}
CAUSE = "alert"
"""Prefix of the causes of alerts about metrics; those of other kinds begin with it."""


@dataclass(frozen=True)
class Alert:
    """An alert. `expected` and `seen` are amounts in minor units of `currency`, or numbers."""

    id: UUID
    rule_id: UUID
    kind: AlertKind
    metric: str
    currency: str
    creator_id: UUID | None
    direction: AlertDirection
    since: datetime
    expected: int | None
    seen: int
    data_at: datetime | None
    opened_at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    resolution: AlertEnd | None

    @property
    def page(self) -> NoticePage:
        """Return the page that resolves the alert, whose rights are needed to see it."""
        return notice_pages.notice_page_of(self.cause)

    @property
    def cause(self) -> str:
        """Return the cause of its notice."""
        return notice_cause(self.kind, self.id)

    @property
    def percent(self) -> int | None:
        """Return the difference from the expected value in per cent, rounded to zero."""
        if not self.expected:
            return None
        return int(100 * (self.seen - self.expected) / self.expected)

    def is_snoozed(self, now: datetime) -> bool:
        """Return True until the end of the snooze (`now` is UTC-aware)."""
        return self.snoozed_until is not None and self.snoozed_until > now

    def is_silent(self, now: datetime) -> bool:
        """Return True if members have acknowledged or snoozed the alert."""
        return self.acknowledged_at is not None or self.is_snoozed(now)


def notice_cause(kind: AlertKind, alert_id: UUID) -> str:
    """Return the cause of the notice of an alert."""
    return f"{_CAUSES.get(kind, CAUSE)}:{alert_id}"


def alert_from_row(row: AlertRow) -> Alert:
    """Return the alert of a row."""
    return Alert(
        row.id,
        row.rule_id,
        AlertKind(row.kind),
        row.metric,
        row.currency,
        row.creator_id,
        AlertDirection(row.direction),
        row.since,
        row.expected,
        row.seen,
        row.data_at,
        row.created_at or row.since,
        row.acknowledged_by,
        row.acknowledged_at,
        row.snoozed_until,
        row.resolved_at,
        AlertEnd(row.resolution) if row.resolution else None,
    )


def describe_alert(one: Alert, creator: str) -> Message:
    """Return what the alert says, without its details."""
    about: dict[str, str | int] = {"creator": creator} if creator else {}
    match one.kind:
        case AlertKind.ANOMALY | AlertKind.THRESHOLD:
            about["metric"] = f"metric.{one.metric}"
        case AlertKind.COST_BUDGET:
            about["currency"] = one.currency
    if one.kind is AlertKind.ANOMALY:
        if one.direction is AlertDirection.BELOW and one.seen <= 0:
            return Message("alert.text.zero", about)
        percent = one.percent
        if percent is None:
            return Message(f"alert.text.anomaly_{one.direction}_any", about)
        return Message(f"alert.text.anomaly_{one.direction}", {**about, "percent": abs(percent)})
    if one.kind is AlertKind.THRESHOLD:
        return Message(
            f"alert.text.threshold_{one.direction}",
            {**about, "seen": _amount(one, one.seen), "limit": _amount(one, one.expected or 0)},
        )
    if one.kind is AlertKind.COST_BUDGET:
        percent = 100 * one.seen // max(one.expected or 0, 1)
        return Message("alert.text.cost_budget", {**about, "percent": percent})
    return Message(f"alert.text.{one.kind}", {**about, "count": one.seen})


def _amount(one: Alert, value: int) -> str | int:
    return str(Money(value, one.currency)) if one.currency else value


def list_alerts(
    scope: Scope, member: Member, creators: Collection[Creator], *, closed: bool = False
) -> list[Alert]:
    """Return the open alerts that a member may see, newest first; with `closed`, those that were
    closed in the last `CLOSED_FOR`.

    `creators` are those of the member. Members of some creators do not see alerts of the agency.
    """
    when = (
        col(AlertRow.resolved_at) > scope.now - CLOSED_FOR
        if closed
        else col(AlertRow.resolved_at).is_(None)
    )
    ids = [one.id for one in creators]
    where = [col(AlertRow.creator_id).in_(ids)]
    if not member.creators:
        where.append(col(AlertRow.creator_id).is_(None))
    rows = scope.session.exec(
        select(AlertRow)
        .where(AlertRow.tenant_id == scope.tenant_id, when, or_(*where))
        .order_by(
            col(AlertRow.resolved_at).desc(), col(AlertRow.created_at).desc(), col(AlertRow.id)
        )
        .limit(MAX_LISTED)
        .execution_options(populate_existing=True)
    )
    found = (alert_from_row(row) for row in rows)
    return [one for one in found if one.page.is_open_to(member.role)]


def get_alert(scope: Scope, member: Member, creators: Collection[Creator], alert_id: UUID) -> Alert:
    """Return an alert that a member may see. Raises NotFound, also for one that they may not."""
    row = _find_row(scope, alert_id)
    found = alert_from_row(row) if row is not None else None
    if found is None or not found.page.is_open_to(member.role):
        raise NotFound("alert.unknown")
    mine = {one.id for one in creators}
    if found.creator_id not in mine and (found.creator_id is not None or member.creators):
        raise NotFound("alert.unknown")
    return found


def lock_alerts(scope: Scope) -> None:
    """Wait until no other transaction changes alerts of the agency."""
    scope.lock(f"alerts:{scope.tenant_id}")


def acknowledge_alert(scope: Scope, alert_id: UUID, *, actor: str) -> None:
    """Mark an open alert as seen by `actor`: it stays in the list, and its notice is closed.

    A repeated call changes nothing. Raises NotFound, and Conflict if the alert is closed.
    """
    row = _get_open_row(scope, alert_id)
    if row.acknowledged_at is not None:
        return
    row.acknowledged_by = actor
    row.acknowledged_at = scope.now
    _silence(scope, row, "alert.acknowledged")


def snooze_alert(scope: Scope, alert_id: UUID, days: int) -> None:
    """Close the notice of an open alert for some days; it returns if the alert is still open then.

    Raises BadInput for another number of days, NotFound, and Conflict if the alert is closed.
    """
    if days not in SNOOZE_DAYS:
        raise BadInput("alert.snooze_days", days=", ".join(map(str, SNOOZE_DAYS)))
    row = _get_open_row(scope, alert_id)
    row.snoozed_until = scope.now + timedelta(days=days)
    _silence(scope, row, "alert.snoozed")


def wake_alert(scope: Scope, alert_id: UUID) -> None:
    """End the acknowledgement and the snooze of an open alert; the next check notifies members.

    Raises NotFound, and Conflict if the alert is closed.
    """
    row = _get_open_row(scope, alert_id)
    row.acknowledged_by = ""
    row.acknowledged_at = None
    row.snoozed_until = None
    scope.add(row)
    audit.record(scope, "alert.woken", f"alert:{row.id}")


def close_notices(scope: Scope, found: Sequence[Alert]) -> None:
    """Close the notices of these alerts."""
    if found:
        notices.close_all(scope, [one.cause for one in found])


def _silence(scope: Scope, row: AlertRow, act: str) -> None:
    scope.add(row)
    audit.record(scope, act, f"alert:{row.id}")
    notices.close(scope, notice_cause(AlertKind(row.kind), row.id))


def _find_row(scope: Scope, alert_id: UUID) -> AlertRow | None:
    return scope.session.get(AlertRow, (scope.tenant_id, alert_id), populate_existing=True)


def _get_open_row(scope: Scope, alert_id: UUID) -> AlertRow:
    lock_alerts(scope)
    row = _find_row(scope, alert_id)
    if row is None:
        raise NotFound("alert.unknown")
    if row.resolved_at is not None:
        raise Conflict("alert.closed")
    return row
