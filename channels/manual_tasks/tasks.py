"""Acts of members on manual tasks: open, snooze, refuse, complete, and confirm a removal.

Called by the pages of the phone as the acting member. If two phones act on one task, the first act
counts and the second phone shows it. Workers handle the consequences.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlmodel import col, or_, select

from channels.accounts import account_connectors, queries
from channels.accounts.models import ChannelRow
from channels.manual_tasks import task_lifecycle
from channels.manual_tasks.events import ManualTaskCheckDue
from channels.manual_tasks.models import ManualTaskRow
from channels.manual_tasks.states import OPEN_TASK_STATES, ManualTaskState
from channels.manual_tasks.task_lifecycle import POST_TASK, REMOVAL_TASK
from channels.sending.events import CopyRemovalDue
from connectors.contract.connector import Connector, PostedLink, SupportsManualPosting
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.outbox import outbox
from tenants import audit

DUTY_LINE = "duty"
"""The checklist line that requires a screenshot."""

SNOOZE_TIMES = (timedelta(minutes=15), timedelta(hours=1))
REFUSAL_REASONS = ("account", "refused", "content", "absent", "other")
"""Reasons for refusing a task: the account is locked, the platform refuses the post, the content is
wrong, the phone is unavailable, or another reason."""


@dataclass(frozen=True)
class TaskFile:
    """A file of a task; `alt` is its alt text."""

    sha256: str
    mime: str
    size: int
    alt: str
    name: str


@dataclass(frozen=True)
class ManualTask:
    """A task as a member sees it.

    `kind` is post or removal; `checklist` are the lines to tick (`check.<line>`).
    """

    id: UUID
    creator_id: UUID
    channel_id: UUID
    account: str
    zone: str
    kind: str
    state: ManualTaskState
    reason: Message | None
    site: str
    title: str
    caption: str
    links: tuple[str, ...]
    price: Money | None
    files: tuple[TaskFile, ...]
    checklist: tuple[str, ...]
    due_at: datetime
    late_until: datetime | None
    opened_at: datetime | None
    opened_by: UUID | None
    snoozed_until: datetime | None
    closed_at: datetime | None
    closed_by: UUID | None
    url: str
    native_id: str
    about: UUID
    """The subject of the task, e.g. a delivery."""
    replaced: bool
    """For a removal: True if the copy no longer shows its original content."""
    went_out: datetime | None
    """For a removal: the time of publication, or None if unknown."""
    screenshot: str = ""
    """Digest of the screenshot that proves a duty required by the platform."""

    @property
    def is_open(self) -> bool:
        """Return True if the task still has to be done."""
        return self.state in OPEN_TASK_STATES

    @property
    def is_removal(self) -> bool:
        """Return True if the task is to remove content."""
        return self.kind == REMOVAL_TASK

    @property
    def needs_screenshot(self) -> bool:
        """Return True if the platform requires a duty that only a member can fulfil, and its
        screenshot is missing."""
        return DUTY_LINE in self.checklist and not self.screenshot

    @property
    def is_posted(self) -> bool:
        """Return True if the post was published."""
        return self.state == ManualTaskState.DONE and not self.is_removal


def list_due_tasks(scope: Scope, *, creators: Collection[UUID]) -> list[ManualTask]:
    """Return the tasks of these creators that are due: removals first, then by due time, with
    snoozed ones last."""
    now = or_(ManualTaskRow.kind == REMOVAL_TASK, col(ManualTaskRow.due_at) <= scope.now)
    found = _load_tasks(
        scope,
        creators,
        col(ManualTaskRow.state).in_([str(state) for state in OPEN_TASK_STATES]),
        now,
    )

    def order(task: ManualTask) -> tuple[bool, bool, datetime]:
        return (
            not task.is_removal,
            task.snoozed_until is not None and task.snoozed_until > scope.now,
            task.due_at,
        )

    return sorted(found, key=order)


def list_recent_tasks(
    scope: Scope, *, creators: Collection[UUID], limit: int = 5
) -> list[ManualTask]:
    """Return recently closed tasks, latest first, so that members can add a link or see the
    result."""
    rows = _load_tasks(scope, creators, col(ManualTaskRow.closed_at).is_not(None), limit=limit)
    return rows


def get_task(scope: Scope, task_id: UUID, *, creators: Collection[UUID]) -> ManualTask:
    """Return a task. Raises NotFound, also for tasks of other creators or agencies."""
    found = _load_tasks(scope, creators, ManualTaskRow.id == task_id)
    if not found:
        raise NotFound("handover.unknown")
    return found[0]


def open_task(scope: Scope, task_id: UUID, *, creators: Collection[UUID]) -> ManualTask:
    """Open a task: from now on it may be posted, and is no longer closed automatically. Opening it
    again has no effect.

    Raises NotFound; Conflict for a closed task, or after its deadline.
    """
    found = get_task(scope, task_id, creators=creators)
    if found.state == ManualTaskState.OPENED:
        return found
    too_late = (
        found.kind == POST_TASK and found.late_until is not None and scope.now > found.late_until
    )
    if not found.is_open or too_late:
        raise Conflict("handover.late" if too_late else "handover.closed")
    done = scope.run(
        "UPDATE handovers SET state = 'opened', opened_at = :now, opened_by = :by, reminders = 0, "
        "snoozed_until = NULL,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=task_id,
        now=scope.now,
        by=_acting_member_id(scope),
    )
    if not done.rowcount:  # Another member opened or closed it at the same time.
        found = get_task(scope, task_id, creators=creators)
        if found.state != ManualTaskState.OPENED:
            raise Conflict("handover.closed")
        return found
    audit.record(scope, "handover.open", f"handover:{task_id}")
    _schedule_task_check(scope, task_id)
    return get_task(scope, task_id, creators=creators)


def snooze_task(
    scope: Scope, task_id: UUID, wait: timedelta, *, creators: Collection[UUID]
) -> None:
    """Snooze a task.

    A removal cannot be snoozed past its deadline. Raises NotFound, Conflict, BadInput.
    """
    found = get_task(scope, task_id, creators=creators)
    if not found.is_open:
        raise Conflict("handover.closed")
    if wait not in SNOOZE_TIMES:
        raise BadInput("handover.later_by")
    until = scope.now + wait
    if found.is_removal and found.late_until is not None and until > found.late_until:
        raise Conflict("handover.clock")
    scope.run(
        "UPDATE handovers SET snoozed_until = :until, updated_at = house_now() WHERE tenant_id = "
        ":tenant AND id = :id",
        tenant=scope.tenant_id,
        id=task_id,
        until=until,
    )
    _schedule_task_check(scope, task_id)


def refuse_task(scope: Scope, task_id: UUID, why: str, *, creators: Collection[UUID]) -> ManualTask:
    """Refuse to post, with a reason (one of `REFUSAL_REASONS`). Removals cannot be refused.

    Raises NotFound, BadInput; Conflict for a task that is closed already.
    """
    found = get_task(scope, task_id, creators=creators)
    if why not in REFUSAL_REASONS or found.is_removal:
        raise BadInput("handover.why")
    row = task_lifecycle.lock_task(scope, task_id)
    if row.state not in OPEN_TASK_STATES:
        raise Conflict("handover.closed")
    task_lifecycle.close_task(
        scope,
        row,
        ManualTaskState.CANNOT,
        "cannot",
        why=f"handover.cannot_{why}",
        by=_acting_member_id(scope),
    )
    audit.record(scope, "handover.cannot", f"handover:{task_id}", why=why)
    return get_task(scope, task_id, creators=creators)


def complete_task(
    scope: Scope,
    task_id: UUID,
    *,
    creators: Collection[UUID],
    pasted: str,
    ticked: Collection[str],
    connectors: Mapping[str, Connector],
) -> ManualTask:
    """Record that the post was published, with the pasted link or ID if there is one. Does nothing
    if another member did so before.

    Raises NotFound; BadInput for an unticked line, a missing screenshot, or an invalid link for the
    platform; Conflict if the task ended differently, or if another post has that link.
    """
    row, found = _lock_task_view(scope, task_id, creators)
    if found.is_removal:
        raise BadInput("handover.why")
    if found.state == ManualTaskState.DONE:
        return found
    if not found.is_open:
        raise Conflict("handover.closed")
    if found.needs_screenshot:
        raise BadInput("handover.no_screenshot", site=found.site)
    if set(found.checklist) - set(ticked):
        raise BadInput("handover.unticked")
    posted = _parse_pasted_link(scope, row, pasted, connectors)
    row.native_id, row.url = (
        (posted.native_id, posted.url) if posted is not None else (f"task:{task_id}", "")
    )
    task_lifecycle.close_task(
        scope, row, ManualTaskState.DONE, "posted", why="", by=_acting_member_id(scope)
    )
    audit.record(scope, "handover.done", f"handover:{task_id}", link=row.url or row.native_id)
    return get_task(scope, task_id, creators=creators)


def attach_screenshot(
    scope: Scope, task_id: UUID, sha256: str, *, creators: Collection[UUID]
) -> ManualTask:
    """Attach the screenshot that proves a duty required by the platform; a later one replaces it.

    `sha256` is the digest of the stored picture. Raises NotFound, BadInput for a task without such
    a duty, Conflict for a closed task.
    """
    row, found = _lock_task_view(scope, task_id, creators)
    if DUTY_LINE not in found.checklist:
        raise BadInput("handover.why")
    if not found.is_open:
        raise Conflict("handover.closed")
    row.screenshot = sha256
    scope.add(row)
    audit.record(scope, "handover.screenshot", f"handover:{task_id}", sha256=sha256)
    scope.session.flush()
    return get_task(scope, task_id, creators=creators)


def add_post_link(
    scope: Scope,
    task_id: UUID,
    *,
    creators: Collection[UUID],
    pasted: str,
    connectors: Mapping[str, Connector],
) -> ManualTask:
    """Add the link of a post that was completed without one. Raises NotFound, BadInput, and
    Conflict if it has a link."""
    row, found = _lock_task_view(scope, task_id, creators)
    if found.state != ManualTaskState.DONE or found.url:
        raise Conflict("handover.closed")
    posted = _parse_pasted_link(scope, row, pasted, connectors)
    if posted is None:
        raise BadInput("handover.no_link", site=found.site)
    scope.run(
        "UPDATE handovers SET native_id = :native_id, url = :url, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=task_id,
        native_id=posted.native_id,
        url=posted.url,
    )
    row.native_id = posted.native_id
    row.url = posted.url
    task_lifecycle.publish_task_end(scope, row, "linked")
    audit.record(scope, "handover.link", f"handover:{task_id}", link=posted.url or posted.native_id)
    return get_task(scope, task_id, creators=creators)


def confirm_removal(scope: Scope, task_id: UUID, *, creators: Collection[UUID]) -> ManualTask:
    """Confirm as the acting member that a copy is removed. Raises NotFound, BadInput."""
    row, found = _lock_task_view(scope, task_id, creators)
    if not found.is_removal:
        raise BadInput("handover.why")
    if found.state == ManualTaskState.GONE:
        return found
    task_lifecycle.close_task(
        scope, row, ManualTaskState.GONE, "gone", why="", by=_acting_member_id(scope)
    )
    audit.record(scope, "handover.gone", f"handover:{task_id}")
    outbox.cancel(scope, CopyRemovalDue.kind, row.permit_jti)
    event = CopyRemovalDue(scope.tenant_id, row.permit_jti)
    lane = f"remove:{row.channel_id}"
    outbox.put(scope, event, lane=lane, priority=0, dedupe=f"remove:{row.permit_jti}")
    return get_task(scope, task_id, creators=creators)


def _lock_task_view(
    scope: Scope, task_id: UUID, creators: Collection[UUID]
) -> tuple[ManualTaskRow, ManualTask]:
    """Return the locked row and the current task. Raises NotFound."""
    get_task(scope, task_id, creators=creators)
    row = task_lifecycle.lock_task(scope, task_id)
    return row, get_task(scope, task_id, creators=creators)


def _parse_pasted_link(
    scope: Scope, row: ManualTaskRow, pasted: str, connectors: Mapping[str, Connector]
) -> PostedLink | None:
    """Return the post of a pasted link, or None for empty text. Raises BadInput for an invalid link
    for the platform, Conflict for the link of another post."""
    if not pasted.strip():
        return None
    channel = queries.get_channel(scope, row.channel_id)
    posted = cast(
        SupportsManualPosting, account_connectors.connector_for(connectors, channel)
    ).parse_post_link(channel.surface, pasted)
    if posted is None:
        raise BadInput("handover.no_link", site=str(row.content.get("site", "")))
    taken = scope.run(
        "SELECT EXISTS (SELECT 1 FROM handovers WHERE tenant_id = :tenant AND channel_id = "
        ":channel AND id <> :id"
        " AND kind = 'post' AND native_id = :native_id)",
        tenant=scope.tenant_id,
        channel=row.channel_id,
        id=row.id,
        native_id=posted.native_id,
    ).scalar_one()
    if taken:
        raise Conflict("handover.linked_elsewhere")
    return posted


def _schedule_task_check(scope: Scope, task_id: UUID) -> None:
    """Restart the reminders, which count from this action."""
    outbox.put(scope, ManualTaskCheckDue(scope.tenant_id, task_id), instead_of=ManualTaskCheckDue)


def _acting_member_id(scope: Scope) -> UUID:
    """Return the acting member. Raises BadInput for any other actor, because every action here is
    recorded with its member."""
    kind, _, key = scope.actor.partition(":")
    if kind != "member":
        raise BadInput("handover.no_member")
    return UUID(key)


def _load_tasks(
    scope: Scope, creators: Collection[UUID], *conditions: Any, limit: int = 200
) -> list[ManualTask]:
    rows = scope.session.exec(
        select(ManualTaskRow, ChannelRow)
        .join(
            ChannelRow,
            (col(ChannelRow.tenant_id) == col(ManualTaskRow.tenant_id))
            & (col(ChannelRow.id) == col(ManualTaskRow.channel_id)),
        )
        .where(
            ManualTaskRow.tenant_id == scope.tenant_id,
            col(ManualTaskRow.creator_id).in_(list(creators)),
            col(ManualTaskRow.due_at).is_not(None),
            *conditions,
        )
        .order_by(
            col(ManualTaskRow.closed_at).desc().nulls_last(),
            col(ManualTaskRow.kind) != REMOVAL_TASK,
            col(ManualTaskRow.due_at),
        )
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_task_from_rows(row, channel) for row, channel in rows]


def _task_from_rows(row: ManualTaskRow, channel: ChannelRow) -> ManualTask:
    content = row.content
    price = row.content.get("price")
    return ManualTask(
        id=row.id,
        creator_id=row.creator_id,
        channel_id=row.channel_id,
        account=channel.name,
        zone=channel.zone,
        kind=row.kind,
        state=ManualTaskState(row.state),
        reason=Message.from_json(row.reason) if row.reason else None,
        site=str(content.get("site", "")),
        title=str(content.get("title") or ""),
        caption=str(content.get("caption") or ""),
        links=tuple(content.get("links") or ()),
        price=Money(price["minor"], price["currency"]) if price else None,
        files=tuple(
            TaskFile(one["sha256"], one["mime"], one["size"], one["alt"], one["name"])
            for one in content.get("media") or ()
        ),
        checklist=tuple(content.get("checklist") or ()),
        due_at=row.due_at or row.handed_at,
        late_until=row.late_until,
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        snoozed_until=row.snoozed_until,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        url=row.url,
        native_id=row.native_id,
        about=row.subject_id,
        replaced=bool(content.get("replaced")),
        went_out=datetime.fromisoformat(content["went_out"]) if content.get("went_out") else None,
        screenshot=row.screenshot,
    )
