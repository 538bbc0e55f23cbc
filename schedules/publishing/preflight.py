"""Preflight checks: warn members of what would stop a delivery, before its time.

They run at scheduling, a day before and ten minutes before the due time. They send nothing to a
platform and change no state. Causes that resolve themselves before the due time are ignored.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from channels.accounts import account_connectors, credentials, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.connections import platform_limits
from channels.limits import send_limits, shared_quota
from channels.manual_tasks import assignees
from channels.sending import step_runner
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.reasons import Reason
from gate.permits import issuance
from schedules.approvals import decisions
from schedules.approvals.verdicts import APPROVAL_EXPIRES_FIRST
from schedules.availability import enforced_interval
from schedules.downtime import account_blocks
from schedules.notices import blocked_account
from schedules.posts.deliveries import FINAL_PREFLIGHT_LEAD, get_post
from schedules.posts.models import Delivery
from schedules.posts.states import (
    CREATOR_INACTIVE,
    MISSING_APPROVAL_CODES,
    PENDING_STATES,
    DeliveryState,
)
from schedules.posts.transitions import EARLY_WARNING_SUFFIX, early_warning_cause, get_delivery
from schedules.publishing.claims import NotClaimable, build_checked_units
from tenants.notices import notices

OUTLIVES = timedelta(minutes=15)
"""Time after the due time for which the account's token must be valid: retries need it too."""

AGAIN = timedelta(minutes=2)
"""Interval between checks of a delivery that would be stopped, until its time."""

BETWEEN = timedelta(hours=6)
"""Interval between checks of a delivery without problems on its last day: a consent can end at any
time."""

_ELSEWHERE = MISSING_APPROVAL_CODES | {
    "delivery.stopped",
    CREATOR_INACTIVE,
    APPROVAL_EXPIRES_FIRST,
}
"""Problems that other notices report in time, or that members have caused themselves."""

_WAITS = {
    shared_quota.QUOTA_RESERVED.code: "delivery.kept",
    shared_quota.QUOTA_SHARED_OUT.code: "delivery.shared",
}


def run_preflight(
    scope: Scope, delivery_id: UUID, *, connectors: Mapping[str, Connector]
) -> timedelta | None:
    """Notify members of what would stop a delivery, and return the delay until the next check, or
    None if there is none.

    Until ten minutes before its time, only problems with the post's content are reported, because a
    member must correct them. After that, `warn_of_troubles` is called.
    """
    row = get_delivery(scope, delivery_id)
    left = max(row.due_at, row.not_before or row.due_at) - scope.now
    if row.state not in PENDING_STATES or left <= FINAL_PREFLIGHT_LEAD:
        return warn_of_troubles(scope, delivery_id, connectors=connectors)
    channel = queries.get_channel(scope, row.channel_id)
    said = (
        _find_content_troubles(scope, row, channel, connectors)
        if row.state != DeliveryState.DRAFT
        else []
    )
    found = [one for one in said if one.code not in _ELSEWHERE]
    cause = early_warning_cause(row)
    if not found:
        notices.close(scope, cause)
    elif not notices.put(scope, found[0], cause=cause, creator_id=row.creator_id):
        notices.update_message(scope, found[0], cause=cause)
    return min(FINAL_PREFLIGHT_LEAD if found else BETWEEN, left - FINAL_PREFLIGHT_LEAD)


def warn_of_troubles(
    scope: Scope, delivery_id: UUID, *, connectors: Mapping[str, Connector]
) -> timedelta | None:
    """Notify members of anything that would stop a delivery, and return the delay until the next
    check.

    Also schedules the renewal of a token that expires too early, and refreshes outdated platform
    limits. Returns None if nothing would stop the delivery or its time has come. A problem of the
    whole account has one notice for all posts.
    """
    row = get_delivery(scope, delivery_id)
    if row.state not in PENDING_STATES:
        return None
    channel = queries.get_channel(scope, row.channel_id)
    platform_limits.request_limits_if_stale(scope, channel, connectors)
    if row.state != DeliveryState.DRAFT:
        _schedule_token_renewal(scope, channel, row.due_at)
    kept = _blocks_at_publish_time(scope, channel, row)
    together = row.state != DeliveryState.DRAFT and bool(kept)
    if together:
        blocked_account.warn_of_blocked_account(scope, channel)
        found: Sequence[Message] = ()
    else:
        found = [
            *_collect_troubles(scope, row, (channel, kept), connectors),
            *_find_interval_trouble(scope, channel, row),
        ]
    # Members who deactivate a creator need no early warning for each post.
    found = [one for one in found if one.code != CREATOR_INACTIVE]
    if found:
        notices.put(
            scope, found[0], cause=early_warning_cause(row), urgent=True, creator_id=row.creator_id
        )
    else:
        notices.close(scope, early_warning_cause(row))
    left = row.due_at - scope.now
    return AGAIN if (found or together) and left > AGAIN else None


def _find_interval_trouble(scope: Scope, channel: Channel, row: Delivery) -> list[Message]:
    """Return the warning if the enforced minimum interval would make the delivery too late."""
    if (
        row.state == DeliveryState.DRAFT
        or row.part_ids
        or row.at_once
        or not enforced_interval.is_interval_enforced(channel)
    ):
        return []
    leaves = enforced_interval.forecast_turn(scope, channel, row.due_at, but=row.id)
    return (
        [enforced_interval.too_late_reason(channel, channel.min_interval)] if leaves is None else []
    )


def find_troubles(
    scope: Scope, row: Delivery, connectors: Mapping[str, Connector]
) -> list[Message]:
    """Return all reasons that would stop a delivery at its time, those of the account first.

    Sends no requests, takes no locks and writes nothing.
    """
    channel = queries.get_channel(scope, row.channel_id)
    return _collect_troubles(
        scope, row, (channel, _blocks_at_publish_time(scope, channel, row)), connectors
    )


def _collect_troubles(
    scope: Scope,
    row: Delivery,
    there: tuple[Channel, Sequence[Message]],
    connectors: Mapping[str, Connector],
) -> list[Message]:
    """Return the reasons for a delivery, given its account and the reasons that block the
    account."""
    channel, kept = there
    found = [*kept, *_find_member_actions(scope, channel, row.due_at, row.zone)]
    # Also where no approval is needed: a member has to schedule it.
    if row.state == DeliveryState.DRAFT:
        owner = get_post(scope, row.post_id)
        return [decisions.missing_approval(scope, owner, scope.now, since=row.asks_since), *found]
    stopped = any(one.code == "delivery.stopped" for one in found)
    said = _find_content_troubles(scope, row, channel, connectors)
    return [*found, *(one for one in said if not stopped or one.code != "delivery.stopped")]


def _find_content_troubles(
    scope: Scope, row: Delivery, channel: Channel, connectors: Mapping[str, Connector]
) -> list[Message]:
    """Return the problems with the content of a scheduled delivery: text, pictures and approval."""
    owner = get_post(scope, row.post_id)
    connector = account_connectors.connector_for(connectors, channel)
    try:
        units, stands = build_checked_units(scope, row, owner, channel, connector)
    except NotClaimable as refusal:
        return [refusal.hold] if refusal.hold is not None else []
    found = []
    if stands <= max(row.due_at, row.not_before or row.due_at):
        found.append(Message(APPROVAL_EXPIRES_FIRST, {"at": _format_local_hour(stands, row.zone)}))
    unfit = next(
        filter(None, (step_runner.sending_problem(one, connector, scope.now) for one in units)),
        None,
    )
    decision = issuance.preview_decision(scope, units[-1], author=owner.author)
    # The destination is checked just before publishing.
    unseen = decision.needs_place_check and channel.can_check_destination
    if unfit is not None:
        found.append(unfit)
    if decision.is_transient and not decision.is_allowed:
        inactive = Reason.CREATOR_INACTIVE in decision.reasons
        found.append(Message(CREATOR_INACTIVE) if inactive else _stopped_message(channel))
    elif not decision.is_allowed and not unseen:
        found.append(decision.main_reason)
    return found


def troubles_of_delivery(
    scope: Scope, delivery_id: UUID, connectors: Mapping[str, Connector]
) -> list[Message]:
    """Return `find_troubles` of a draft or scheduled delivery, or an empty result for any other.

    Missing approvals of drafts are excluded, because they are shown elsewhere.
    """
    row = get_delivery(scope, delivery_id)
    if row.state not in PENDING_STATES:
        return []
    return [
        one
        for one in find_troubles(scope, row, connectors)
        if row.state != DeliveryState.DRAFT or one.code not in MISSING_APPROVAL_CODES
    ]


def warned_deliveries(scope: Scope) -> frozenset[UUID]:
    """Return the scheduled deliveries with an open early warning, without a new check."""
    causes = notices.list_open_causes(scope, "delivery:")
    told = [one.split(":")[1] for one in causes if one.endswith(EARLY_WARNING_SUFFIX)]
    if not told:
        return frozenset()
    found = scope.session.exec(
        select(Delivery.id).where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.id).in_([UUID(one) for one in told]),
            col(Delivery.state).in_([str(DeliveryState.APPROVED), str(DeliveryState.SCHEDULED)]),
        )
    )
    return frozenset(found)


def troubles_of_account(scope: Scope, channel: Channel, at: datetime) -> list[Message]:
    """Return what would stop every post of an account at a time (UTC-aware).

    Times in the messages are in the time zone of the account.
    """
    return [
        *_find_sending_blocks(scope, channel, at, channel.zone),
        *_find_member_actions(scope, channel, at, channel.zone),
    ]


def _blocks_at_publish_time(scope: Scope, channel: Channel, row: Delivery) -> list[Message]:
    """Return what would block every post of the account at the publish time of a delivery."""
    return _find_sending_blocks(
        scope, channel, max(row.due_at, row.not_before or row.due_at), row.zone
    )


def _find_sending_blocks(scope: Scope, channel: Channel, at: datetime, zone: str) -> list[Message]:
    found = []
    # A pause that ends before the publish time does not stop the post.
    back = channel.paused_until is not None and channel.paused_until <= at
    if channel.state != ChannelState.ACTIVE and not back:
        found.append(Message("delivery.channel_not_ready", {"account": channel.name}))
    held = send_limits.post_block(scope, channel)
    if held is not None and held.reason == send_limits.PLATFORM_DOWN:
        # An outage now says nothing about a later time.
        found += [send_limits.PLATFORM_DOWN] if at - scope.now <= FINAL_PREFLIGHT_LEAD else []
    elif held is not None and held.until > at:
        told = {"account": channel.name, "at": _format_local_hour(held.until, zone)}
        found.append(Message(_WAITS.get(held.reason.code, "delivery.used_up"), told))
    if account_blocks.load_emergency_stops(scope).covers(channel.creator_id, channel.id):
        found.append(_stopped_message(channel))
    return found


def _find_member_actions(scope: Scope, channel: Channel, at: datetime, zone: str) -> list[Message]:
    """Return what a member must do first: be assigned, or reconnect the account."""
    nobody = assignees.no_assignee_reason(scope, channel)
    found = [nobody] if nobody is not None else []
    if channel.awaits_renewal(scope.now):
        return [*found, Message("delivery.token_waits", {"account": channel.name})]
    ends = channel.expires_at
    if ends is None or channel.refresh is not None or ends >= at + OUTLIVES:
        return found
    return [
        *found,
        Message(
            "delivery.token_ends", {"account": channel.name, "at": _format_local_hour(ends, zone)}
        ),
    ]


def _schedule_token_renewal(scope: Scope, channel: Channel, due: datetime) -> None:
    if (
        channel.refresh is not None
        and channel.expires_at is not None
        and channel.expires_at < due + OUTLIVES
    ):
        credentials.schedule_renewal_before(scope, channel.id, due + OUTLIVES)


def _stopped_message(channel: Channel) -> Message:
    return Message("delivery.stopped", {"account": channel.name})


def _format_local_hour(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%d/%m %H:%M}"
