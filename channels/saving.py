"""Files of a task: each time somebody saves one it is decided again, under a permit of its own, and served once.

The phone's pages may neither decide nor sign. They write down the wish; the workers answer it within moments; the page
waits for that answer and serves the bytes, or says why not.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from channels import abilities, attempts, handing, reads, storing
from channels.events import SaveWanted
from channels.models import HandoverRow, SaveRow
from channels.states import LIVE_TASKS, SAVE_STATES, SaveState
from connectors.contract import Connector, HandsOver
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from foundation.words import Message, canonical
from gate import minting, ratings
from gate.minting import Denied
from gate.permit import Permit
from gate.units import Subject, Unit

SERVED_FOR = timedelta(seconds=60)
WAITED_FOR = timedelta(seconds=30)
"""A wish older than this is answered by nobody: its screen has given up."""

AT_ONCE = timedelta(milliseconds=200)

Mint = Callable[..., Permit]
"""`gate.minting.mint` with its key bound."""


@dataclass(frozen=True)
class Wish:
    """How a wish to save a file stands; `reason` says why it was refused."""

    id: UUID
    state: SaveState
    reason: Message | None


def want(scope: Scope, task_id: UUID, sha256: str, *, creators: Collection[UUID]) -> UUID:
    """Ask to save a file of a task, as the scope's actor; returns the wish. Raises NotFound, and Conflict once the
    task has an end."""
    task = handing.locked(scope, task_id, lock=False)
    known = any(one["sha256"] == sha256 for one in task.content.get("media", ()))
    if task.creator_id not in creators or task.kind != handing.POST or not known:
        raise NotFound("handover.unknown")
    if task.state not in LIVE_TASKS:
        raise Conflict("handover.not_served")
    wish = SaveRow(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=task.creator_id,
        handover_id=task_id,
        sha256=sha256,
        asked_by=scope.actor,
    )
    scope.add(wish)
    outbox.put(scope, SaveWanted(scope.tenant_id, wish.id), priority=0)
    return wish.id


def want_all(scope: Scope, task_id: UUID, *, creators: Collection[UUID]) -> dict[str, UUID]:
    """Ask to save every file of a task, each to be decided by itself: the wishes by digest. Raises as `want`."""
    task = handing.locked(scope, task_id, lock=False)
    if task.creator_id not in creators:
        raise NotFound("handover.unknown")
    digests = dict.fromkeys(one["sha256"] for one in task.content.get("media", ()))
    return {sha256: want(scope, task_id, sha256, creators=creators) for sha256 in digests}


def wish(scope: Scope, wish_id: UUID) -> Wish:
    """How it stands. Raises NotFound."""
    row = scope.session.get(SaveRow, (scope.tenant_id, wish_id))
    if row is None:
        raise NotFound("handover.unknown")
    return Wish(row.id, SaveState(row.state), Message.from_json(row.reason) if row.reason else None)


def take(scope: Scope, wish_id: UUID) -> str:
    """Use an allowed wish up, within its minute and while the task is open; returns the digest of what to serve.

    Raises Conflict for any other: no byte is served.
    """
    sha256: str | None = scope.run(
        "UPDATE handover_saves s SET state = 'served', updated_at = house_now() FROM handovers h"
        " WHERE s.tenant_id = :tenant AND s.id = :id AND s.state = 'allowed' AND s.until > :now"
        " AND h.tenant_id = s.tenant_id AND h.id = s.handover_id AND h.state IN ('waiting', 'opened')"
        " RETURNING s.sha256",
        tenant=scope.tenant_id,
        id=wish_id,
        now=scope.now,
    ).scalar()
    if sha256 is None or ratings.standing(scope, [sha256])[sha256].withheld:  # withheld since it was allowed
        raise Conflict("handover.not_served")
    return sha256


def decide(event: SaveWanted, *, tenant: OpenScope, mint: Mint, connectors: Mapping[str, Connector]) -> None:
    """Decide again whether a file of a task may be saved now: a permit of its own, or the reason for the screen."""
    try:
        with tenant(event.tenant_id, handing.ACTOR) as scope:
            _allow(scope, event.subject_id, mint, connectors)
    except Denied as denied:
        if denied.decision.stale:
            raise outbox.Later(AT_ONCE) from denied
        with tenant(event.tenant_id, handing.ACTOR) as scope:
            minting.record_denial(scope, denied)
            _answer(scope, event.subject_id, SaveState.REFUSED, reason=denied.decision.why)


def _allow(scope: Scope, wish_id: UUID, mint: Mint, connectors: Mapping[str, Connector]) -> None:
    wish = scope.session.get(SaveRow, (scope.tenant_id, wish_id))
    if wish is None or wish.state != SaveState.ASKED:
        return
    asked_at = wish.created_at or scope.now
    task = handing.locked(scope, wish.handover_id, lock=False)
    unit = _unit_under(scope, task)
    minting.lock_epochs(scope, unit)
    task = handing.locked(scope, wish.handover_id)
    if task.state not in LIVE_TASKS or scope.now - asked_at > WAITED_FOR:
        _answer(scope, wish_id, SaveState.REFUSED, reason=Message("handover.not_served"))
        return
    medium = next((one for one in unit.media if one.sha256 == wish.sha256), None)
    if medium is None:
        raise NotFound("handover.unknown")
    connector = cast(HandsOver, abilities.of(connectors, reads.channel(scope, task.channel_id)))
    permit = mint(scope, unit, connector.save(str(wish_id), medium))
    _answer(scope, wish_id, SaveState.ALLOWED, jti=permit.jti)


def _unit_under(scope: Scope, task: HandoverRow) -> Unit:
    """What was handed over, as it was judged."""
    rows = attempts.of(scope, Subject(task.subject_kind, task.subject_id), None, ("send",))
    found = next((row for row in rows if attempts.publish_permit(row) == task.permit_jti), None)
    if found is None:
        raise NotFound("handover.unknown")
    return storing.unit_from_json(found.unit)


def _answer(
    scope: Scope, wish_id: UUID, state: SaveState, *, reason: Message | None = None, jti: UUID | None = None
) -> None:
    SAVE_STATES.check(SaveState.ASKED, state)
    scope.run(
        "UPDATE handover_saves SET state = :state, reason = CAST(:reason AS jsonb), permit_jti = :jti,"
        " until = :until, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = 'asked'",
        tenant=scope.tenant_id,
        id=wish_id,
        state=str(state),
        reason=canonical(reason.to_json()).decode() if reason is not None else None,
        jti=jti,
        until=scope.now + SERVED_FOR,
    )
