"""Deliveries of reports: who receives a report, what is sent, the results, and the links.

A delivery is claimed in its own transaction before anything is sent. If the worker ends between
that and the result, the delivery is `unconfirmed`: the recipient may have the report, so it is not
sent again until a member asks for it.

A link shows one report without an account, in the language of its recipient. Only the digest of its
token is stored; it ends after `LINK_LIVES`, when a member revokes it or removes its recipient, or
with the schedule.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, derived_uuid, uuid7
from foundation.outbox import outbox
from insights.reports import run_access, schedules
from insights.reports.events import ReportDeliveryDue
from insights.reports.models import ReportDeliveryRow
from insights.reports.schedules import Recipient, ReportForm
from tenants import audit
from tenants.agencies import agency_settings, queries
from tenants.agencies.queries import Member
from tenants.notices import notices, telegram_links

LINK_PATH = "/reports/"
LINK_LIVES = timedelta(days=30)
RETRY_DELAYS = tuple(timedelta(seconds=one) for one in (60, 300, 1800, 7200, 21_600))
"""Delays before each retry of a report that was certainly not sent."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

DeliveryState = Literal["waiting", "sending", "sent", "unconfirmed", "failed", "dropped"]
DeliveryResult = Literal["sent", "lost", "retry", "refused"]
"""`lost`: the service may have accepted the report. `retry`: it certainly did not."""


@dataclass(frozen=True)
class ReportDelivery:
    """A delivery as members see it. `link_until` is set while its link works; instants are
    UTC-aware."""

    id: UUID
    run_id: UUID
    route: str
    recipient: str
    state: DeliveryState
    reason: Message | None
    created_at: datetime
    settled_at: datetime | None
    link_until: datetime | None


@dataclass(frozen=True)
class DeliveryContent:
    """The report of a delivery, and the language, time zone and formats of its recipient."""

    run_id: UUID
    route: str
    language: str
    zone: str
    formats: tuple[str, ...]


@dataclass(frozen=True)
class PendingDelivery:
    """A claimed delivery: where to send it. `token` is that of its new link."""

    tenant_id: UUID
    delivery_id: UUID
    route: str
    member_id: UUID | None
    tries: int
    at: datetime
    address: str = field(default="", repr=False)
    channel_id: UUID | None = None
    chat: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def queue_deliveries(scope: Scope, run_id: UUID, form: ReportForm, *, attempt: str = "") -> int:
    """Queue a report for each recipient of a form, and return their number. A repeated call with
    the same `attempt` has no effect."""
    zone = agency_settings.get_agency_settings(scope).zone
    members = {one.id: one for one in queries.list_members(scope)}
    made = 0
    for one in form.recipients:
        member = members.get(one.member_id) if one.member_id is not None else None
        language = member.language if member is not None else form.language
        made += _queue_delivery(
            scope, run_id, one, form, (attempt, language, member.zone if member else zone)
        )
    return made


def list_languages(scope: Scope, form: ReportForm) -> list[str]:
    """Return the languages in which the recipients of a form read."""
    members = {one.id: one.language for one in queries.list_members(scope)}
    found = (
        form.language if one.member_id is None else members.get(one.member_id, form.language)
        for one in form.recipients
    )
    return sorted(set(found))


def _queue_delivery(
    scope: Scope, run_id: UUID, to: Recipient, form: ReportForm, how: tuple[str, str, str]
) -> int:
    attempt, language, zone = how
    delivery_id = derived_uuid(run_id, "delivery", to.key, attempt)
    if scope.session.get(ReportDeliveryRow, (scope.tenant_id, delivery_id)) is not None:
        return 0
    scope.add(
        ReportDeliveryRow(
            tenant_id=scope.tenant_id,
            id=delivery_id,
            run_id=run_id,
            recipient=to.key,
            attempt=attempt,
            route=to.route,
            member_id=to.member_id,
            address=to.address,
            language=language,
            zone=zone,
            formats=[str(one) for one in form.formats],
        )
    )
    scope.session.flush()
    outbox.put(
        scope,
        ReportDeliveryDue(scope.tenant_id, delivery_id),
        # A mail server that does not respond must not delay other recipients.
        lane=f"report:{to.key}",
        dedupe=f"report.send:{delivery_id}",
    )
    return 1


def resend_report(scope: Scope, press_id: UUID, run_id: UUID, member: Member) -> int:
    """Send a stored report again to all recipients of its schedule, and return their number.

    Raises NotFound, and Conflict without a recipient or after its schedule got another audience or
    other creators.
    """
    row = run_access.get_row(scope, run_id, member)
    schedule = schedules.get_schedule(scope, row.schedule_id)
    run_access.check_form(row, schedule.form)
    if not schedule.form.recipients:
        raise Conflict("reports.no_recipients")
    audit.record(scope, "report.resent", f"report:{schedule.id}", day=row.first_day.isoformat())
    return queue_deliveries(scope, run_id, schedule.form, attempt=str(press_id))


def list_deliveries(scope: Scope, runs: Sequence[UUID]) -> list[ReportDelivery]:
    """Return the deliveries of stored reports, newest first. Recipients are named."""
    rows = scope.session.exec(
        select(ReportDeliveryRow)
        .where(
            ReportDeliveryRow.tenant_id == scope.tenant_id,
            col(ReportDeliveryRow.run_id).in_(list(runs)),
        )
        .order_by(col(ReportDeliveryRow.created_at).desc(), col(ReportDeliveryRow.id))
        .execution_options(populate_existing=True)
    )
    names = {one.id: one.name for one in queries.list_members(scope)}
    return [
        ReportDelivery(
            id=row.id,
            run_id=row.run_id,
            route=row.route,
            recipient=row.address or (names.get(row.member_id, "") if row.member_id else ""),
            state=cast(DeliveryState, row.state),
            reason=Message.from_json(row.reason) if row.reason else None,
            created_at=row.created_at or scope.now,
            settled_at=row.settled_at,
            link_until=row.link_until
            if row.link and row.link_until is not None and row.link_until > scope.now
            else None,
        )
        for row in rows
    ]


# Sending


def find_content(scope: Scope, delivery_id: UUID) -> DeliveryContent | None:
    """Return the content to render before a delivery is claimed, or None if it is settled."""
    row = scope.session.get(
        ReportDeliveryRow, (scope.tenant_id, delivery_id), populate_existing=True
    )
    if row is None or row.state not in ("waiting", "sending"):
        return None
    return DeliveryContent(row.run_id, row.route, row.language, row.zone, tuple(row.formats))


def start_delivery(scope: Scope, delivery_id: UUID) -> PendingDelivery | None:
    """Claim a delivery and return it with a new link, or None if there is nothing to send.

    A delivery that is already claimed was interrupted; it becomes `unconfirmed`. It is dropped if
    its recipient may not receive the report any more.
    """
    # A change of the schedule comes before this, or finds the new link.
    scope.lock_shared(schedules.LOCK)
    row = _lock_delivery(scope, delivery_id)
    if row is None or row.state not in ("waiting", "sending"):
        return None
    if row.state == "sending":
        _settle(scope, row, "unconfirmed", Message("reports.interrupted"))
        return None
    found = _find_address(scope, row)
    if isinstance(found, Message):
        _settle(scope, row, "dropped", found)
        return None
    token = secrets.token_urlsafe(32)
    row.link = _digest(token)
    row.link_until = scope.now + LINK_LIVES
    row.state = "sending"
    row.tries += 1
    scope.add(row)
    address, channel_id, chat = found
    return PendingDelivery(
        tenant_id=scope.tenant_id,
        delivery_id=row.id,
        route=row.route,
        member_id=row.member_id,
        tries=row.tries,
        at=scope.now,
        address=address,
        channel_id=channel_id,
        chat=chat,
        token=token,
    )


def _find_address(scope: Scope, row: ReportDeliveryRow) -> tuple[str, UUID | None, str] | Message:
    """Return the address or chat of a delivery, or the reason why it has none."""
    run = run_access.get_row(scope, row.run_id)
    try:
        schedule = schedules.get_schedule(scope, run.schedule_id)
    except NotFound as ended:
        return ended.message
    if schedule.state != "active" and not row.attempt:
        return Message("reports.paused_schedule")
    if row.recipient not in {one.key for one in schedule.form.recipients}:
        return Message("reports.removed_recipient")
    if not run_access.has_form(run, schedule.form):
        return Message("reports.other_form")
    if row.member_id is None:
        return row.address, None, ""
    member = next((one for one in queries.list_members(scope) if one.id == row.member_id), None)
    wanted = run_access.list_creators(run)
    if member is None or not schedules.may_receive(member, wanted, queries.list_creators(scope)):
        return Message("reports.no_access")
    if row.route == "email":
        return member.email, None, ""
    chat = telegram_links.find_chat(scope, member.id)
    return ("", *chat) if chat is not None else Message("reports.no_chat")


def finish_delivery(
    scope: Scope, sent: PendingDelivery, result: DeliveryResult, reason: Message | None
) -> timedelta | None:
    """Record the result of an attempt. Return the delay before the next one, or None if there is
    none."""
    row = _lock_delivery(scope, sent.delivery_id)
    if row is None or row.tries != sent.tries:
        return None
    if row.state == "unconfirmed" and result == "sent":  # A repeated event came first.
        notices.close(scope, f"report:{row.id}")
    elif row.state != "sending":
        return None
    if result == "retry" and sent.tries <= len(RETRY_DELAYS):
        row.state = "waiting"
        row.reason = stored_message(reason)
        scope.add(row)
        return RETRY_DELAYS[sent.tries - 1]
    states: dict[DeliveryResult, DeliveryState] = {"sent": "sent", "lost": "unconfirmed"}
    _settle(scope, row, states.get(result, "failed"), None if result == "sent" else reason)
    return None


def abandon_delivery(scope: Scope, delivery_id: UUID) -> None:
    """Mark a delivery as failed or, if it may have been sent, as unconfirmed, after an internal
    error."""
    row = _lock_delivery(scope, delivery_id)
    if row is not None and row.state in ("waiting", "sending"):
        state: DeliveryState = "failed" if row.state == "waiting" else "unconfirmed"
        _settle(scope, row, state, Message("reports.interrupted"))


def _settle(
    scope: Scope, row: ReportDeliveryRow, state: DeliveryState, reason: Message | None
) -> None:
    row.state = state
    row.reason = stored_message(reason)
    row.settled_at = scope.now
    scope.add(row)
    if state in ("failed", "unconfirmed"):
        notices.put(scope, Message(f"reports.notice_{state}"), cause=f"report:{row.id}")


# Links


def create_link(scope: Scope, run_id: UUID, member: Member, *, language: str) -> str:
    """Create a link to a stored report and return its token, which is not stored.

    Raises NotFound, and Conflict after its schedule got another audience or other creators.
    """
    row = run_access.get_row(scope, run_id, member)
    schedule = schedules.get_schedule(scope, row.schedule_id)
    run_access.check_form(row, schedule.form)
    token = secrets.token_urlsafe(32)
    link_id = uuid7()
    scope.add(
        ReportDeliveryRow(
            tenant_id=scope.tenant_id,
            id=link_id,
            run_id=run_id,
            recipient=f"link:{link_id}",
            route="link",
            language=language,
            zone=agency_settings.get_agency_settings(scope).zone,
            state="sent",
            settled_at=scope.now,
            link=_digest(token),
            link_until=scope.now + LINK_LIVES,
        )
    )
    audit.record(scope, "report.linked", f"report:{schedule.id}", day=row.first_day.isoformat())
    return token


def revoke_links(scope: Scope, run_id: UUID, member: Member) -> int:
    """End all links to a stored report and return their number. Raises NotFound."""
    row = run_access.get_row(scope, run_id, member)
    ended = scope.run(
        "UPDATE report_deliveries SET link = '', link_until = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND run_id = :run AND link <> '' RETURNING id",
        tenant=scope.tenant_id,
        run=run_id,
    ).all()
    audit.record(scope, "report.unlinked", f"report:{row.schedule_id}", links=len(ended))
    return len(ended)


@dataclass(frozen=True)
class ReportLink:
    """A link that works: the report, and the language and time zone of its recipient."""

    tenant_id: UUID
    delivery_id: UUID
    run_id: UUID
    language: str
    zone: str


def find_link(tenant: OpenScope, token: str) -> ReportLink | None:
    """Return the report of a token, or None if the link is unknown or has ended."""
    if not _TOKEN.fullmatch(token):  # Arbitrary input never reaches the database.
        return None
    # The tenant is unknown until the token is found; this role can read the links of all tenants.
    with tenant(INSTALLATION_ID, "system:report-link", role="door") as scope:
        row = scope.run(
            "SELECT tenant_id, id FROM report_deliveries WHERE link = :link", link=_digest(token)
        ).first()
    if row is None:
        return None
    with tenant(row.tenant_id, "system:report-link") as scope:
        found = scope.run(
            "SELECT d.run_id, d.language, d.zone FROM report_deliveries d"
            " JOIN report_runs r ON r.tenant_id = d.tenant_id AND r.id = d.run_id"
            " JOIN report_schedules s ON s.tenant_id = r.tenant_id AND s.id = r.schedule_id"
            " WHERE d.tenant_id = :tenant AND d.id = :id AND d.link_until > :now"
            " AND s.state <> 'ended'",
            tenant=scope.tenant_id,
            id=row.id,
            now=scope.now,
        ).first()
        if found is None:
            return None
        return ReportLink(scope.tenant_id, row.id, found.run_id, found.language, found.zone)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _lock_delivery(scope: Scope, delivery_id: UUID) -> ReportDeliveryRow | None:
    return scope.session.exec(
        select(ReportDeliveryRow)
        .where(ReportDeliveryRow.tenant_id == scope.tenant_id, ReportDeliveryRow.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
