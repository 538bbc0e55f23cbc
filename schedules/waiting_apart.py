"""Posts that wait for the distance of their account: with a reason, told of once, and looked at again."""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from channels import connecting
from channels import reads as channel_reads
from foundation.database import Scope
from foundation.words import Message
from schedules import distance
from schedules.distance import WAITS, Turn, hour
from schedules.models import Delivery
from schedules.moving import change, move
from schedules.planning import wake
from schedules.states import DeliveryState
from tenants import notices

S = DeliveryState

CAUSE = "apart:"
"""Before the account's id in the cause of its notice."""


def choose(scope: Scope, channel_id: UUID, *, minutes: int, holds: bool) -> None:
    """Leave so many minutes between two posts of an account, and say whether that holds posts back or only warns.

    What waits for the old distance is looked at again at once. Raises NotFound, BadInput as `connecting.keep_apart`.
    """
    connecting.keep_apart(scope, channel_id, minutes)
    connecting.hold_distance(scope, channel_id, holds)
    again(scope, channel_id)


def keep(scope: Scope, row: Delivery, turn: Turn) -> None:
    """Write when a delivery has its turn, and why, where it still waits; tell the members."""
    if turn.at is None or turn.said is None or row.state not in (S.APPROVED, S.SCHEDULED):
        return
    if row.not_before != turn.at or row.reason != turn.said.to_json():
        move(scope, row, S.SCHEDULED, reason=turn.said, not_before=turn.at)
    _say(scope, row.channel_id)


def again(scope: Scope, channel_id: UUID) -> None:
    """Let each that waits on an account ask for its turn anew: what it waited for has changed."""
    rows = scope.session.exec(
        select(Delivery)
        .where(*_kept(scope), Delivery.channel_id == channel_id)
        .order_by(col(Delivery.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        change(scope, row, not_before=None)
        wake(scope, row, at=max(row.due_at, scope.now))


def watch(scope: Scope) -> None:
    """Tell of the accounts on which posts wait, and no longer than any does; who was to wait for one that has gone
    another way asks anew."""
    waiting = scope.session.exec(select(Delivery.channel_id).where(*_kept(scope), _still(scope)).distinct()).all()
    for channel_id in sorted(waiting):
        if distance.may_sooner(scope, channel_reads.channel(scope, channel_id)):
            again(scope, channel_id)
        _say(scope, channel_id)
    notices.settle_others(scope, CAUSE, {f"{CAUSE}{one}" for one in waiting})


def _kept(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Delivery.tenant_id) == scope.tenant_id,
        col(Delivery.state) == str(S.SCHEDULED),
        col(Delivery.reason)["code"].astext == WAITS,
    )


def _still(scope: Scope) -> ColumnElement[bool]:
    """Not what has its turn by now, and is kept back by something else."""
    return col(Delivery.not_before) > scope.now


def _say(scope: Scope, channel_id: UUID) -> None:
    channel = channel_reads.channel(scope, channel_id)
    here = (*_kept(scope), _still(scope), col(Delivery.channel_id) == channel_id)
    count, first = scope.session.exec(select(func.count(), func.min(Delivery.not_before)).where(*here)).one()
    if first is None:
        return
    said = Message("waiting.distance", {"account": channel.name, "posts": count, "at": hour(first, channel.zone)})
    if not notices.put(scope, said, cause=f"{CAUSE}{channel_id}", creator_id=channel.creator_id):
        notices.restate(scope, said, cause=f"{CAUSE}{channel_id}")
