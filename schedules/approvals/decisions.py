"""Approvals of posts. An approval comes from a principal other than the author and covers the exact
content."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import col, func, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import Message
from schedules.approvals import change_requests, verdicts
from schedules.approvals.models import Approval
from schedules.approvals.revisions import content_snapshot
from schedules.approvals.verdicts import APPROVAL_EXPIRED, HALF_APPROVED, UNAPPROVED
from schedules.edits import edits
from schedules.posts import channel_limits, webhook_events
from schedules.posts.content_digest import current_digest
from schedules.posts.deliveries import (
    approved_deadline,
    cancel_delivery,
    deliveries_of_post,
    get_post,
    reopened_deadline,
    schedule_wakeups,
)
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import transition_delivery
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right

APPROVAL_LIFETIME = timedelta(days=100)
"""Time after which an approval expires."""

FOR_GOOD = datetime.max.replace(tzinfo=UTC)

RENEWABLE = timedelta(days=1)
"""Minimum age of an approval before the same person can renew it, if it expires before its post is
published. It keeps a second click from counting as a renewal."""

CONTENT_TIER = 1
MAX_VERDICT_NOTE_LENGTH = 500

UNDO = timedelta(seconds=15)
"""Time to undo a verdict: the ten seconds that the page shows, plus time for the click."""

Verdict = Literal["yes", "no", "change", "withdrawn"]
"""A person's verdict. Only the last one counts; `withdrawn` means that the person has none."""

REJECTION_CODES = {
    "change": ("words", "picture", "moment", "accounts", "other"),
    "no": ("image", "rights", "taste", "double", "other"),
}
"""Reason codes by verdict; their texts are `approvals.because.<code>`."""

APPROVAL_NOT_REQUESTED = Message("approval.unasked")
"""The reason of an approved delivery whose post needs no approval."""

_BACK = {"change": Message("approval.change_asked"), "no": Message("approval.said_no")}
"""The reason of a delivery that became a draft because of a rejection."""


def approve_post(
    scope: Scope,
    post_id: UUID,
    *,
    member_id: UUID,
    note: str = "",
    tier: int = CONTENT_TIER,
    digest: str | None = None,
) -> None:
    """Approve the current version of a post. After the last required approval its drafts become
    approved.

    Deliveries on hold for a missing approval are scheduled again. Raises Refused for a role without
    the right, for the author and for a principal who approved as the other tier; BadInput for a
    tier that is not needed; Conflict if the current version is not `digest`.
    """
    row = _lock_post(scope, post_id)
    if digest is not None and digest != row.digest:
        raise Conflict("post.changed_meanwhile")
    principal = _resolve_approver(scope, row, member_id, tier)
    if row.author_principal == principal:
        raise Refused("approval.own_work")
    # The approval covers the pictures as they are now.
    row.digest = current_digest(scope, row)
    record_approval(scope, row, principal, tier=tier, note=note)


def record_approval(scope: Scope, row: Post, principal: UUID, *, tier: int, note: str = "") -> None:
    """Record an approval of the current version of a post. After the last required one its
    deliveries are approved.

    Raises Refused for a principal who approved as the other tier, or who already approved while
    another approval is missing; BadInput for a post that exceeds a limit of one of its channels.
    """
    channel_limits.require_channel_limits(scope, row.id)
    words = _list_current_verdicts(scope, row, scope.now)
    if any(
        word.principal_id == principal and word.verdict == "yes" and word.tier != tier
        for word in words
    ):
        raise Refused("approval.two_people")
    # An approval withdraws the same person's rejection as the other tier.
    for word in words:
        if word.principal_id == principal and word.verdict != "yes" and word.tier != tier:
            _record_verdict(scope, row, principal, tier=word.tier, verdict="withdrawn", note="")
    since = channel_review_requested_at(scope, row.id)
    known = is_approved(scope, row, scope.now, since=since)
    written = _record_verdict(
        scope, row, principal, tier=tier, verdict="yes", note=note, since=since
    )
    if not (written or known or is_rejected(scope, row, scope.now)):
        raise Refused("approval.two_people")
    if is_approved(scope, row, scope.now, since=since):
        change_requests.close_change_request(scope, row.id)
        if not known:
            webhook_events.announce_approval(scope, row)
        _release_approved_deliveries(scope, row)


def reject_post(
    scope: Scope,
    post_id: UUID,
    *,
    member_id: UUID,
    why: str = "other",
    note: str,
    tier: int = CONTENT_TIER,
) -> None:
    """Reject the current version of a post, with a reason code and a note.

    Approvals by others no longer count. Scheduled deliveries become drafts and keep their times;
    deliveries on hold stay on hold. Raises Refused for a role without the right, BadInput without a
    note or for an unknown code.
    """
    row = _lock_post(scope, post_id)
    record_rejection(
        scope,
        row,
        _resolve_approver(scope, row, member_id, tier),
        tier=tier,
        verdict="no",
        why=why,
        note=note,
    )


def request_changes(
    scope: Scope,
    post_id: UUID,
    *,
    member_id: UUID,
    why: str = "other",
    note: str,
    tier: int = CONTENT_TIER,
) -> None:
    """Request changes to a post and notify the creator's members.

    The post is rejected as by `reject_post`, which raises the same errors.
    """
    row = _lock_post(scope, post_id)
    member = queries.get_member(scope, member_id)
    record_rejection(
        scope,
        row,
        _resolve_approver(scope, row, member_id, tier),
        tier=tier,
        verdict="change",
        why=why,
        note=note,
    )
    change_requests.notify_change_request(scope, row, member.name)


def decline_post(
    scope: Scope, post_id: UUID, *, member_id: UUID, why: str = "other", note: str
) -> None:
    """Reject a post permanently: cancel its drafts and deliveries on hold, and notify the author.

    Raises the same errors as `reject_post`.
    """
    reject_post(scope, post_id, member_id=member_id, why=why, note=note)
    member = queries.get_member(scope, member_id)
    change_requests.notify_declined_post(
        scope, get_post(scope, post_id), member.name, member.principal_id
    )
    for delivery in deliveries_of_post(scope, post_id, lock=True):
        if delivery.state in (DeliveryState.DRAFT, DeliveryState.HELD):
            cancel_delivery(scope, delivery.id)


def withdraw_verdict(scope: Scope, post_id: UUID, *, member_id: UUID) -> None:
    """Withdraw a member's latest verdict. Deliveries that an approval scheduled become drafts
    again.

    Raises Refused if there is none or it is too old, and Conflict if a delivery was published in
    the meantime.
    """
    row = _lock_post(scope, post_id)
    member = queries.get_member(scope, member_id)
    ours = [
        word
        for word in _list_current_verdicts(scope, row, scope.now)
        if word.principal_id == member.principal_id
    ]
    last = max(ours, key=lambda word: (word.created_at or scope.now, word.id), default=None)
    if (
        last is None
        or last.verdict == "withdrawn"
        or scope.now - (last.created_at or scope.now) > UNDO
    ):
        raise Refused("approval.too_late_to_undo")
    rows = deliveries_of_post(scope, post_id, lock=True)
    kept_back = edits.hold_edits(scope, row) if last.verdict == "yes" else frozenset()
    planned = [
        one
        for one in rows
        if one.state not in (DeliveryState.DRAFT, DeliveryState.CANCELLED, DeliveryState.REHEARSED)
        and one.id not in kept_back
    ]
    if last.verdict == "yes" and any(
        one.state not in (DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD)
        for one in planned
    ):
        raise Conflict("approval.left_already")
    _record_verdict(scope, row, member.principal_id, tier=last.tier, verdict="withdrawn", note="")
    change_requests.close_change_request(scope, post_id)
    for one in planned if last.verdict == "yes" else []:
        if one.state in (DeliveryState.APPROVED, DeliveryState.SCHEDULED):
            transition_delivery(
                scope,
                one,
                DeliveryState.DRAFT,
                reason=Message("approval.taken_back"),
                late_until=reopened_deadline(scope, one),
            )
            # Drafts are woken at their time too: without an approval they are then put on hold.
            schedule_wakeups(scope, one)


def record_rejection(
    scope: Scope,
    row: Post,
    principal: UUID,
    *,
    tier: int,
    verdict: Literal["no", "change"],
    why: str,
    note: str,
) -> None:
    """Record a rejection or change request with the reason code `why` and the text `note`.

    Scheduled deliveries become drafts and keep their times. Deliveries on hold stay on hold: their
    time has passed, and as drafts they would be reported as missed again. Raises BadInput without a
    note and for an unknown code.
    """
    if not note.strip():
        raise BadInput("approval.no_words").about("note")
    if why not in REJECTION_CODES[verdict]:
        raise BadInput("approval.no_such_reason")
    _record_verdict(scope, row, principal, tier=tier, verdict=verdict, note=note, why=why)
    for delivery in deliveries_of_post(scope, row.id, lock=True):
        if delivery.state in (DeliveryState.APPROVED, DeliveryState.SCHEDULED):
            transition_delivery(scope, delivery, DeliveryState.DRAFT, reason=_BACK[verdict])
            schedule_wakeups(scope, delivery)
    edits.hold_edits(scope, row)


def release_without_approval(scope: Scope, post_id: UUID) -> list[Delivery]:
    """Approve the drafts of a post that needs no further approval. Returns its unfinished
    deliveries, locked."""
    row = get_post(scope, post_id)
    return (
        _release_approved_deliveries(scope, row)
        if is_approved(scope, row, scope.now)
        else _lock_upcoming_deliveries(scope, row)
    )


_LAST_WORDS = """
SELECT tier, verdict, created_at, expires_at FROM (
  SELECT DISTINCT ON (principal_id, tier) tier, verdict, created_at, expires_at FROM approvals
  WHERE tenant_id = :tenant AND post_id = :post AND digest = :digest
  ORDER BY principal_id, tier, created_at DESC, id DESC) last
WHERE verdict <> 'yes' OR expires_at > :now
"""
"""Selects the verdicts that count: approvals until they expire, rejections until the content
changes."""


def is_approved(scope: Scope, row: Post, now: datetime, *, since: datetime | None = None) -> bool:
    """Return True if every needed tier has a valid approval of the current digest, without a
    rejection.

    Only the last verdict of each person and tier counts. With `since` (UTC-aware), earlier
    approvals do not count.
    """
    return approved_until(scope, row, now, since=since) is not None


def approved_until(
    scope: Scope, row: Post, now: datetime, *, since: datetime | None = None
) -> datetime | None:
    """Return the end of a post's approval (UTC-aware), or None if it is not approved.

    It ends when the first needed approval expires; `FOR_GOOD` if none is needed. `since` is as in
    `is_approved`.
    """
    tiers = queries.get_creator(scope, row.creator_id).approval_tiers
    words = scope.run(
        _LAST_WORDS, tenant=scope.tenant_id, post=row.id, digest=row.digest, now=now
    ).all()
    ends: dict[int, datetime] = {}
    for word in words:
        if word.verdict == "yes" and (since is None or word.created_at > since):
            ends[word.tier] = max(ends.get(word.tier, word.expires_at), word.expires_at)
    asked = range(1, tiers + 1)
    if any(word.verdict in ("no", "change") for word in words) or not ends.keys() >= set(asked):
        return None
    return min((ends[tier] for tier in asked), default=FOR_GOOD)


def is_delivery_approved(scope: Scope, owner: Post, one: Delivery, now: datetime) -> bool:
    """Return True if the post is approved for this delivery.

    Approvals from before its account was added do not count.
    """
    return is_approved(scope, owner, now, since=one.asks_since)


def needs_approval(scope: Scope, row: Post, now: datetime) -> bool:
    """Return True if an approval is missing, for the post or for an account that was added after it
    was approved."""
    return not is_approved(scope, row, now, since=channel_review_requested_at(scope, row.id))


def channel_review_start(scope: Scope, row: Post, channel_id: UUID) -> datetime | None:
    """Return the time from which approvals count for an added channel, or None if no new approval
    is needed.

    An approval covers a post on its accounts, because another account has other readers. It stays
    valid for accounts that the post had before, and for the first accounts of a post without any.
    """
    words = scope.run(
        _LAST_WORDS, tenant=scope.tenant_id, post=row.id, digest=row.digest, now=scope.now
    ).all()
    if not queries.get_creator(scope, row.creator_id).approval_tiers or all(
        word.verdict != "yes" for word in words
    ):
        return None
    rows = [
        one
        for one in deliveries_of_post(scope, row.id)
        if one.state != DeliveryState.CANCELLED or one.series_id is not None
    ]
    known = any(
        one.channel_id == channel_id and is_delivery_approved(scope, row, one, scope.now)
        for one in rows
    )
    return None if known or not rows else scope.now


def channel_review_requested_at(scope: Scope, post_id: UUID) -> datetime | None:
    """Return the time at which the last account that is pending approval was added, or None if
    there is none."""
    query = select(func.max(Delivery.asks_since)).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == post_id,
        col(Delivery.state).in_([str(DeliveryState.DRAFT), str(DeliveryState.HELD)]),
    )
    return scope.session.exec(query).one()


def has_tier_approval(scope: Scope, row: Post, now: datetime, *, tier: int) -> bool:
    """Return True if a tier approved the current digest and accounts, and there is no rejection."""
    words = scope.run(
        _LAST_WORDS, tenant=scope.tenant_id, post=row.id, digest=row.digest, now=now
    ).all()
    since = channel_review_requested_at(scope, row.id)
    said = {
        word.tier
        for word in words
        if word.verdict == "yes" and (since is None or word.created_at > since)
    }
    return tier in said and not any(word.verdict in ("no", "change") for word in words)


def missing_approval(
    scope: Scope, row: Post, now: datetime, *, since: datetime | None = None
) -> Message:
    """Return the message that a post lacks approvals; with `since`, that an account added then
    lacks them."""
    said = [word for word in _list_latest_verdicts(scope, row) if word.verdict == "yes"]
    said = [word for word in said if since is None or (word.created_at or now) > since]
    if not said or is_rejected(scope, row, now):
        return UNAPPROVED
    return HALF_APPROVED if any(word.expires_at > now for word in said) else APPROVAL_EXPIRED


def is_rejected(scope: Scope, row: Post, now: datetime) -> bool:
    """Return True if a person's last verdict on the current digest is a rejection or change
    request."""
    words = scope.run(
        _LAST_WORDS, tenant=scope.tenant_id, post=row.id, digest=row.digest, now=now
    ).all()
    return any(word.verdict in ("no", "change") for word in words)


def _resolve_approver(scope: Scope, row: Post, member_id: UUID, tier: int) -> UUID:
    """Return the principal of a member who may approve the post.

    Raises Refused for a member without the right for this creator, BadInput for a tier that is not
    needed.
    """
    member = queries.get_member(scope, member_id)
    creator = queries.get_creator(scope, row.creator_id)
    require_right(member.role, Right.APPROVE)
    if member.creators and creator.slug not in member.creators:
        raise Refused("approval.other_creator", creator=creator.name)
    if not 1 <= tier <= max(creator.approval_tiers, CONTENT_TIER):
        raise BadInput("approval.no_such_tier", tier=tier)
    return member.principal_id


def _lock_post(scope: Scope, post_id: UUID) -> Post:
    """Lock and return a post, so that concurrent verdicts and rewrites see each other. Raises
    NotFound."""
    row = get_post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})
    return row


def _list_current_verdicts(scope: Scope, row: Post, now: datetime) -> list[Approval]:
    """Return the last verdict of each person and tier on the current content, excluding expired
    approvals."""
    return [
        word
        for word in _list_latest_verdicts(scope, row)
        if word.verdict != "yes" or word.expires_at > now
    ]


def _list_latest_verdicts(scope: Scope, row: Post) -> Collection[Approval]:
    """Return the last verdict of each person and tier on the current content, including expired
    approvals."""
    rows = scope.session.exec(
        select(Approval)
        .where(
            Approval.tenant_id == scope.tenant_id,
            Approval.post_id == row.id,
            Approval.digest == row.digest,
        )
        .order_by(col(Approval.created_at), col(Approval.id))
        .execution_options(populate_existing=True)  # PostgreSQL sets the time of a verdict.
    )
    return {(word.principal_id, word.tier): word for word in rows}.values()


def _record_verdict(
    scope: Scope,
    row: Post,
    principal_id: UUID,
    *,
    tier: int,
    verdict: Verdict,
    note: str,
    why: str = "",
    since: datetime | None = None,
) -> bool:
    """Record a verdict and return True if it is new.

    An approval from before `since`, or one that expires too early, is recorded again.
    """
    words = _list_current_verdicts(scope, row, scope.now)
    kept = note.strip()[:MAX_VERDICT_NOTE_LENGTH]
    ours = next(
        (word for word in words if (word.principal_id, word.tier) == (principal_id, tier)), None
    )
    again = ours is not None and (
        _is_given_before(ours, since) or _is_expiring_before_publish(scope, row, ours)
    )
    same = (
        ours is not None
        and ours.verdict == verdict
        and (verdict == "yes" or (ours.why, ours.note) == (why, kept))
    )
    if same and not again:
        return False
    word = Approval(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        post_id=row.id,
        digest=row.digest,
        tier=tier,
        principal_id=principal_id,
        verdict=verdict,
        note=kept,
        expires_at=scope.now + APPROVAL_LIFETIME,
        why=why,
        content=content_snapshot(row) if verdict != "withdrawn" else None,
    )
    scope.add(row, word)
    return True


def _is_given_before(word: Approval, since: datetime | None) -> bool:
    """Return True if an approval is from before an account was added, which it does not cover."""
    return since is not None and word.created_at is not None and word.created_at <= since


def _is_expiring_before_publish(scope: Scope, row: Post, word: Approval) -> bool:
    if word.created_at is None or scope.now - word.created_at < RENEWABLE:
        return False
    return any(
        one.due_at >= word.expires_at for one in deliveries_of_post(scope, row.id, ended=False)
    )


def _release_approved_deliveries(scope: Scope, row: Post) -> list[Delivery]:
    rows = _lock_upcoming_deliveries(scope, row)
    unasked = (
        None
        if queries.get_creator(scope, row.creator_id).approval_tiers
        else APPROVAL_NOT_REQUESTED
    )
    for one in rows:
        if one.asks_since is not None and not is_delivery_approved(scope, row, one, scope.now):
            continue
        if one.state == DeliveryState.DRAFT:
            transition_delivery(scope, one, DeliveryState.APPROVED, reason=unasked)
        elif verdicts.is_held_for_approval(one):
            late = approved_deadline(scope, one)
            transition_delivery(scope, one, DeliveryState.SCHEDULED, late_until=late)
            schedule_wakeups(scope, one)
    edits.release_edits(scope, row)
    return rows


def _lock_upcoming_deliveries(scope: Scope, row: Post) -> list[Delivery]:
    return deliveries_of_post(scope, row.id, lock=True, ended=False)
