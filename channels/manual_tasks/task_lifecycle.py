"""Lifecycle of manual tasks, from the permit to the last reminder.

For manual accounts, the transport creates a task instead of sending a request. The task and the
response that names it are written in one transaction, so neither exists without the other. The acts
of members are in `channels/manual_tasks/tasks.py`, their file downloads in
`channels/manual_tasks/file_downloads.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.attempts import attempts, serialization
from channels.manual_tasks.events import ManualTaskCheckDue, ManualTaskEnded
from channels.manual_tasks.models import ManualTaskRow
from channels.manual_tasks.states import MANUAL_TASK_STATES, OPEN_TASK_STATES, ManualTaskState
from connectors.contract.connector import Response, StepKind, StepResult, WireStep
from connectors.transport.transport import AccountTarget
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.permit import Permit, RemovalOrder
from gate.contract.units import Subject
from gate.copies.live_copies import LiveCopy
from tenants.notices import notices

MANUAL_TASKS_ACTOR = "system:handing"
TASK_LIFETIME = timedelta(days=7)
"""Time after which the member of an open task is asked whether it was posted."""

SOON = (timedelta(minutes=15), timedelta(hours=1))
EVENING = time(19, 0)
"""Reminders: at these delays after the task was opened (or due), then every evening, in the time
zone of the account."""

REMOVAL_DEADLINE = timedelta(hours=12)
"""Time within which a recalled copy must be removed."""

FIRST_WORDS = 200
"""Number of characters of a post that help to find it on an account."""

POST_TASK = "post"
REMOVAL_TASK = "removal"

_PUT = """
INSERT INTO handovers (tenant_id, id, creator_id, channel_id, kind, key, state, subject_kind,
subject_id, permit_jti,
  content, handed_at, due_at, late_until, reminders, native_id, url)
VALUES (:tenant, :id, :creator, :channel, :kind, :key, 'waiting', :subject_kind, :subject_id, :jti,
  CAST(:content AS jsonb), :now, :due, :late, 0, :native_id, :url)
ON CONFLICT (tenant_id, key) DO UPDATE SET state = 'waiting', permit_jti = excluded.permit_jti,
  content = excluded.content, handed_at = excluded.handed_at, due_at = excluded.due_at,
  late_until = excluded.late_until, opened_at = NULL, opened_by = NULL, snoozed_until = NULL,
  reminders = 0,
  closed_at = NULL, closed_by = NULL, reason = NULL, updated_at = house_now()
WHERE handovers.state NOT IN ('done', 'gone')
RETURNING id
"""


@dataclass(frozen=True)
class _New:
    """The values of a new task."""

    channel: Channel
    kind: str
    key: str
    subject: Subject
    jti: UUID
    content: Mapping[str, Any]
    due_at: datetime | None = None
    late_until: datetime | None = None
    native_id: str = ""
    url: str = ""


def create_manual_task(
    step: WireStep, authority: Permit | RemovalOrder, account: AccountTarget, *, tenant: OpenScope
) -> StepResult:
    """Create a task for the content of a permit, or for the removal of a copy. This is the
    transport of manual accounts."""
    with tenant(account.tenant_id, MANUAL_TASKS_ACTOR) as scope:
        channel = queries.get_channel(scope, account.channel_id)
        if isinstance(authority, Permit):
            return _create_post_task(scope, channel, step, authority)
        return Response(step.name, 200, {}, {"gone": _withdraw_copy(scope, channel, authority)})


def _create_post_task(scope: Scope, channel: Channel, step: WireStep, permit: Permit) -> StepResult:
    key = f"{permit.subject.kind}:{permit.subject.id}"
    task_id = _record_task(
        scope, _New(channel, POST_TASK, key, permit.subject, permit.jti, dict(step.json or {}))
    )
    answer = Response(step.name, 201, {}, {"task": str(task_id)})
    for row in attempts.list_attempts(scope, permit.subject, None, ("send",)):
        if attempts.publish_permit(row) == permit.jti:
            position = next(
                place for place, one in enumerate(row.steps) if one["kind"] == StepKind.PUBLISH
            )
            attempts.record_answer(scope, row.id, position, answer)
    return answer


def _record_task(scope: Scope, new: _New) -> UUID:
    """Write a task; one that ended without a post is opened again. Raises Conflict for a completed
    one."""
    found = scope.run(
        _PUT,
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=new.channel.creator_id,
        channel=new.channel.id,
        kind=new.kind,
        key=new.key,
        subject_kind=new.subject.kind,
        subject_id=new.subject.id,
        jti=new.jti,
        content=canonical_json(dict(new.content)).decode(),
        now=scope.now,
        due=new.due_at,
        late=new.late_until,
        native_id=new.native_id,
        url=new.url,
    ).scalar()
    if found is None:
        raise Conflict("handover.closed")
    return UUID(str(found))


def activate_task(
    scope: Scope, subject: Subject, *, due_at: datetime, late_until: datetime | None
) -> None:
    """Show the task of a post on the phones, with its due time and its deadline (UTC-aware).

    Raises NotFound if there is no task.
    """
    row = _by_key(scope, f"{subject.kind}:{subject.id}")
    if row is None:
        raise NotFound("handover.unknown")
    scope.run(
        "UPDATE handovers SET due_at = :due, late_until = :late, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=row.id,
        due=due_at,
        late=late_until,
    )
    _notify_task_due(scope, row.id, queries.get_channel(scope, row.channel_id), late_until)
    outbox.put(scope, ManualTaskCheckDue(scope.tenant_id, row.id), instead_of=ManualTaskCheckDue)


def _notify_task_due(
    scope: Scope, task_id: UUID, channel: Channel, late_until: datetime | None
) -> None:
    params: dict[str, str | int] = {"account": channel.name}
    code = "handover.due_always"
    if late_until is not None:
        code = "handover.due"
        params["until"] = f"{late_until.astimezone(ZoneInfo(channel.zone)):%H:%M}"
    notices.put(
        scope,
        Message(code, params),
        cause=task_notice_cause(task_id),
        urgent=True,
        creator_id=channel.creator_id,
    )


def task_notice_cause(task_id: UUID) -> str:
    """Return the cause of the notice of a task."""
    return f"handover:{task_id}"


# Removal


def _withdraw_copy(scope: Scope, channel: Channel, order: RemovalOrder) -> bool:
    """Return True if the copy is removed, by a member's statement or because it was never posted.
    Otherwise create a task."""
    removal = _by_key(scope, f"{REMOVAL_TASK}:{order.permit_jti}")
    if removal is not None:
        return removal.state == ManualTaskState.GONE
    post = _find_post_task_of_permit(scope, order.permit_jti)
    if post is None:
        return True  # no task was ever created
    opened = post.opened_at is not None
    if post.state in OPEN_TASK_STATES:
        recall_task(scope, post, "handover.recalled")
    if post.state in (ManualTaskState.CANNOT, ManualTaskState.LATE) or not (
        opened or post.state == ManualTaskState.DONE
    ):
        return True
    content = {name: post.content.get(name) for name in ("site", "title", "caption")}
    content["went_out"] = _format_instant(post.closed_at)
    new = _New(
        channel,
        REMOVAL_TASK,
        f"{REMOVAL_TASK}:{order.permit_jti}",
        Subject(post.subject_kind, post.subject_id),
        order.permit_jti,
        content,
        due_at=scope.now,
        late_until=scope.now + REMOVAL_DEADLINE,
        native_id=post.native_id,
        url=post.url,
    )
    task_id = _record_task(scope, new)
    message = Message("handover.removal_due", {"account": channel.name})
    notices.put(
        scope, message, cause=task_notice_cause(task_id), urgent=True, creator_id=channel.creator_id
    )
    outbox.put(scope, ManualTaskCheckDue(scope.tenant_id, task_id), instead_of=ManualTaskCheckDue)
    return False


def create_removal_task(scope: Scope, channel: Channel, copy: LiveCopy, url: str) -> bool:
    """Create a task to remove a copy that a platform does not let us delete, with its URL.

    Return False if the task exists already: there is one for each copy. It contains the beginning
    of the text and the time of publication, which help to find the copy.
    """
    key = f"{REMOVAL_TASK}:{copy.jti}"
    if _by_key(scope, key) is not None:
        return False
    new = _New(
        channel,
        REMOVAL_TASK,
        key,
        copy.subject,
        copy.jti,
        {
            "site": channel.name,
            **_copy_texts(scope, copy),
            "went_out": _format_instant(copy.visible_at or copy.minted_at),
        },
        due_at=scope.now,
        late_until=scope.now + REMOVAL_DEADLINE,
        native_id=",".join(copy.native_ids),
        url=url,
    )
    outbox.put(
        scope,
        ManualTaskCheckDue(scope.tenant_id, _record_task(scope, new)),
        instead_of=ManualTaskCheckDue,
    )
    return True


def _copy_texts(scope: Scope, copy: LiveCopy) -> dict[str, str]:
    """Return the first words of a post. Messages to a fan are left out, because assignees may not
    read them."""
    sent = attempts.list_attempts(scope, copy.subject, None, ("send",))
    row = next((one for one in sent if attempts.publish_permit(one) == copy.jti), None)
    unit = (
        serialization.unit_from_json(row.unit)
        if row is not None and row.unit and not copy.viewer
        else None
    )
    title, caption = (unit.text_of("title"), unit.text_of("body")) if unit is not None else ("", "")
    return {"title": _shorten_text(title), "caption": _shorten_text(caption)}


def _shorten_text(text: str) -> str:
    return text if len(text) <= FIRST_WORDS else f"{text[:FIRST_WORDS].rstrip()}…"


def _format_instant(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


def recall_task(scope: Scope, row: ManualTaskRow, why: str) -> None:
    """Close a task that must no longer be posted.

    If it was opened, the post may exist. Raises the errors of `close_task`.
    """
    close_task(
        scope,
        row,
        ManualTaskState.RECALLED,
        "recalled" if row.opened_at is None else "recalled_open",
        why=why,
    )


def mark_content_replaced(scope: Scope, permit_jti: UUID) -> None:
    """Record in the removal task that the content of the copy was replaced."""
    scope.run(
        "UPDATE handovers SET content = content || CAST(:more AS jsonb), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND key = :key AND NOT content ? 'replaced'",
        tenant=scope.tenant_id,
        key=f"{REMOVAL_TASK}:{permit_jti}",
        more=canonical_json({"replaced": True}).decode(),
    )


def close_proven_removal(scope: Scope, permit_jti: UUID) -> None:
    """Close the removal task of a copy that is proven removed."""
    row = _by_key(scope, f"{REMOVAL_TASK}:{permit_jti}")
    if row is not None and row.state in OPEN_TASK_STATES:
        close_task(scope, row, ManualTaskState.GONE, "gone", why="handover.proven")


def awaiting_removal(scope: Scope, permits: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these copies that have an open removal task."""
    rows = scope.session.exec(
        select(ManualTaskRow.permit_jti).where(
            ManualTaskRow.tenant_id == scope.tenant_id,
            ManualTaskRow.kind == REMOVAL_TASK,
            col(ManualTaskRow.permit_jti).in_(list(permits)),
            col(ManualTaskRow.state).in_([str(state) for state in OPEN_TASK_STATES]),
        )
    )
    return frozenset(rows)


def removal_signed_by(scope: Scope, permit_jti: UUID) -> str:
    """Return the member who confirmed the removal of the copy under a permit (`member:<id>`), or
    ""."""
    row = _by_key(scope, f"{REMOVAL_TASK}:{permit_jti}")
    return f"member:{row.closed_by}" if row is not None and row.closed_by is not None else ""


def close_task(
    scope: Scope,
    row: ManualTaskRow,
    state: ManualTaskState,
    how: str,
    *,
    why: str,
    by: UUID | None = None,
) -> None:
    """Close a task and publish its event. Raises Conflict if it was closed since."""
    MANUAL_TASK_STATES.check(ManualTaskState(row.state), state)
    done = scope.run(
        "UPDATE handovers SET state = :state, closed_at = :now, closed_by = :by, native_id = "
        ":native_id, url = :url,"
        " reason = CAST(:reason AS jsonb), updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND state = :before",
        tenant=scope.tenant_id,
        id=row.id,
        state=str(state),
        before=row.state,
        now=scope.now,
        by=by,
        native_id=row.native_id,
        url=row.url,
        reason=canonical_json(stored_message(Message(why))).decode() if why else None,
    )
    if not done.rowcount:
        raise Conflict("handover.closed")
    row.state = str(state)
    row.closed_by = by
    notices.close(scope, task_notice_cause(row.id))
    outbox.cancel(scope, ManualTaskCheckDue.kind, row.id)
    if row.kind == POST_TASK:
        publish_task_end(scope, row, how, why=why)


def publish_task_end(scope: Scope, row: ManualTaskRow, how: str, *, why: str = "") -> None:
    """Publish the event that a task ended, for the package of its post."""
    fact = ManualTaskEnded(
        tenant_id=scope.tenant_id,
        subject_id=row.id,
        of_kind=row.subject_kind,
        of_id=row.subject_id,
        end=how,
        why=why,
        by=scope.actor,
        native_id=row.native_id,
        url=row.url,
    )
    outbox.put(scope, fact)


# Reminders


def check_task(event: ManualTaskCheckDue, *, tenant: OpenScope) -> None:
    """Close a task that was not opened in time, or send reminders of an open one. Raises
    `outbox.RetryLater` until the task ends."""
    with tenant(event.tenant_id, MANUAL_TASKS_ACTOR) as scope:
        row = lock_task(scope, event.subject_id)
        after = (
            _check_task(scope, row)
            if row.state in OPEN_TASK_STATES and row.due_at is not None
            else None
        )
    if after is not None:
        raise outbox.RetryLater(after)


def _check_task(scope: Scope, row: ManualTaskRow) -> timedelta | None:
    closes = (
        row.late_until if row.kind == POST_TASK and row.state == ManualTaskState.WAITING else None
    )
    if closes is not None and scope.now > closes:
        close_task(scope, row, ManualTaskState.LATE, "late", why="handover.late")
        return None
    if row.kind == POST_TASK and scope.now >= row.handed_at + TASK_LIFETIME:
        return None  # From now on the package of the post asks.
    channel = queries.get_channel(scope, row.channel_id)
    times = _reminder_times(row, ZoneInfo(channel.zone))
    passed = sum(at <= scope.now for at in times)
    snoozed = row.snoozed_until
    if scope.now >= snoozed if snoozed is not None else passed > row.reminders:
        _send_reminder(scope, row, channel, passed)
    ahead = [at for at in (*times, snoozed, closes) if at is not None and at > scope.now]
    return min(ahead) - scope.now + timedelta(milliseconds=1) if ahead else None


def _reminder_times(row: ManualTaskRow, zone: ZoneInfo) -> list[datetime]:
    start = row.opened_at or row.due_at or row.handed_at
    first = [start + wait for wait in SOON]
    local = first[-1].astimezone(zone)
    evenings = (
        datetime.combine(local.date() + timedelta(days=day), EVENING, tzinfo=zone)
        for day in range(TASK_LIFETIME.days + 1)
    )
    return [*first, *(at for at in evenings if first[-1] < at < row.handed_at + TASK_LIFETIME)]


def _send_reminder(scope: Scope, row: ManualTaskRow, channel: Channel, count: int) -> None:
    scope.run(
        "UPDATE handovers SET reminders = :count, snoozed_until = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=row.id,
        count=count,
    )
    code = "handover.removal_due" if row.kind == REMOVAL_TASK else "handover.reminder"
    notices.close(scope, task_notice_cause(row.id))
    message = Message(code, {"account": channel.name})
    notices.put(
        scope, message, cause=task_notice_cause(row.id), urgent=True, creator_id=row.creator_id
    )


def _by_key(scope: Scope, key: str) -> ManualTaskRow | None:
    return scope.session.exec(
        select(ManualTaskRow)
        .where(ManualTaskRow.tenant_id == scope.tenant_id, ManualTaskRow.key == key)
        .execution_options(populate_existing=True)
    ).first()


def _find_post_task_of_permit(scope: Scope, permit_jti: UUID) -> ManualTaskRow | None:
    return scope.session.exec(
        select(ManualTaskRow)
        .where(
            ManualTaskRow.tenant_id == scope.tenant_id,
            ManualTaskRow.permit_jti == permit_jti,
            ManualTaskRow.kind == POST_TASK,
        )
        .execution_options(populate_existing=True)
    ).first()


def lock_task(scope: Scope, task_id: UUID, *, lock: bool = True) -> ManualTaskRow:
    """Return the row of a task, locked until the transaction ends unless `lock` is False. Raises
    NotFound."""
    query = select(ManualTaskRow).where(
        ManualTaskRow.tenant_id == scope.tenant_id, ManualTaskRow.id == task_id
    )
    row = scope.session.exec(
        (query.with_for_update() if lock else query).execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("handover.unknown")
    return row
