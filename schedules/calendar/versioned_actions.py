"""Actions on posts and deliveries for the API, with optimistic locking.

Each action takes the version that its caller has read. If the row has changed since, nothing
happens and the caller must read it again.
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
from schedules.posts import channel_limits, deliveries
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
"""States in which a post is or may be live: it must be removed instead of cancelled."""


class StaleVersion(Conflict):
    """The row has a later version than the caller has read."""


def create_post_at(
    scope: Scope, draft: Draft, *, key: UUID, at: WallTime | None, author: str, origin: str
) -> UUID:
    """Create a post once per `key`; with `at`, schedule it on the accounts of the draft.

    Raises BadInput for an empty post, for accounts without a time and for a time without accounts;
    NotFound.
    """
    if at is not None:
        return drafts.plan_draft(scope, draft, key=key, at=at, author=author, origin=origin).post_id
    if draft.channels:
        raise BadInput("post.no_time")
    return drafts.write_draft(scope, draft, key=key, author=author, origin=origin)


def lock_post_version(scope: Scope, post_id: UUID, version: int) -> None:
    """Lock a post until the transaction ends, if it still has the version that the caller has read.

    Raises NotFound, and StaleVersion for a later version.
    """
    row = deliveries.get_post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})
    if row.version != version:
        raise StaleVersion("post.changed_meanwhile")


def schedule_post_on_channels(
    scope: Scope, post_id: UUID, *, channels: Sequence[UUID], at: WallTime
) -> None:
    """Schedule a post on accounts at a local time, or on all its accounts if `channels` is empty.

    Existing deliveries are moved. A post that needs no approval is scheduled immediately. Otherwise
    the time is a proposal; this includes an account that is added to an approved post, or added
    again after its delivery was cancelled, which requires a new approval. Raises Conflict for an
    account on which the post was published or is being published, because a new date never
    publishes a post twice. Raises BadInput, also for a post that exceeds a limit of an account, and
    NotFound.
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
        raise BadInput("compose.no_account").about("accounts")
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
    channel_limits.require_channel_limits(scope, post_id, channels=wanted)
    release_post(scope, post_id)


def _reopen_approval_if_moved(scope: Scope, gone: Sequence[Delivery], at: WallTime) -> None:
    """Reopen the approval of the time if a post is added to an account again, at a time that it
    never had there."""
    if gone and all(row.due_at != at.instant() for row in gone):
        time_changes.reopen_time_approval(scope, gone[-1], at.instant())


def _current_delivery_by_channel(rows: Sequence[Delivery]) -> dict[UUID, Delivery]:
    """Return the first delivery on each account that is neither cancelled nor a dry run."""
    found: dict[UUID, Delivery] = {}
    for row in sorted(rows, key=lambda one: (one.occurrence_key, one.id)):
        if row.state not in (DeliveryState.CANCELLED, DeliveryState.REHEARSED):
            found.setdefault(row.channel_id, row)
    return found


def approve_and_schedule(
    scope: Scope, post_id: UUID, *, member_id: UUID, note: str = "", tier: int = 1
) -> None:
    """Approve a post as a member and schedule the deliveries that waited for the approval.

    Raises the same errors as `decisions.approve_post`.
    """
    decisions.approve_post(scope, post_id, member_id=member_id, note=note, tier=tier)
    release_post(scope, post_id)


def cancel_post(scope: Scope, post_id: UUID) -> None:
    """Cancel the deliveries of a post that are not live, and stop its recurrence.

    Raises Conflict while the post is being published, while it is a version of a running A/B test,
    and if there is nothing to cancel.
    """
    if variant_assignment.is_test_variant(scope, post_id):
        raise Conflict("variants.running")
    # Lock order: extending a series locks the series before its deliveries.
    ended = cancellation.stop_recurrence(scope, post_id)
    rows = deliveries_of_post(scope, post_id, lock=True)
    if leaving := [DeliveryState(row.state) for row in rows if row.state in LEAVING]:
        raise Conflict(CANCEL_REFUSALS[leaving[0]])
    waiting = [row for row in rows if row.state in CANCELLABLE]
    if not (waiting or ended):
        raise Conflict("post.nothing_to_cancel")
    for row in waiting:
        deliveries.cancel_delivery(scope, row.id)


def require_delivery_version(scope: Scope, delivery_id: UUID, version: int) -> None:
    """Raise StaleVersion unless a delivery has the version that the caller has read.

    Each action compares the version again when it writes.
    """
    if get_delivery(scope, delivery_id).version != version:
        raise StaleVersion("delivery.moved_meanwhile")


def retry_delivery_version(
    scope: Scope, delivery_id: UUID, *, member_id: UUID, version: int
) -> None:
    """Retry a failed, held or interrupted delivery.

    For an uncertain delivery the member thereby confirms that the post is not live. Raises Conflict
    for any other state, because a published post is never sent again, and Refused as
    `uncertain_deliveries.resolve_uncertain_delivery` does.
    """
    if get_delivery(scope, delivery_id).state == DeliveryState.UNCERTAIN:
        uncertain_deliveries.resolve_uncertain_delivery(
            scope, delivery_id, member_id=member_id, url=""
        )
    else:
        drafts.retry_delivery(scope, delivery_id, version=version)


def confirm_delivery_link(scope: Scope, delivery_id: UUID, *, member_id: UUID, url: str) -> None:
    """Record the URL of an uncertain delivery that is live.

    Raises the same errors as `uncertain_deliveries.resolve_uncertain_delivery`.
    """
    if not url:
        raise BadInput("delivery.no_link").about("link")
    uncertain_deliveries.resolve_uncertain_delivery(
        scope, delivery_id, member_id=member_id, url=url
    )


def close_uncertain_version(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> None:
    """Close an uncertain delivery without an outcome.

    Raises the same errors as `uncertain_deliveries.close_uncertain_delivery`.
    """
    uncertain_deliveries.close_uncertain_delivery(scope, delivery_id, member_id=member_id)


def repost_version(
    scope: Scope,
    delivery_id: UUID,
    *,
    at: WallTime,
    member_id: UUID,
    connectors: Mapping[str, Connector],
) -> UUID:
    """Schedule a repost of a published delivery and return the ID of the new delivery.

    Raises Refused for a role without the right, and the errors of `reposts.repost_delivery`.
    """
    require_right(queries.get_member(scope, member_id).role, Right.RUN)
    return reposts.repost_delivery(scope, delivery_id, at=at, connectors=connectors)


def request_removal_of_version(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> int:
    """Request the removal of the live copies of a delivery; return their number.

    Raises Refused for a role without the right, and Conflict.
    """
    require_right(queries.get_member(scope, member_id).role, Right.RUN)
    return post_removal.request_post_removal(scope, delivery_id)
