"""Missed posts: after a downtime of an account, spread its overdue posts or put them on hold, with
one notice."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, false
from sqlmodel import col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from schedules.availability.minimum_interval import (
    MIN_INTERVAL,
    OVERDUE_AFTER,
    busy_times,
    has_room,
    interval_over_at,
    minimum_interval_of,
)
from schedules.downtime import account_blocks, misfires
from schedules.downtime.models import Downtime
from schedules.downtime.states import DowntimeState
from schedules.posts import dry_run_state
from schedules.posts.deliveries import cancel_wakeups, schedule_wakeups
from schedules.posts.models import Delivery
from schedules.posts.states import DOWNTIME_STATES, DeliveryState
from schedules.posts.transitions import transition_delivery, update_delivery
from tenants.agencies.queries import get_creator
from tenants.notices import notices

ORDER_STEP = timedelta(seconds=1)
"""Step between two missed posts of an account without a minimum interval, which keeps their order;
the platform's limits determine the rest."""

JITTER_FROM = 15
JITTER_TO = 90
"""Bounds of the seconds added at random to each interval: exact intervals look automated, and
requests take time."""

TOO_LATE, NO_TURN, HELD = (Message(f"downtime.{why}") for why in ("too_late", "no_turn", "held"))
STILL_HELD = "downtime.held:"
"""Prefix, before the downtime ID, of the cause of notices about posts that stay on hold."""

LEFT = frozenset(
    {
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PUBLISHED,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
        DeliveryState.REMOVING,
        DeliveryState.REMOVED,
    }
)
"""States of deliveries that are or may be live."""


class MissedDelivery(Protocol):
    """The fields that determine the turn of a missed delivery."""

    id: UUID
    priority: int
    due_at: datetime
    late_until: datetime | None


@dataclass(frozen=True)
class DowntimeProgress:
    """The numbers of missed posts that are published, waiting and on hold.

    `others` counts waiting posts of creators that are not included in the other numbers.
    """

    left: int
    waiting: int
    held: int
    others: int = 0


def lay_out_missed(
    rows: Iterable[MissedDelivery],
    *,
    free: datetime,
    gap: timedelta,
    taken: Sequence[datetime] = (),
    beside: timedelta = MIN_INTERVAL,
) -> dict[UUID, datetime | None]:
    """Return the publishing time of each delivery, or None for one that would be too late; pure.

    Deliveries are ordered by priority, then by due time. The first is published at `free`, each
    other one at least `gap` later, or as soon as the platform allows if there is none, and at least
    `beside` from each instant of `taken` (sorted), at which other posts are published. A delivery
    that is too late takes no turn.
    """
    turns: dict[UUID, datetime | None] = {}
    turn = free
    for row in sorted(rows, key=lambda one: (one.priority, one.due_at, one.id)):
        in_time = row.late_until is None or turn <= row.late_until
        turns[row.id] = turn if in_time else None
        if in_time:
            turn += gap + _catch_up_jitter(row.id) if gap else ORDER_STEP
            while not has_room(taken, turn, beside):
                turn = (
                    max(one for one in taken if abs(one - turn) < beside)
                    + beside
                    + _catch_up_jitter(row.id)
                )
    return turns


def _catch_up_jitter(delivery_id: UUID) -> timedelta:
    return timedelta(seconds=JITTER_FROM + delivery_id.int % (JITTER_TO - JITTER_FROM + 1))


def is_unannounced(scope: Scope, row: Delivery) -> bool:
    """Return True if a delivery is one of several missed posts that are not yet part of a downtime.

    The account must be able to send now.
    """
    channel = queries.get_channel(scope, row.channel_id)
    rows = _list_missed_deliveries(scope, channel)
    return (
        row.id in [one.id for one in rows]
        and _is_part_of_downtime(scope, rows)
        and _can_account_send(scope, channel)
    )


def _is_part_of_downtime(scope: Scope, rows: Sequence[Delivery]) -> bool:
    """Return True if the account missed several posts, or one that is too late while other accounts
    have late posts too."""
    return len(rows) > 1 or (
        len(rows) == 1 and _is_late(scope, rows[0]) and _has_late_posts_elsewhere(scope, rows[0])
    )


def _is_late(scope: Scope, row: Delivery) -> bool:
    return row.late_until is not None and row.late_until < scope.now


def _has_late_posts_elsewhere(scope: Scope, row: Delivery) -> bool:
    """Return True if another account that can send has late posts, or had them in the open
    downtime."""
    told = scope.session.exec(_open_downtime_query(scope)).first()
    waits = col(Delivery.state).in_([str(DeliveryState.APPROVED), str(DeliveryState.SCHEDULED)])
    held = col(Delivery.state) == str(DeliveryState.HELD)
    joined = held & (col(Delivery.downtime_id) == told.id) if told is not None else false()
    found = scope.session.exec(
        select(Delivery.channel_id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id != row.channel_id,
            ~col(Delivery.dry_run),
            or_(waits, joined),
            col(Delivery.due_at)
            # implied by the next condition, but it enables the index: few planned deliveries are
            # due
            < scope.now,
            col(Delivery.late_until) < scope.now,
        )
        .distinct()
    )
    return any(_can_account_send(scope, queries.get_channel(scope, one)) for one in found.all())


def register_missed_posts(scope: Scope, channel_id: UUID) -> None:
    """Assign turns to the missed posts of an account, hold those that would be too late, and notify
    the members.

    All accounts of a downtime share one notice. Idempotent: a post with a turn is no longer missed.
    Raises NotFound.
    """
    lock_downtimes(scope)
    channel = queries.get_channel(scope, channel_id)
    rows = _list_missed_deliveries(scope, channel, lock=True)
    if not _is_part_of_downtime(scope, rows) or not _can_account_send(scope, channel):
        return
    rows = [row for row in rows if not _skip_if_superseded(scope, row)]
    downtime_id = _get_or_create_downtime(scope)
    gap = channel.min_interval
    free = max(scope.now, interval_over_at(scope, channel_id, gap))
    taken = busy_times(scope, channel_id, scope.now)
    turns = lay_out_missed(
        rows, free=free, gap=gap, taken=taken, beside=minimum_interval_of(channel) if gap else gap
    )
    for row in rows:
        # It became due before it was scheduled: the proposed time becomes the planned one.
        if row.state == DeliveryState.APPROVED:
            transition_delivery(scope, row, DeliveryState.SCHEDULED)
        at = turns[row.id]
        if at is not None:
            update_delivery(scope, row, not_before=at, downtime_id=downtime_id)
            schedule_wakeups(scope, row, at=at)
        else:
            _hold_missed_delivery(
                scope, row, TOO_LATE if _is_late(scope, row) else NO_TURN, downtime_id=downtime_id
            )
    _notify_downtime(scope, downtime_id)


def lock_downtimes(scope: Scope) -> None:
    """Serialize registering, deciding and closing downtimes of the tenant until the transaction
    ends."""
    scope.lock(f"downtime:{scope.tenant_id}")


def _list_missed_deliveries(
    scope: Scope, channel: Channel, *, lock: bool = False
) -> list[Delivery]:
    """Return overdue deliveries of an account that became due after its last attempt, without dry
    runs.

    Deliveries that are too late by now are always included. A delivery that waits for the minimum
    interval became due before the last attempt. Attempts of the last minutes are ignored because
    they may already follow the downtime.
    """
    here = (Delivery.tenant_id == scope.tenant_id, Delivery.channel_id == channel.id)
    start: ColumnElement[datetime] = func.greatest(
        Delivery.due_at, func.coalesce(Delivery.not_before, Delivery.due_at)
    )
    tried = scope.session.exec(
        select(func.max(Delivery.claimed_at)).where(
            *here, col(Delivery.claimed_at) <= scope.now - OVERDUE_AFTER
        )
    ).one()
    overdue = start < scope.now - OVERDUE_AFTER - channel.min_interval
    overdue = overdue & (start > tried) if tried is not None else overdue
    query = select(Delivery).where(
        *here,
        col(Delivery.state).in_([str(DeliveryState.APPROVED), str(DeliveryState.SCHEDULED)]),
        ~col(Delivery.dry_run),
        # implied by both alternatives below; it enables the index
        col(Delivery.due_at) < scope.now,
        or_(overdue, col(Delivery.late_until) < scope.now),
    )
    query = query.order_by(col(Delivery.due_at), col(Delivery.id))
    query = query.with_for_update(key_share=True) if lock else query
    dry = dry_run_state.load_dry_run_check(scope)
    found = scope.session.exec(query.execution_options(populate_existing=True)).all()
    return [row for row in found if not dry(row.post_id, row.channel_id)]


def _can_account_send(scope: Scope, channel: Channel) -> bool:
    """Return True if the account can send now; otherwise its missed posts are registered later."""
    return account_blocks.find_account_block(scope, channel) is None


def _skip_if_superseded(scope: Scope, row: Delivery) -> bool:
    """Cancel a missed occurrence of a series if a newer one is due too; return True if so."""
    overtaken = misfires.is_occurrence_superseded(scope, row)
    if overtaken:
        misfires.skip_misfire(scope, row, Message("series.passed_over"))
    return overtaken


def _get_or_create_downtime(scope: Scope) -> UUID:
    """Return the open downtime of the tenant, which accounts share, or create one."""
    known = scope.session.exec(_open_downtime_query(scope)).first()
    if known is not None:
        return known.id
    row = Downtime(tenant_id=scope.tenant_id)
    scope.add(row)
    return row.id


def _hold_missed_delivery(
    scope: Scope, row: Delivery, reason: Message, *, downtime_id: UUID | None
) -> None:
    transition_delivery(scope, row, DeliveryState.HELD, reason=reason, downtime_id=downtime_id)
    cancel_wakeups(scope, row.id)


def _notify_downtime(scope: Scope, downtime_id: UUID) -> None:
    """Replace the notice of a downtime with one with the current numbers.

    It is addressed to the members of one creator if all missed posts are that creator's, otherwise
    to the agency.
    """
    rows = _list_downtime_deliveries(scope, downtime_id)
    said = downtime_message(
        count_progress(row.state for row in rows),
        accounts=len({row.channel_id for row in rows}),
        missed=len(rows),
    )
    notices.close(scope, downtime_notice_cause(downtime_id))
    notices.put(
        scope,
        said,
        cause=downtime_notice_cause(downtime_id),
        urgent=True,
        creator_id=_common_creator_id(rows),
    )


def downtime_message(found: DowntimeProgress, *, accounts: int, missed: int) -> Message:
    """Return the notice of a downtime that no member has decided on."""
    said = {
        "missed": missed,
        "accounts": accounts,
        "spread": found.waiting + found.left,
        "held": found.held,
    }
    return Message("downtime.told", said)


def held_message(found: DowntimeProgress) -> Message:
    """Return the notice of posts that stay on hold."""
    return Message("downtime.still_held", {"count": found.held})


def _common_creator_id(rows: Iterable[Delivery]) -> UUID | None:
    """Return the creator of all these deliveries, or None if they belong to several."""
    whose = {row.creator_id for row in rows}
    return whose.pop() if len(whose) == 1 else None


def downtime_notice_cause(downtime_id: UUID) -> str:
    """Return the cause of the notice that requests a decision on a downtime."""
    return f"downtime:{downtime_id}"


def _list_downtime_deliveries(
    scope: Scope, downtime_id: UUID, *, lock: bool = False
) -> list[Delivery]:
    query = (
        select(Delivery)
        .where(Delivery.tenant_id == scope.tenant_id, Delivery.downtime_id == downtime_id)
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    query = query.with_for_update(key_share=True) if lock else query
    return list(scope.session.exec(query.execution_options(populate_existing=True)))


def count_progress(stand: Iterable[str]) -> DowntimeProgress:
    """Count deliveries in these states; pure."""
    states = [DeliveryState(one) for one in stand]
    return DowntimeProgress(
        sum(one in LEFT for one in states),
        states.count(DeliveryState.SCHEDULED),
        states.count(DeliveryState.HELD),
    )


def accept_catch_up(
    scope: Scope, downtime_id: UUID, *, creators: Collection[UUID]
) -> DowntimeProgress:
    """Confirm that missed posts are published at their new times; return the progress.

    Raises NotFound, Conflict if the downtime is already decided or over, Refused if it contains
    posts of creators not in `creators`.
    """
    row = _get_undecided_downtime(scope, downtime_id, DowntimeState.KEPT)
    members = _list_downtime_deliveries(scope, downtime_id, lock=True)
    if any(one.creator_id not in creators for one in members):
        raise Refused("downtime.others_too")
    return _record_downtime_decision(scope, row, DowntimeState.KEPT, members)


def hold_missed_posts(
    scope: Scope, downtime_id: UUID, *, creators: Collection[UUID]
) -> DowntimeProgress:
    """Hold the waiting posts of these creators; return their progress. Posts of others are not
    changed.

    Raises NotFound, and Conflict if the downtime is already on hold or over.
    """
    row = _get_undecided_downtime(scope, downtime_id, DowntimeState.STOPPED)
    members = _list_downtime_deliveries(scope, downtime_id, lock=True)
    theirs = [one for one in members if one.creator_id in creators]
    for one in theirs:
        if one.state == DeliveryState.SCHEDULED:
            _hold_missed_delivery(scope, one, HELD, downtime_id=downtime_id)
    others = sum(one.state == DeliveryState.SCHEDULED for one in members)
    if not others:
        _record_downtime_decision(scope, row, DowntimeState.STOPPED, members)
    return replace(count_progress(one.state for one in theirs), others=others)


def is_held_back(row: Delivery) -> bool:
    """Return True if a member put a missed delivery on hold; pure.

    Only a member can release it.
    """
    return row.state == DeliveryState.HELD and row.reason == HELD.to_json()


def is_still_held(scope: Scope, row: Delivery) -> bool:
    """Return True if a held delivery stays on hold after an edit of its text.

    For creators with approval the new text is reviewed, and its approval releases the delivery.
    """
    return is_held_back(row) and not get_creator(scope, row.creator_id).approval_tiers


def hold_replacement(scope: Scope, row: Delivery, instead_of: Delivery) -> None:
    """Hold the replacement of a held delivery and add it to the same downtime."""
    _hold_missed_delivery(scope, row, HELD, downtime_id=instead_of.downtime_id)


def _get_undecided_downtime(scope: Scope, downtime_id: UUID, after: DowntimeState) -> Downtime:
    lock_downtimes(scope)
    row = scope.session.get(Downtime, (scope.tenant_id, downtime_id), populate_existing=True)
    if row is None:
        raise NotFound("downtime.unknown")
    if not DOWNTIME_STATES.allows(DowntimeState(row.state), after):
        raise Conflict("downtime.decided")
    return row


def _record_downtime_decision(
    scope: Scope, row: Downtime, after: DowntimeState, members: Sequence[Delivery]
) -> DowntimeProgress:
    """Record a decision, close the request for it and create a notice about posts that stay on
    hold."""
    row.state = str(after)
    row.decided_by = scope.actor
    scope.add(row)
    found = count_progress(one.state for one in members)
    notices.close(scope, downtime_notice_cause(row.id))
    if found.held:
        whose = _common_creator_id(one for one in members if one.state == DeliveryState.HELD)
        notices.put(scope, held_message(found), cause=f"{STILL_HELD}{row.id}", creator_id=whose)
    return found


def close_finished_downtimes(scope: Scope) -> None:
    """Close the open downtime if no post waits, and close the notices without posts on hold."""
    row = scope.session.exec(_open_downtime_query(scope)).first()
    if row is not None:
        lock_downtimes(scope)
        members = _list_downtime_deliveries(scope, row.id)
        # Another transaction may have decided it before this one got the lock.
        scope.session.refresh(row)
        if (
            row.state == DowntimeState.OPEN
            and count_progress(one.state for one in members).waiting == 0
        ):
            _record_downtime_decision(scope, row, DowntimeState.OVER, members)
    held = select(Delivery.downtime_id).where(
        Delivery.tenant_id == scope.tenant_id,
        col(Delivery.downtime_id).is_not(None),
        Delivery.state == str(DeliveryState.HELD),
    )
    stand = {f"{STILL_HELD}{one}" for one in scope.session.exec(held.distinct())}
    notices.close_others(scope, STILL_HELD, stand)


def _open_downtime_query(scope: Scope) -> SelectOfScalar[Downtime]:
    return select(Downtime).where(
        Downtime.tenant_id == scope.tenant_id, Downtime.state == str(DowntimeState.OPEN)
    )
