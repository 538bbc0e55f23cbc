"""Release of fully approved posts, and the members who can give a missing approval."""

from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from schedules.approvals import decisions, verdicts
from schedules.posts import deliveries
from schedules.posts.deliveries import get_post
from schedules.posts.states import DeliveryState
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.agencies.rights import Right, has_right


def release_post(scope: Scope, post_id: UUID) -> bool:
    """Schedule the deliveries of a post if no approval is missing; return True if any delivery was
    scheduled."""
    rows = decisions.release_without_approval(scope, post_id)
    deliveries.schedule_approved(scope, rows)
    return any(row.state == DeliveryState.SCHEDULED for row in rows)


def needs_no_approval(scope: Scope, post_id: UUID) -> bool:
    """Return True if no approval is missing, so that a draft only has to be scheduled."""
    return not decisions.needs_approval(scope, get_post(scope, post_id), scope.now)


def has_one_of_two_approvals(scope: Scope, post_id: UUID) -> bool:
    """Return True if a post has one of two approvals."""
    since = decisions.channel_review_requested_at(scope, post_id)
    return (
        decisions.missing_approval(scope, get_post(scope, post_id), scope.now, since=since)
        == verdicts.HALF_APPROVED
    )


def approval_deadline(scope: Scope, post_id: UUID) -> datetime | None:
    """Return the time (UTC-aware) until which an approval still publishes a post on all its
    accounts, or None without a limit."""
    return min(
        (
            row.late_until
            for row in deliveries.deliveries_of_post(scope, post_id, ended=False)
            if row.late_until is not None
            and (row.state == DeliveryState.DRAFT or verdicts.is_held_for_approval(row))
        ),
        default=None,
    )


def approver_names(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """Return the names of the members who can approve a post."""
    return tuple(one.name for one in eligible_approvers(scope, post_id))


def eligible_approvers(scope: Scope, post_id: UUID) -> tuple[Member, ...]:
    """Return the members who can approve a post, by name: neither its author nor earlier approvers.

    Empty if no approval is missing.
    """
    row = get_post(scope, post_id)
    creator = queries.get_creator(scope, row.creator_id)
    if not decisions.needs_approval(scope, row, scope.now):
        return ()
    said = verdicts.verdicts_of_posts(scope, {post_id: row}).get(post_id, ())
    counted = verdicts.split_counting_verdicts(
        said, decisions.channel_review_requested_at(scope, post_id)
    )
    return tuple(
        member
        for member in queries.list_members(scope)
        if has_right(member.role, Right.APPROVE)
        and member.principal_id != row.author_principal
        and (not member.creators or creator.slug in member.creators)
        and verdicts.open_tier_for(member.principal_id, *counted, creator.approval_tiers)
        is not None
    )
