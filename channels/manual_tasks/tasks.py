"""What people see and do of what was handed over to them: open it, later, cannot, done, gone.

Written by the phone's pages as the member who presses. Two phones see one task; the first word
stands, and the second is shown it. What follows from a word is done by the workers.
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
"""The line of the checklist that is confirmed by a screenshot."""

SNOOZE_TIMES = (timedelta(minutes=15), timedelta(hours=1))
REFUSAL_REASONS = ("account", "refused", "content", "absent", "other")
"""Why a post cannot be made: the account is shut, the platform refuses it, something is wrong with
it, nobody has the phone, another reason."""


@dataclass(frozen=True)
class TaskFile:
    """A file to save; `alt` are the words that stand in its place."""

    sha256: str
    mime: str
    size: int
    alt: str
    name: str


@dataclass(frozen=True)
class ManualTask:
    """A task as a person sees it. `kind` is post or removal; `checklist` are the lines to tick
    (`check.<line>`)."""

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
    """What was handed over: a delivery, say."""
    replaced: bool
    """Of a removal: what is to be taken away shows no more what it did."""
    went_out: datetime | None
    """Of a removal: when what is to be taken away was posted; None where nobody knows."""
    screenshot: str = ""
    """Digest of the picture that shows how the platform's duty was done."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do it."""
        return self.state in OPEN_TASK_STATES

    @property
    def is_removal(self) -> bool:
        """Whether something has to be taken away."""
        return self.kind == REMOVAL_TASK

    @property
    def needs_screenshot(self) -> bool:
        """Whether the platform asks for something that only a person can do there, and its proof is
        missing."""
        return DUTY_LINE in self.checklist and not self.screenshot

    @property
    def is_posted(self) -> bool:
        """Whether somebody posted it."""
        return self.state == ManualTaskState.DONE and not self.is_removal


def list_due_tasks(scope: Scope, *, creators: Collection[UUID]) -> list[ManualTask]:
    """What these creators' people have to do now: removals first, then by their time, what was put
    off last."""
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
    """What had an end lately, the newest first: to complete a link, or to see that it is done."""
    rows = _load_tasks(scope, creators, col(ManualTaskRow.closed_at).is_not(None), limit=limit)
    return rows


def get_task(scope: Scope, task_id: UUID, *, creators: Collection[UUID]) -> ManualTask:
    """One task. Raises NotFound; one of another creator, or of another agency, looks the same."""
    found = _load_tasks(scope, creators, ManualTaskRow.id == task_id)
    if not found:
        raise NotFound("handover.unknown")
    return found[0]


def count_open_tasks(scope: Scope, channel_id: UUID) -> int:
    """How many tasks of an account wait for somebody now."""
    return int(
        scope.run(
            "SELECT count(*) FROM handovers WHERE tenant_id = :tenant AND channel_id = :channel"
            " AND state IN ('waiting', 'opened') AND due_at <= :now",
            tenant=scope.tenant_id,
            channel=channel_id,
            now=scope.now,
        ).scalar_one()
    )


def open_task(scope: Scope, task_id: UUID, *, creators: Collection[UUID]) -> ManualTask:
    """Somebody is at it: from now on it may be posted, and it no longer closes by itself. Opened
    twice is opened once.

    Raises NotFound; Conflict once it has an end, or when its time is over.
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
    if not done.rowcount:  # somebody was faster: they opened it, or it has an end
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
    """Put it off. A removal is never put off past its clock. Raises NotFound, Conflict,
    BadInput."""
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
    """It will not be posted, and why (one of `CANNOT`). A removal can only be done.

    Raises NotFound, BadInput; Conflict when somebody said otherwise before.
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
    """It is posted: with the link or number that was pasted, or none. Somebody else's word from
    before stands.

    Raises NotFound; BadInput for an unticked line, a missing screenshot of a duty, or what is no
    link of that platform; Conflict when it ended otherwise, or when another post has that link.
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
    """Keep the screenshot that shows how the platform's duty was done; a later one replaces it.

    `sha256` names the stored picture. Raises NotFound, BadInput for a task without such a duty,
    Conflict once it has an end.
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
    """The link of what was posted without one. Raises NotFound, BadInput, and Conflict where there
    is one."""
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
    """A copy is taken away, signed by the member who says so. Raises NotFound, BadInput."""
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
    """The row, locked, and what stands in it now. Raises NotFound."""
    get_task(scope, task_id, creators=creators)
    row = task_lifecycle.lock_task(scope, task_id)
    return row, get_task(scope, task_id, creators=creators)


def _parse_pasted_link(
    scope: Scope, row: ManualTaskRow, pasted: str, connectors: Mapping[str, Connector]
) -> PostedLink | None:
    """What a pasted text names; None for nothing. Raises BadInput for no link of that platform,
    Conflict for a link of another post."""
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
    """Reminders count from what was just said."""
    outbox.put(scope, ManualTaskCheckDue(scope.tenant_id, task_id), instead_of=ManualTaskCheckDue)


def _acting_member_id(scope: Scope) -> UUID:
    """Who acts. Raises BadInput for anybody but a member: every word here is signed."""
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
