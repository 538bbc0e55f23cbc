"""The row of a clip, whatever makes it: begun by a worker, told how far it is, ended, stopped, given up.

A clip is of stills, cut here (`studio/cutting.py`), or one picture that a model makes move (`studio/animating.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope, stored
from foundation.errors import NotFound
from foundation.jobs import Pulse
from foundation.words import Message
from studio import library, models, quotas
from studio.events import ClipDue, FilmDue
from studio.runs import OVER
from studio.states import JOB_STATES, JobState
from tenants import notices

Due = ClipDue | FilmDue

TOLD_EVERY = 1.0
"""Seconds between two tellings of how far a clip is, at least; a stop is seen as often."""


class Kind(StrEnum):
    """What a clip is made of: stills that are cut together, or one picture that a model makes move."""

    STILLS, MODEL = "stills", "model"


@dataclass(frozen=True)
class Clip:
    """How a clip stands; `done` of `total` frames or steps, with its asset once it is there, or the reason there is
    none, or until when it waits and for what."""

    id: UUID
    creator_id: UUID
    kind: Kind
    state: JobState
    done: int
    total: int
    reason: Message | None
    asset_id: UUID | None
    at: datetime
    waits_until: datetime | None = None
    waits_for: str = ""


def known(scope: Scope, key: str) -> UUID | None:
    """The clip that was asked for by this key before; who asks is alone with the key until the end of the scope."""
    library.alone(scope, "clip", key)
    return scope.session.exec(
        select(models.Clip.id).where(models.Clip.tenant_id == scope.tenant_id, models.Clip.key == key)
    ).first()


def stop(scope: Scope, clip_id: UUID) -> None:
    """Give a clip up within a second, or a step of a model; nothing of it stays. Raises NotFound, and Conflict for one
    that is over."""
    row = held(scope, clip_id, lock=True)
    move(scope, row, JobState.STOPPED)
    for kind in (ClipDue.kind, FilmDue.kind):
        outbox.cancel(scope, kind, clip_id)


def clip(scope: Scope, clip_id: UUID) -> Clip:
    """How a clip stands. Raises NotFound; another tenant's looks the same."""
    return _value(scope, held(scope, clip_id))


def recent(scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 20) -> list[Clip]:
    """A creator's clips that are under way, and those that ended since then, the newest first."""
    rows = scope.session.exec(
        select(models.Clip)
        .where(
            models.Clip.tenant_id == scope.tenant_id,
            models.Clip.creator_id == creator_id,
            (col(models.Clip.updated_at) >= since) | col(models.Clip.state).not_in(list(OVER)),
        )
        .order_by(col(models.Clip.created_at).desc())
        .limit(limit)
    )
    return [_value(scope, row) for row in rows]


def begin(tenant: OpenScope, event: Due, *, actor: str, per_day: int | None = None) -> models.Clip | None:
    """The row of a clip that is being made from here on; None where it is over.

    With the house's quota of pictures (`per_day`, 0 for none), hours and quotas are asked before it begins. Raises
    `outbox.Later` where they say so.
    """
    after = None
    with tenant(event.tenant_id, actor) as scope:
        row = held(scope, event.subject_id, lock=True)
        if row.state in OVER:
            return None
        if row.state == JobState.QUEUED:
            wait = quotas.wait(scope, row.creator_id, per_day=per_day) if per_day is not None else None
            hold(row, wait)
            if wait is None:
                move(scope, row, JobState.RUNNING)
            else:
                after = wait.until - scope.now
        scope.add(row)
    if after is not None:
        raise outbox.Later(after)
    return row


def end(tenant: OpenScope, row: models.Clip, asset_id: UUID, *, actor: str) -> None:
    """It is in the library."""
    with tenant(row.tenant_id, actor) as scope:
        row = held(scope, row.id, lock=True)
        row.asset_id, row.done = asset_id, row.total
        if row.state == JobState.RUNNING:  # stopped while it was brought in: it is in the library all the same
            move(scope, row, JobState.DONE)
            notices.settle(scope, f"clip:{row.id}")
        scope.add(row)


def fail(tenant: OpenScope, event: Due, reason: Message, *, actor: str) -> None:
    """It cannot be made, for a reason that a person is told."""
    with tenant(event.tenant_id, actor) as scope:
        row = held(scope, event.subject_id, lock=True)
        if row.state in OVER:
            return
        row.reason = stored(reason)
        move(scope, row, JobState.FAILED)
        notices.put(scope, reason, cause=f"clip:{row.id}", creator_id=row.creator_id)


def gave_up(event: Due, *, tenant: OpenScope) -> None:
    """The row of a clip failed too often: a person is told, and may ask again."""
    fail(tenant, event, Message("clip.gave_up"), actor="system:cutting")


class Over(Exception):  # no error: a person stopped the clip
    """The clip ended while it was being made."""


class Watch:
    """What is called for each frame or step: it tells how far the clip is, and stops with it or with its row."""

    def __init__(self, tenant: OpenScope, row: models.Clip, pulse: Pulse, *, every: float, actor: str) -> None:
        self.tenant, self._row, self.pulse, self._every, self._actor = tenant, row, pulse, every, actor
        self._next = 0.0

    def __call__(self, done: int, _total: int) -> None:
        """Raise LeaseLost when the row went to another worker, Over when the clip was stopped."""
        self.pulse.check()
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
            raise Over


def hold(row: models.Clip, wait: quotas.Wait | None) -> None:
    """Write down until when a clip waits, and for what."""
    row.waits_until, row.waits_for = (wait.until, wait.why) if wait is not None else (None, "")


def move(scope: Scope, row: models.Clip, after: JobState) -> None:
    """To another state. Raises Conflict for one that cannot follow."""
    JOB_STATES.check(JobState(row.state), after)
    row.state = str(after)
    if after in OVER:
        hold(row, None)
    scope.add(row)


def held(scope: Scope, clip_id: UUID, *, lock: bool = False) -> models.Clip:
    """The row of a clip. Raises NotFound."""
    row = scope.session.get(models.Clip, (scope.tenant_id, clip_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("clip.unknown")
    return row


def _value(scope: Scope, row: models.Clip) -> Clip:
    return Clip(
        id=row.id,
        creator_id=row.creator_id,
        kind=Kind(row.kind),
        state=JobState(row.state),
        done=row.done,
        total=row.total,
        reason=Message.from_json(row.reason) if row.reason else None,
        asset_id=row.asset_id,
        at=row.created_at or scope.now,
        waits_until=row.waits_until,
        waits_for=row.waits_for,
    )
