"""Clips: state, progress and completion of generated videos of both kinds.

A clip is a slideshow of stills (`studio/video/slideshows.py`) or an animation of an image by a
model (`studio/video/animations.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic
from foundation.outbox import outbox
from foundation.outbox.heartbeat import Heartbeat
from studio.costs import quotas
from studio.library import assets
from studio.runs.records import ENDED_RUN_STATES
from studio.runs.states import JOB_STATES, JobState
from studio.video.events import AnimationDue, SlideshowDue
from studio.video.models import ClipRow
from tenants.notices import notices

ClipEvent = SlideshowDue | AnimationDue

PROGRESS_INTERVAL = 1.0
"""Minimum seconds between two progress reports, which also detect a stop."""


class ClipKind(StrEnum):
    """The kind of a clip: a slideshow of stills, or an animation by a model."""

    STILLS = "stills"
    MODEL = "model"


@dataclass(frozen=True)
class ClipView:
    """The state of a clip: `done` of `total` frames or steps, and its asset, its failure reason, or
    the limit for which it waits."""

    id: UUID
    creator_id: UUID
    kind: ClipKind
    state: JobState
    done: int
    total: int
    reason: Message | None
    asset_id: UUID | None
    at: datetime
    waits_until: datetime | None = None
    waits_for: str = ""


def find_clip_by_key(scope: Scope, key: str) -> UUID | None:
    """Return the clip requested with a key, or None. Locks the key until the transaction ends."""
    assets.lock_library(scope, "clip", key)
    return scope.session.exec(
        select(ClipRow.id).where(ClipRow.tenant_id == scope.tenant_id, ClipRow.key == key)
    ).first()


def stop_clip(scope: Scope, clip_id: UUID) -> None:
    """Stop a clip within a second or a model step; nothing is stored.

    Raises NotFound, and Conflict for a clip that has ended.
    """
    row = lock_clip(scope, clip_id, lock=True)
    move_clip(scope, row, JobState.STOPPED)
    for kind in (SlideshowDue.kind, AnimationDue.kind):
        outbox.cancel(scope, kind, clip_id)


def get_clip(scope: Scope, clip_id: UUID) -> ClipView:
    """Return a clip. Raises NotFound, also for another tenant's clip."""
    return _clip_from_row(scope, lock_clip(scope, clip_id))


def list_recent_clips(
    scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 20
) -> list[ClipView]:
    """Return a creator's active clips, and those that ended since an instant, newest first."""
    rows = scope.session.exec(
        select(ClipRow)
        .where(
            ClipRow.tenant_id == scope.tenant_id,
            ClipRow.creator_id == creator_id,
            (col(ClipRow.updated_at) >= since) | col(ClipRow.state).not_in(list(ENDED_RUN_STATES)),
        )
        .order_by(col(ClipRow.created_at).desc())
        .limit(limit)
    )
    return [_clip_from_row(scope, row) for row in rows]


def begin_clip(
    tenant: OpenScope, event: ClipEvent, *, actor: str, per_day: int | None = None
) -> ClipRow | None:
    """Mark a clip as running and return its row, or None if it has ended.

    If `per_day` (the installation's daily image quota, 0 for unlimited) is given, generation hours
    and quotas apply. Raises `outbox.RetryLater` if it must wait.
    """
    after = None
    with tenant(event.tenant_id, actor) as scope:
        row = lock_clip(scope, event.subject_id, lock=True)
        if row.state in ENDED_RUN_STATES:
            return None
        if row.state == JobState.QUEUED:
            wait = (
                quotas.generation_wait(scope, row.creator_id, per_day=per_day)
                if per_day is not None
                else None
            )
            set_clip_wait(row, wait)
            if wait is None:
                move_clip(scope, row, JobState.RUNNING)
            else:
                after = wait.until - scope.now
        scope.add(row)
    if after is not None:
        raise outbox.RetryLater(after)
    return row


def finish_clip(tenant: OpenScope, row: ClipRow, asset_id: UUID, *, actor: str) -> None:
    """Record the asset of a finished clip."""
    with tenant(row.tenant_id, actor) as scope:
        row = lock_clip(scope, row.id, lock=True)
        row.asset_id = asset_id
        row.done = row.total
        # A clip stopped during ingest is in the library nevertheless.
        if row.state == JobState.RUNNING:
            move_clip(scope, row, JobState.DONE)
            notices.close(scope, f"clip:{row.id}")
        scope.add(row)


def fail_clip(tenant: OpenScope, event: ClipEvent, reason: Message, *, actor: str) -> None:
    """Fail a clip and notify the members of the reason."""
    with tenant(event.tenant_id, actor) as scope:
        row = lock_clip(scope, event.subject_id, lock=True)
        if row.state in ENDED_RUN_STATES:
            return
        row.reason = stored_message(reason)
        move_clip(scope, row, JobState.FAILED)
        notices.put(scope, reason, cause=f"clip:{row.id}", creator_id=row.creator_id)


def fail_clip_after_retries(event: ClipEvent, *, tenant: OpenScope) -> None:
    """Fail a clip after its last attempt; members see a notice and may request it again."""
    fail_clip(tenant, event, Message("clip.gave_up"), actor="system:cutting")


class ClipEnded(Exception):  # not an error: a member stopped the clip
    """The clip ended while it was being made."""


class ClipProgressWatch:
    """A progress callback that stores the progress of a clip, and stops with the clip or
    its lease."""

    def __init__(
        self, tenant: OpenScope, row: ClipRow, pulse: Heartbeat, *, every: float, actor: str
    ) -> None:
        self.tenant = tenant
        self._row = row
        self.pulse = pulse
        self._every = every
        self._actor = actor
        self._next = 0.0

    def __call__(self, done: int, _total: int) -> None:
        """Raise LeaseLost if another worker has the clip, ClipEnded if it was stopped."""
        self.pulse.check_lease()
        if monotonic() < self._next:
            return
        self._next = monotonic() + self._every
        with self.tenant(self._row.tenant_id, self._actor) as scope:
            told = scope.run(
                "UPDATE clips SET done = :done, updated_at = house_now()"
                " WHERE tenant_id = :tenant AND id = :id AND state = 'running'",
                done=done,
                tenant=self._row.tenant_id,
                id=self._row.id,
            )
        if not told.rowcount:
            raise ClipEnded


def set_clip_wait(row: ClipRow, wait: quotas.GenerationWait | None) -> None:
    """Set or clear the time until which a clip waits, and its reason."""
    row.waits_until, row.waits_for = (wait.until, wait.why) if wait is not None else (None, "")


def move_clip(scope: Scope, row: ClipRow, after: JobState) -> None:
    """Change the state of a clip. Raises Conflict for an invalid transition."""
    JOB_STATES.check(JobState(row.state), after)
    row.state = str(after)
    if after in ENDED_RUN_STATES:
        set_clip_wait(row, None)
    scope.add(row)


def lock_clip(scope: Scope, clip_id: UUID, *, lock: bool = False) -> ClipRow:
    """Return the row of a clip, locked if `lock`. Raises NotFound."""
    row = scope.session.get(ClipRow, (scope.tenant_id, clip_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("clip.unknown")
    return row


def _clip_from_row(scope: Scope, row: ClipRow) -> ClipView:
    return ClipView(
        id=row.id,
        creator_id=row.creator_id,
        kind=ClipKind(row.kind),
        state=JobState(row.state),
        done=row.done,
        total=row.total,
        reason=Message.from_json(row.reason) if row.reason else None,
        asset_id=row.asset_id,
        at=row.created_at or scope.now,
        waits_until=row.waits_until,
        waits_for=row.waits_for,
    )
