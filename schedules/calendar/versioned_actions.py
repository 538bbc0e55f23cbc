"""What programs ask for: a post and its deliveries changed only as they were seen.

Each act is told the version its caller read. A row that went on meanwhile is left alone: the caller
reads again.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.ops.wall_time import WallTime
from schedules.approvals import decisions, time_changes
from schedules.approvals.release import release_post
from schedules.approvals.time_changes import reschedule_delivery
from schedules.downtime.misfires import original_occurrence_key
from schedules.drafts import drafts, reposts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.models import Delivery
from schedules.posts.states import CANCEL_REFUSALS, CANCELLABLE, DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.publishing import post_removal, uncertain_deliveries
from schedules.recurrence import cancellation, variant_assignment
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right

LEAVING = frozenset(
    {
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
    }
)
"""States in which something is outside or may be: taking it away is another act than not sending
it."""


class StaleVersion(Conflict):
    """What the caller saw is not what stands here any more."""


def create_post_at(
    scope: Scope, draft: Draft, *, key: UUID, at: WallTime | None, author: str, origin: str
) -> UUID:
    """Write a post once per `key`; with `at` it is put on the calendar of the draft's accounts, as
    `drafts.plan_draft`.

    Raises BadInput for an empty one, and for accounts without a time or a time without accounts;
    NotFound.
    """
    if at is not None:
        return drafts.plan_draft(scope, draft, key=key, at=at, author=author, origin=origin).post_id
    if draft.channels:
        raise BadInput("post.no_time")
    return drafts.write_draft(scope, draft, key=key, author=author, origin=origin)


def lock_post_version(scope: Scope, post_id: UUID, version: int) -> None:
    """Hold a post as its caller saw it, until this transaction ends. Raises NotFound, and Stale for
    a later version."""
    row = deliveries.get_post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})
    if row.version != version:
        raise StaleVersion("post.changed_meanwhile")


def schedule_post_on_channels(
    scope: Scope, post_id: UUID, *, channels: Sequence[UUID], at: WallTime
) -> None:
    """Put a post on accounts at a wall time; where it is planned already it is moved, without
    accounts everywhere.

    What nobody has to approve is on the calendar at once; for the rest the time is a wish, also on
    an account that is added to a post somebody said yes to: that is asked again. One it was taken
    off of is such an account. Raises Conflict where it was published or is on its way: a date never
    publishes anything again. BadInput, NotFound.
    """
    rows = [
        row
        for row in deliveries_of_post(scope, post_id, lock=True)
        if not (row.series_id or original_occurrence_key(row.occurrence_key))
    ]
    there = {row.channel_id for row in rows}
    known = _current_delivery_by_channel(rows)
    wanted = list(dict.fromkeys(channels)) or list(known)
    if not wanted:
        raise BadInput("compose.no_account")
    owner = deliveries.get_post(scope, post_id)
    late = deliveries.late_deadline(owner, at.instant(), at.zone)
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    for channel_id in wanted:
        if channel_id in known:
            reschedule_delivery(scope, known[channel_id].id, at=at)
        else:
            key = (
                reposts.next_repost_key(scope, post_id, channel_id, "")
                if channel_id in there
                else ""
            )
            _reopen_approval_if_moved(
                scope, [row for row in rows if row.channel_id == channel_id], at
            )
            asks_since = decisions.channel_review_start(scope, owner, channel_id)
            deliveries.create_delivery(
                scope, post_id, channel_id, at=at, occurrence_key=key, asks_since=asks_since
            )
    release_post(scope, post_id)


def _reopen_approval_if_moved(scope: Scope, gone: Sequence[Delivery], at: WallTime) -> None:
    """A post that comes back to an account it was taken off of, at an hour it never had there, was
    moved."""
    if gone and all(row.due_at != at.instant() for row in gone):
        time_changes.reopen_time_approval(scope, gone[-1], at.instant())


def _current_delivery_by_channel(rows: Sequence[Delivery]) -> dict[UUID, Delivery]:
    """The delivery that a post has on each account: the first of those that were neither taken off
    nor rehearsed."""
    found: dict[UUID, Delivery] = {}
    for row in sorted(rows, key=lambda one: (one.occurrence_key, one.id)):
        if row.state not in (DeliveryState.CANCELLED, DeliveryState.REHEARSED):
            found.setdefault(row.channel_id, row)
    return found


def approve_and_schedule(
    scope: Scope, post_id: UUID, *, member_id: UUID, note: str = "", tier: int = 1
) -> None:
    """Say yes as a member, and put on the calendar what waited for it. Raises as
    `approvals.approve`."""
    decisions.approve_post(scope, post_id, member_id=member_id, note=note, tier=tier)
    release_post(scope, post_id)


def cancel_post(scope: Scope, post_id: UUID) -> None:
    """Take a post off the calendar wherever nothing of it is outside; what repeats it makes no more
    of it.

    Raises Conflict while it is on its way somewhere, while it is tested against another version of
    a series, and when there is nothing to take off.
    """
    if variant_assignment.is_variant_b(scope, post_id):
        raise Conflict("variants.running")
    ended = cancellation.stop_recurrence(
        scope, post_id
    )  # before its deliveries: whoever extends a series locks in this order
    rows = deliveries_of_post(scope, post_id, lock=True)
    if leaving := [DeliveryState(row.state) for row in rows if row.state in LEAVING]:
        raise Conflict(CANCEL_REFUSALS[leaving[0]])
    waiting = [row for row in rows if row.state in CANCELLABLE]
    if not (waiting or ended):
        raise Conflict("post.nothing_to_cancel")
    for row in waiting:
        deliveries.cancel_delivery(scope, row.id)


def require_delivery_version(scope: Scope, delivery_id: UUID, version: int) -> None:
    """Raise Stale unless a delivery is as its caller saw it; every act on it compares once more as
    it writes."""
    if get_delivery(scope, delivery_id).version != version:
        raise StaleVersion("delivery.moved_meanwhile")


def retry_delivery_version(
    scope: Scope, delivery_id: UUID, *, member_id: UUID, version: int
) -> None:
    """Send again what was refused, held or broken off; of one in doubt it is a member's word that
    it is not there.

    Raises Conflict for any other: what was published is never sent again. Refused as
    `uncertain_deliveries.resolve_uncertain_delivery`.
    """
    if get_delivery(scope, delivery_id).state == DeliveryState.UNCERTAIN:
        uncertain_deliveries.resolve_uncertain_delivery(
            scope, delivery_id, member_id=member_id, url=""
        )
    else:
        drafts.retry_delivery(scope, delivery_id, version=version)


def confirm_delivery_link(scope: Scope, delivery_id: UUID, *, member_id: UUID, url: str) -> None:
    """Say where a delivery in doubt stands. Raises as
    `uncertain_deliveries.resolve_uncertain_delivery`."""
    if not url:
        raise BadInput("delivery.no_link")
    uncertain_deliveries.resolve_uncertain_delivery(
        scope, delivery_id, member_id=member_id, url=url
    )


def close_uncertain_version(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> None:
    """Leave a delivery in doubt at that. Raises as
    `uncertain_deliveries.close_uncertain_delivery`."""
    uncertain_deliveries.close_uncertain_delivery(scope, delivery_id, member_id=member_id)


def repost_version(
    scope: Scope,
    delivery_id: UUID,
    *,
    at: WallTime,
    member_id: UUID,
    connectors: Mapping[str, Connector],
) -> UUID:
    """Post what stands once more, as another delivery, which is returned. Raises Refused for a role
    without the right, and as `reposts.repost_delivery`."""
    require_right(queries.get_member(scope, member_id).role, Right.RUN)
    return reposts.repost_delivery(scope, delivery_id, at=at, connectors=connectors)


def request_removal_of_version(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> int:
    """Take away what is outside; how many copies. Raises Refused for a role without the right,
    Conflict."""
    require_right(queries.get_member(scope, member_id).role, Right.RUN)
    return post_removal.request_post_removal(scope, delivery_id)
