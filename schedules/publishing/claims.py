"""Claims of due deliveries: compose and check the units, move the delivery and consume its permit
in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, distinct, literal, text, tuple_
from sqlmodel import col, func, select

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import UNUSABLE_STATES
from channels.attempts import attempts
from channels.limits import request_costs, send_limits, shared_quota
from channels.limits.send_limits import SendingBlock
from channels.manual_tasks import assignees
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep, StagedUploads
from connectors.contract.connector import Connector
from connectors.contract.outcomes import Outcome, Rejected
from connectors.shared.rate_limits import PUBLISH_STEP
from foundation.db.database import GENERIC_PLAN_SQL, Scope
from foundation.errors import Conflict, GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Unit, combine_parts
from gate.permits import issuance
from gate.permits.issuance import MintPermit, PermitDenied
from schedules.approvals.decisions import approved_until, is_delivery_approved, missing_approval
from schedules.availability import enforced_interval
from schedules.availability.minimum_interval import (
    OVERDUE_AFTER,
    interval_over_at,
)
from schedules.downtime import account_blocks, misfires, missed_posts
from schedules.downtime.account_blocks import BlockReason
from schedules.drafts import duplicates
from schedules.posts import channel_overrides, dry_run_state, link_tracking, thread_parts
from schedules.posts.channel_overrides import PAID_CONTENT_SHOWN_FREE
from schedules.posts.content_digest import content_digest, current_digest, media_digest, part_digest
from schedules.posts.deliveries import get_post
from schedules.posts.delivery_units import (
    compose_thread_units,
    compose_unit,
    delivery_subject,
    load_unit_material,
    mark_units,
)
from schedules.posts.events import ReconcileDue
from schedules.posts.link_tracking import IDLE_LINK_PLAN, LinkPlan
from schedules.posts.models import Delivery, Post
from schedules.posts.queries import delivery_timeline
from schedules.posts.states import (
    ACCOUNT_LOST,
    ACT_TIMEOUT,
    CREATOR_INACTIVE,
    MISSING_APPROVAL_CODES,
    POSTS_PER_DAY,
    SENT_STATES,
    STAGE_TIMEOUT,
    TIMEOUT_MARGIN,
    DeliveryState,
)
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.publishing import expiring_posts
from tenants.agencies.queries import get_creator

TOO_LATE = Message("delivery.too_late")


KEY_EXPIRED = "delivery.key_expired"
"""Reason of a repeat that was not sent while the platform still honoured its key."""


class NotClaimable(GreenroomError):
    """The claim was refused.

    `hold` contains the reason if a member must decide. `again` is the delay until the next attempt,
    `turn` the message about the wait. `drop` is set if the delivery must not be published at all.
    """

    def __init__(
        self,
        code: str,
        *,
        hold: Message | None = None,
        again: timedelta | None = None,
        turn: enforced_interval.IntervalTurn | None = None,
        drop: Message | None = None,
    ) -> None:
        super().__init__(code)
        self.hold = hold
        self.again = again
        self.turn = turn
        self.drop = drop


def is_refusal_outdated(scope: Scope, row: Delivery, refusal: NotClaimable | PermitDenied) -> bool:
    """Return True if a delivery was rescheduled or approved after its claim was refused."""
    hold = refusal.hold if isinstance(refusal, NotClaimable) else None
    given = False
    # An approval in progress waits for this lock and lifts the hold, or was committed before.
    if hold is not None and hold.code in MISSING_APPROVAL_CODES:
        scope.session.refresh(row, with_for_update={"key_share": True})
        waits = row.state in (DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.PARTLY)
        given = waits and is_delivery_approved(scope, get_post(scope, row.post_id), row, scope.now)
    in_time = row.late_until is None or scope.now <= row.late_until
    moved = scope.now < row.due_at and (hold is not None or isinstance(refusal, PermitDenied))
    return given or moved or (hold == TOO_LATE and in_time)


class DryRunOnly(NotClaimable):
    """The delivery is due, but a dry run covers it. Nothing has been written."""


class MissedTogether(NotClaimable):
    """The account missed several deliveries, and their downtime has not been registered yet."""


def claim_delivery(
    scope: Scope, delivery_id: UUID, *, mint: MintPermit, connectors: Mapping[str, Connector]
) -> tuple[PreparedStep | Outcome, int]:
    """Claim a due delivery, locking epochs, channel, delivery and permit in this order.

    Returns the prepared step, or an outcome if no request is needed, and the number of the attempt.
    Raises NotClaimable, PermitDenied, and Conflict if the delivery changed in the meantime; each of
    them rolls back the transaction.
    """
    row, owner, dry = _load_due_delivery(scope, delivery_id)
    _check_time(scope, row, owner)
    if not dry:
        _check_creator(scope, row)
    _check_late(scope, row, connectors)
    if dry:
        raise DryRunOnly("delivery.rehearsing", hold=Message("delivery.rehearsing"))
    ready = prepare_post(scope, row, owner, connectors)
    ready.keep_links(scope)
    channel = ready.channel
    part = thread_parts.current_part(row)
    deadline = scope.now + ACT_TIMEOUT
    # Uploads that were made ahead do not count against the quota again.
    brought = not ready.unit.media or attempts.has_early_uploads(scope, ready.unit.subject)
    _take_platform_quota(
        scope, channel, PUBLISH_STEP, *(() if brought else shared_quota.upload_start_steps(channel))
    )
    if part == 0:  # the later parts of a thread are not stopped by the cap
        _check_cost_cap(scope, channel, ready)
    # Due before a member scheduled it: its requested time applies.
    if row.state == DeliveryState.APPROVED:
        transition_delivery(scope, row, DeliveryState.SCHEDULED)
    attempt = row.attempt + 1
    now = scope.now
    lasts = expiring_posts.begin_expiry(
        scope, row, ready.unit, account_connectors.connector_for(connectors, channel)
    )
    transition_delivery(
        scope,
        row,
        DeliveryState.PUBLISHING,
        attempt=attempt,
        claimed_at=now,
        deadline_at=deadline,
        parts=ready.parts,
        **lasts,
    )
    # Committed before the request is sent, so that a crash cannot lose the outcome (ADR 0003).
    schedule_lookup(scope, row, deadline + TIMEOUT_MARGIN)
    # The caller settles this outcome; no request is sent.
    if ready.unfit is not None:
        return Rejected(ready.unfit, permanent=False), row.attempt
    turn = ready.prepare_step(
        scope, kind="send", act=ACT_TIMEOUT, mint=mint, connectors=connectors, part=part
    )
    if isinstance(turn, StagedUploads):  # only kind="stage" ends before the publish step
        raise Conflict("delivery.moved_meanwhile")
    return turn, row.attempt


_DUE = (
    select(Delivery, Post, dry_run_state.IN_DRY_RUN_SQL, text(GENERIC_PLAN_SQL))
    .join(Post, and_(col(Post.tenant_id) == Delivery.tenant_id, col(Post.id) == Delivery.post_id))
    .where(Delivery.tenant_id == bindparam("tenant"), Delivery.id == bindparam("id"))
    .execution_options(populate_existing=True)
)


def _load_due_delivery(scope: Scope, delivery_id: UUID) -> tuple[Delivery, Post, bool]:
    """Return a delivery with its post, and True if a dry run covers it. Raises NotFound."""
    found = scope.session.execute(
        _DUE, {"tenant": scope.tenant_id, "id": delivery_id}
    ).one_or_none()
    if found is None:
        raise NotFound("delivery.unknown")
    row, owner, covered, _ = found
    return row, owner, row.dry_run or covered


def claim_upload(
    scope: Scope, delivery_id: UUID, *, mint: MintPermit, connectors: Mapping[str, Connector]
) -> PreparedStep | None:
    """Prepare the uploads of a delivery before its time, or return None if there is nothing to
    upload.

    The state of the delivery does not change. Raises NotClaimable and PermitDenied; members are
    notified of the reason when the publication is refused.
    """
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.SCHEDULED or dry_run_state.is_dry_run(scope, row):
        return None
    ready = prepare_post(scope, row, get_post(scope, row.post_id), connectors)
    if ready.unfit is not None:
        return None
    _take_platform_quota(scope, ready.channel, *shared_quota.upload_start_steps(ready.channel))
    ready.keep_links(scope)
    turn = ready.prepare_step(
        scope, kind="stage", act=STAGE_TIMEOUT, mint=mint, connectors=connectors
    )
    return turn if isinstance(turn, PreparedStep) else None


@dataclass(frozen=True)
class PreparedPost:
    """A post that is ready to publish: the marked unit of the next of its `parts`.

    `whole` is the unit of the entire thread when the first part is published.
    """

    author: str
    channel: Channel
    unit: Unit
    parts: int
    whole: Unit | None = None
    unfit: Message | None = None
    """The reason that a later part cannot be published on this account. No part is published then.
    """
    linked: LinkPlan = IDLE_LINK_PLAN
    last: Unit | None = None
    """The last part, which refers to all links of the thread."""

    def keep_links(self, scope: Scope) -> None:
        """Store the targets of the post's short links before they are published."""
        if self.last is not None:
            link_tracking.register_short_links(scope, self.linked, self.channel, self.last)

    def prepare_step(
        self,
        scope: Scope,
        *,
        kind: Literal["send", "stage"],
        act: timedelta,
        mint: MintPermit,
        connectors: Mapping[str, Connector],
        part: int = 0,
    ) -> PreparedStep | Outcome | StagedUploads:
        """Call `channels.sending.step_runner.prepare_step` for this post.

        For the first part of a thread, the permit covers the whole thread.
        """
        return step_runner.prepare_step(
            scope,
            channel=self.channel,
            unit=self.unit,
            kind=kind,
            act=act,
            mint=mint,
            author=self.author,
            whole=self.whole,
            connectors=connectors,
            part=part,
        )


def prepare_post(
    scope: Scope, row: Delivery, owner: Post, connectors: Mapping[str, Connector]
) -> PreparedPost:
    """Lock epochs and account, in this order; then compose, check and mark the next part."""
    channel = queries.get_channel(scope, row.channel_id)
    connector = account_connectors.connector_for(connectors, channel)
    part = thread_parts.current_part(row)
    raw = _compose_units(scope, row, owner, channel, connector)
    wanted = raw if part == 0 else raw[: part + 1]
    # Lock order: epochs first, then the account.
    issuance.lock_unit(scope, combine_parts(wanted))
    _check_channel(scope, row, channel)
    _check_repeat_key(scope, row, part)
    _check_approval(scope, row, owner, raw)
    if part == 0:  # a thread that has begun is completed
        _check_price(owner, channel)
        _check_repeats(scope, row, owner, channel, connector)
    units = mark_units(scope, wanted)
    if part or len(raw) == 1:
        unit = replace(
            units[part],
            reply_to=thread_parts.reply_target(
                row, channel_overrides.content_for_channel(owner, channel).parts
            ),
        )
        unfit = thread_parts.missing_disclosure(units, connector.capabilities)
        return PreparedPost(
            owner.author,
            channel,
            unit,
            len(raw),
            None,
            unfit,
            link_tracking.link_plan_of_post(owner),
            raw[-1],
        )
    unfit = next(
        filter(None, (step_runner.sending_problem(one, connector, scope.now) for one in units)),
        None,
    )
    unfit = unfit or thread_parts.missing_disclosure(units, connector.capabilities)
    return PreparedPost(
        owner.author,
        channel,
        units[0],
        len(raw),
        units[-1],
        unfit,
        link_tracking.link_plan_of_post(owner),
        raw[-1],
    )


def _take_platform_quota(scope: Scope, channel: Channel, *steps: str) -> None:
    """Consume the quota of the platform application before the delivery is locked.

    A refused claim rolls the consumption back.
    """
    short = shared_quota.take_quota(scope, channel, steps)
    if short is not None:
        raise NotClaimable(
            "delivery.channel_blocked", again=SendingBlock(*short).wait_from(scope.now)
        )


def _check_cost_cap(scope: Scope, channel: Channel, ready: PreparedPost) -> None:
    """Raise NotClaimable if the agency's cost cap does not cover the requests of the post or
    thread."""
    short = request_costs.cap_wait(
        scope, channel.platform, ready.unit.text_of("body"), parts=ready.parts
    )
    if short is not None:
        raise NotClaimable(
            "delivery.channel_blocked", again=SendingBlock(*short).wait_from(scope.now)
        )


def schedule_lookup(scope: Scope, row: Delivery, at: datetime) -> None:
    """Schedule one lookup of a delivery's outcome, replacing earlier ones."""
    outbox.put(scope, ReconcileDue(scope.tenant_id, row.id), at=at, instead_of=ReconcileDue)


def _check_time(scope: Scope, row: Delivery, owner: Post) -> None:
    if row.state not in (
        DeliveryState.DRAFT,
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.PARTLY,
    ):
        raise NotClaimable("delivery.not_scheduled")
    start = _earliest_publish_time(row)
    if scope.now < start:
        raise NotClaimable("delivery.early", again=start - scope.now)
    if misfires.is_occurrence_superseded(scope, row):
        raise NotClaimable("series.passed_over", drop=Message("series.passed_over"))
    if row.state == DeliveryState.DRAFT:
        raise NotClaimable(
            "delivery.unapproved",
            hold=missing_approval(scope, owner, scope.now, since=row.asks_since),
        )
    # Missed posts are laid out together before one of them is published (ADR 0058).
    if scope.now - start > OVERDUE_AFTER and missed_posts.is_unannounced(scope, row):
        raise MissedTogether("delivery.missed")


def _check_creator(scope: Scope, row: Delivery) -> None:
    """Raise NotClaimable, with a hold, if the creator is deactivated or archived, or has published
    as many posts today as allowed. A thread that has begun is completed."""
    creator = get_creator(scope, row.creator_id)
    if not creator.is_active:
        raise NotClaimable(CREATOR_INACTIVE, hold=Message(CREATOR_INACTIVE))
    most = creator.posts_per_day
    if most is None or row.state == DeliveryState.PARTLY:
        return
    # Posts that are due at the same time are counted one after the other.
    scope.lock(f"posts_per_day:{row.creator_id}")
    if _count_other_posts_today(scope, row, ZoneInfo(creator.zone)) >= most:
        params: dict[str, str | int] = {"name": creator.name, "most": most}
        raise NotClaimable(POSTS_PER_DAY, hold=Message(POSTS_PER_DAY, params))


def _count_other_posts_today(scope: Scope, row: Delivery, zone: ZoneInfo) -> int:
    """Return the number of the creator's other posts that were sent on the creator's day."""
    began = datetime.combine(scope.now.astimezone(zone).date(), time(), zone).astimezone(UTC)
    found = scope.session.exec(
        select(func.count(distinct(col(Delivery.post_id)))).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == row.creator_id,
            Delivery.post_id != row.post_id,
            col(Delivery.claimed_at) >= began,
            col(Delivery.state).in_([str(state) for state in SENT_STATES]),
        )
    )
    return found.one()


def _check_late(scope: Scope, row: Delivery, connectors: Mapping[str, Connector]) -> None:
    """Raise NotClaimable if the delivery is too late and a member must decide.

    While a block of its account or an emergency stop applies, the delivery keeps waiting, and the
    notice about the block covers it.
    """
    if row.late_until is None or scope.now <= row.late_until:
        return
    # A thread that has begun does not wait: it is put on hold as broken off.
    if row.state != DeliveryState.PARTLY and not dry_run_state.is_dry_run(scope, row):
        _check_blocked(scope, row, connectors)
    raise NotClaimable("delivery.too_late", hold=TOO_LATE)


def _check_blocked(scope: Scope, row: Delivery, connectors: Mapping[str, Connector]) -> None:
    channel = queries.get_channel(scope, row.channel_id)
    held = account_blocks.find_account_block(scope, channel)
    if held is not None and held.why is BlockReason.LOST:
        raise NotClaimable("delivery.account_lost", hold=Message(ACCOUNT_LOST))
    if held is not None:
        raise NotClaimable("delivery.channel_blocked", again=held.again)
    if _is_stopped(scope, row, channel, connectors):
        raise NotClaimable("delivery.channel_blocked", again=account_blocks.STOP_RECHECK_INTERVAL)


def _is_stopped(
    scope: Scope, row: Delivery, channel: Channel, connectors: Mapping[str, Connector]
) -> bool:
    """Return True if an emergency stop of its content, not of its account, blocks a delivery."""
    owner = get_post(scope, row.post_id)
    try:
        units = mark_units(
            scope,
            _compose_units(
                scope, row, owner, channel, account_connectors.connector_for(connectors, channel)
            ),
        )
    except NotClaimable:
        return False
    return issuance.preview_decision(scope, units[-1], author=owner.author).is_transient


def _compose_units(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector
) -> tuple[Unit, ...]:
    try:
        of = load_unit_material(scope, owner, [channel])
    except NotFound as missing:
        raise NotClaimable(
            "delivery.media_missing", hold=Message("delivery.media_missing")
        ) from missing
    return compose_thread_units(
        compose_unit(scope, row, owner, channel, of), owner, channel, connector.capabilities, of
    )


def _check_repeat_key(scope: Scope, row: Delivery, part: int) -> None:
    """Raise NotClaimable if a repeat could create a second copy and no member scheduled it."""
    if row.attempt and reconciliation.is_repeat_expired(scope, delivery_subject(row.id), part):
        last = delivery_timeline(scope, row.id)[-1]
        if last.by.startswith(reconciliation.SYSTEM):
            raise NotClaimable(KEY_EXPIRED, hold=Message(KEY_EXPIRED))


def _check_channel(scope: Scope, row: Delivery, channel: Channel) -> None:
    held = send_limits.claim_send_slot(scope, channel, posts=True)
    if held is not None and channel.state in UNUSABLE_STATES:
        raise NotClaimable("delivery.account_lost", hold=Message(ACCOUNT_LOST))
    if held is not None:
        raise NotClaimable("delivery.channel_blocked", again=held.wait_from(scope.now))
    alone = assignees.no_assignee_reason(scope, channel)
    if alone is not None:
        raise NotClaimable("delivery.channel_blocked", hold=alone)
    # A delivery that only waits for its minimum interval is not overdue.
    overdue = scope.now - row.due_at > OVERDUE_AFTER + channel.min_interval
    # An account without a minimum interval needs no query.
    if row.part_ids or not (overdue or channel.min_interval):
        return
    if row.at_once and not overdue:  # a member chose "Post now"
        return
    # A repeat takes the turn of its first request, and the platform remembers its key only so long.
    if row.attempt and reconciliation.is_repeat(scope, delivery_subject(row.id)):
        return
    if enforced_interval.is_interval_enforced(channel):
        _check_enforced_interval(scope, row, channel)
    elif overdue:
        _check_catch_up_order(scope, row, channel)
    else:
        _check_minimum_interval(scope, row, gap=channel.min_interval)


def _check_minimum_interval(scope: Scope, row: Delivery, *, gap: timedelta) -> None:
    """Raise NotClaimable until the minimum interval of the account has passed.

    A delivery that would be too late by then is published without waiting: the author's limit has
    priority, and the author was warned when scheduling.
    """
    free = interval_over_at(scope, row.channel_id, gap)
    if free > scope.now and (row.late_until is None or free <= row.late_until):
        raise NotClaimable("delivery.one_by_one", again=free - scope.now)


def _check_enforced_interval(scope: Scope, row: Delivery, channel: Channel) -> None:
    """Raise NotClaimable until the delivery's turn, on an account that enforces its minimum
    interval.

    If there is no turn in time, a member must decide. Uploads before the due time do not wait.
    """
    if scope.now < _earliest_publish_time(row):
        return
    turn = enforced_interval.find_turn(
        scope,
        row,
        channel,
        gap=channel.min_interval,
    )
    if turn is not None and turn.at is None:
        raise NotClaimable(enforced_interval.TOO_LATE_FOR_INTERVAL, hold=turn.said)
    if turn is not None and turn.at is not None:
        raise NotClaimable(
            enforced_interval.WAITS_FOR_INTERVAL, again=turn.at - scope.now, turn=turn
        )


def _earliest_publish_time(row: Delivery) -> datetime:
    """Return the instant from which a delivery can be published."""
    return max(row.due_at, row.not_before or row.due_at)


def _check_catch_up_order(scope: Scope, row: Delivery, channel: Channel) -> None:
    """Raise NotClaimable until the turn of an overdue delivery: by priority, then by due time."""
    here = (Delivery.tenant_id == scope.tenant_id, Delivery.channel_id == row.channel_id)
    free = interval_over_at(scope, row.channel_id, channel.min_interval)
    if free <= scope.now:
        return
    before = tuple_(col(Delivery.priority), col(Delivery.due_at), col(Delivery.id)) < tuple_(
        literal(row.priority), literal(row.due_at), literal(row.id)
    )
    ahead = scope.session.exec(
        select(func.count()).where(
            *here, col(Delivery.state) == str(DeliveryState.SCHEDULED), before
        )
    ).one()
    # One second for each delivery ahead keeps the retries in order.
    raise NotClaimable("delivery.one_by_one", again=free - scope.now + ahead * timedelta(seconds=1))


def _check_approval(scope: Scope, row: Delivery, owner: Post, raw: Sequence[Unit]) -> datetime:
    """Return the expiry of a delivery's approval (UTC-aware).

    Raises NotClaimable unless the approval covers exactly this content, with every part.
    """
    if _compute_content_digest(scope, owner, raw) != owner.digest:
        raise NotClaimable("delivery.changed", hold=Message("delivery.changed"))
    until = approved_until(scope, owner, scope.now, since=row.asks_since)
    if until is None:
        raise NotClaimable(
            "delivery.unapproved",
            hold=missing_approval(scope, owner, scope.now, since=row.asks_since),
        )
    return until


def _check_price(owner: Post, channel: Channel) -> None:
    """Raise NotClaimable if a picture that is sold elsewhere would be free here.

    A member may have moved or reposted the post since its approval.
    """
    if channel_overrides.is_paid_content_free(owner, channel):
        raise NotClaimable("price.given_away", hold=PAID_CONTENT_SHOWN_FREE)


def _check_repeats(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector
) -> None:
    """Raise NotClaimable if a post repeats an earlier one of the account and a member must
    decide."""
    like = duplicates.find_blocking_duplicate(scope, row, owner, channel, connector)
    if like is not None:
        raise NotClaimable(like.to_message.code, hold=like.to_message)


def _compute_content_digest(scope: Scope, owner: Post, raw: Sequence[Unit]) -> str:
    """Return the digest of a post whose parts were just composed for an account."""
    # The digest covers all overrides, and the units contain those of one account only.
    if owner.overrides:
        try:
            return current_digest(scope, owner)
        except NotFound as missing:
            raise NotClaimable(
                "delivery.media_missing", hold=Message("delivery.media_missing")
            ) from missing
    # In the order of the post, whether the parts are joined or not.
    media = [medium for one in raw for medium in one.media]
    shown = iter(media)
    prints = [media_digest(asset, next(shown)) for asset in owner.media]
    parts = [
        part_digest(piece, [next(shown) for _ in piece.media])
        for piece in thread_parts.parse_thread(owner.parts)
    ]
    return content_digest(owner.title, owner.body, prints, owner.text_ai, parts, links=owner.links)


def build_checked_units(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector
) -> tuple[tuple[Unit, ...], datetime]:
    """Return all marked parts of a delivery and the expiry of its approval (UTC-aware).

    Makes the checks of a claim without locks or writes. Raises NotClaimable with the reason of a
    hold.
    """
    raw = _compose_units(scope, row, owner, channel, connector)
    until = _check_approval(scope, row, owner, raw)
    _check_price(owner, channel)
    _check_repeats(scope, row, owner, channel, connector)
    return mark_units(scope, raw), until
