"""What programs ask for: a post and its deliveries changed only as they were seen.

Each act is told the version its caller read. A row that went on meanwhile is left alone: the caller reads again.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from connectors.contract import Connector
from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from schedules import anew, approvals, assigning, doubts, drafting, planning, removal, retiming, stopping
from schedules.calendar import WallTime
from schedules.drafting import Draft
from schedules.models import Delivery
from schedules.moving import delivery
from schedules.passing import first_key
from schedules.planning import deliveries_of
from schedules.states import CANCELLABLE, STAYS, DeliveryState
from tenants import reads as tenant_reads
from tenants.roles import Right, require

S = DeliveryState
LEAVING = frozenset({S.PUBLISHING, S.PROCESSING, S.UNCERTAIN, S.PARTLY, S.BROKEN_OFF})
"""States in which something is outside or may be: taking it away is another act than not sending it."""


class Stale(Conflict):
    """What the caller saw is not what stands here any more."""


def write(scope: Scope, draft: Draft, *, key: UUID, at: WallTime | None, author: str, origin: str) -> UUID:
    """Write a post once per `key`; with `at` it is put on the calendar of the draft's accounts, as `drafting.plan`.

    Raises BadInput for an empty one, and for accounts without a time or a time without accounts; NotFound.
    """
    if at is not None:
        return drafting.plan(scope, draft, key=key, at=at, author=author, origin=origin).post_id
    if draft.channels:
        raise BadInput("post.no_time")
    return drafting.write(scope, draft, key=key, author=author, origin=origin)


def seen(scope: Scope, post_id: UUID, version: int) -> None:
    """Hold a post as its caller saw it, until this transaction ends. Raises NotFound, and Stale for a later version."""
    row = planning.post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})
    if row.version != version:
        raise Stale("post.changed_meanwhile")


def schedule(scope: Scope, post_id: UUID, *, channels: Sequence[UUID], at: WallTime) -> None:
    """Put a post on accounts at a wall time; where it is planned already it is moved, without accounts everywhere.

    What nobody has to approve is on the calendar at once; for the rest the time is a wish, also on an account that is
    added to a post somebody said yes to: that is asked again. One it was taken off of is such an account. Raises
    Conflict where it was published or is on its way: a date never publishes anything again. BadInput, NotFound.
    """
    rows = [
        row for row in deliveries_of(scope, post_id, lock=True) if not (row.series_id or first_key(row.occurrence_key))
    ]
    there = {row.channel_id for row in rows}
    known = _standing(rows)
    wanted = list(dict.fromkeys(channels)) or list(known)
    if not wanted:
        raise BadInput("compose.no_account")
    owner = planning.post(scope, post_id)
    late = planning.late_until(owner, at.instant(), at.zone)
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    for channel_id in wanted:
        if channel_id in known:
            planning.move_delivery(scope, known[channel_id].id, at=at)
        else:
            key = anew.further_key(scope, post_id, channel_id, "") if channel_id in there else ""
            _ask_hour(scope, [row for row in rows if row.channel_id == channel_id], at)
            asks_since = approvals.added(scope, owner, channel_id)
            planning.add_delivery(scope, post_id, channel_id, at=at, occurrence_key=key, asks_since=asks_since)
    drafting.settle(scope, post_id)


def _ask_hour(scope: Scope, gone: Sequence[Delivery], at: WallTime) -> None:
    """A post that comes back to an account it was taken off of, at an hour it never had there, was moved."""
    if gone and all(row.due_at != at.instant() for row in gone):
        retiming.asks_again(scope, gone[-1], at.instant())


def _standing(rows: Sequence[Delivery]) -> dict[UUID, Delivery]:
    """The delivery that a post has on each account: the first of those that were neither taken off nor rehearsed."""
    found: dict[UUID, Delivery] = {}
    for row in sorted(rows, key=lambda one: (one.occurrence_key, one.id)):
        if row.state not in (S.CANCELLED, S.REHEARSED):
            found.setdefault(row.channel_id, row)
    return found


def approve(scope: Scope, post_id: UUID, *, member_id: UUID, note: str = "", tier: int = 1) -> None:
    """Say yes as a member, and put on the calendar what waited for it. Raises as `approvals.approve`."""
    approvals.approve(scope, post_id, member_id=member_id, note=note, tier=tier)
    drafting.settle(scope, post_id)


def cancel(scope: Scope, post_id: UUID) -> None:
    """Take a post off the calendar wherever nothing of it is outside; what repeats it makes no more of it.

    Raises Conflict while it is on its way somewhere, while it is tested against another version of a series, and when
    there is nothing to take off.
    """
    if assigning.is_other(scope, post_id):
        raise Conflict("variants.running")
    ended = stopping.repeats(scope, post_id)  # before its deliveries: whoever extends a series locks in this order
    rows = deliveries_of(scope, post_id, lock=True)
    if leaving := [S(row.state) for row in rows if row.state in LEAVING]:
        raise Conflict(STAYS[leaving[0]])
    waiting = [row for row in rows if row.state in CANCELLABLE]
    if not (waiting or ended):
        raise Conflict("post.nothing_to_cancel")
    for row in waiting:
        planning.cancel(scope, row.id)


def as_seen(scope: Scope, delivery_id: UUID, version: int) -> None:
    """Raise Stale unless a delivery is as its caller saw it; every act on it compares once more as it writes."""
    if delivery(scope, delivery_id).version != version:
        raise Stale("delivery.moved_meanwhile")


def again(scope: Scope, delivery_id: UUID, *, member_id: UUID, version: int) -> None:
    """Send again what was refused, held or broken off; of one in doubt it is a member's word that it is not there.

    Raises Conflict for any other: what was published is never sent again. Refused as `doubts.end_doubt`.
    """
    if delivery(scope, delivery_id).state == S.UNCERTAIN:
        doubts.end_doubt(scope, delivery_id, member_id=member_id, url="")
    else:
        drafting.again(scope, delivery_id, version=version)


def link(scope: Scope, delivery_id: UUID, *, member_id: UUID, url: str) -> None:
    """Say where a delivery in doubt stands. Raises as `doubts.end_doubt`."""
    if not url:
        raise BadInput("delivery.no_link")
    doubts.end_doubt(scope, delivery_id, member_id=member_id, url=url)


def leave(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> None:
    """Leave a delivery in doubt at that. Raises as `doubts.leave`."""
    doubts.leave(scope, delivery_id, member_id=member_id)


def once_more(
    scope: Scope, delivery_id: UUID, *, at: WallTime, member_id: UUID, connectors: Mapping[str, Connector]
) -> UUID:
    """Post what stands once more, as another delivery, which is returned. Raises Refused for a role without the right,
    and as `anew.once_more`."""
    require(tenant_reads.member(scope, member_id).role, Right.RUN)
    return anew.once_more(scope, delivery_id, at=at, connectors=connectors)


def remove(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> int:
    """Take away what is outside; how many copies. Raises Refused for a role without the right, Conflict."""
    require(tenant_reads.member(scope, member_id).role, Right.RUN)
    return removal.ask(scope, delivery_id)
