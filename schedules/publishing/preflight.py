"""What would stop a delivery at its time, as far as is known before it: said when it is planned, a
day ahead, and ten minutes ahead.

Nothing is sent to a platform and nothing is moved: what goes away by itself until then stops
nothing.
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
from gate.permits import issuance
from schedules.approvals import decisions
from schedules.approvals.verdicts import APPROVAL_EXPIRES_FIRST
from schedules.availability import enforced_interval
from schedules.downtime import account_blocks
from schedules.notices import blocked_account
from schedules.posts.deliveries import FINAL_PREFLIGHT_LEAD, get_post
from schedules.posts.models import Delivery
from schedules.posts.states import MISSING_APPROVAL_CODES, PENDING_STATES, DeliveryState
from schedules.posts.transitions import EARLY_WARNING_SUFFIX, early_warning_cause, get_delivery
from schedules.publishing.claims import NotClaimable, build_checked_units
from tenants.notices import notices

OUTLIVES = timedelta(minutes=15)
"""How long after the time of a post its account's token must live: what is tried again needs it
too."""

AGAIN = timedelta(minutes=2)
"""How soon a delivery that would be stopped is looked at again, until its time."""

BETWEEN = timedelta(hours=6)
"""How soon what nothing would stop is looked at again on its last day: a consent may end or be
withdrawn meanwhile."""

_ELSEWHERE = MISSING_APPROVAL_CODES | {"delivery.stopped", APPROVAL_EXPIRES_FIRST}
"""What of a post somebody is told of in time by other notices."""

_WAITS = {
    shared_quota.QUOTA_RESERVED.code: "delivery.kept",
    shared_quota.QUOTA_SHARED_OUT.code: "delivery.shared",
}


def run_preflight(
    scope: Scope, delivery_id: UUID, *, connectors: Mapping[str, Connector]
) -> timedelta | None:
    """Tell the members what would stop a delivery at its time; when to look again, None where there
    is no more need.

    Until ten minutes before, what the post itself says or shows, which a person has to put right:
    as `check` from then.
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
    """Tell the members now what would stop a delivery at its time, have a token renewed that would
    not live so long, and the account's own limits read where that is long ago; when to look again,
    None where nothing would stop it or its time has come. Changes nothing else.

    What keeps all of its account's posts back is told once for all of them.
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
    if found:
        notices.put(
            scope, found[0], cause=early_warning_cause(row), urgent=True, creator_id=row.creator_id
        )
    else:
        notices.close(scope, early_warning_cause(row))
    left = row.due_at - scope.now
    return AGAIN if (found or together) and left > AGAIN else None


def _find_interval_trouble(scope: Scope, channel: Channel, row: Delivery) -> list[Message]:
    """Where the account holds its distance and it would be too late by its turn."""
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
    """All that would stop a delivery at its time, as things stand now and without a request;
    nothing is locked or written. What concerns its account comes first, then what it says."""
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
    """The same on an account of which it was just read what keeps back all of it."""
    channel, kept = there
    found = [*kept, *_find_member_actions(scope, channel, row.due_at, row.zone)]
    if (
        row.state == DeliveryState.DRAFT
    ):  # also where nobody is asked: somebody has to put it on the calendar
        owner = get_post(scope, row.post_id)
        return [decisions.missing_approval(scope, owner, scope.now, since=row.asks_since), *found]
    stopped = any(one.code == "delivery.stopped" for one in found)
    said = _find_content_troubles(scope, row, channel, connectors)
    return [*found, *(one for one in said if not stopped or one.code != "delivery.stopped")]


def _find_content_troubles(
    scope: Scope, row: Delivery, channel: Channel, connectors: Mapping[str, Connector]
) -> list[Message]:
    """What of a post that is on the calendar would not leave by that account: its words, its
    pictures, its yes."""
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
    unseen = (
        decision.needs_place_check and channel.can_check_destination
    )  # it is looked at just before
    if unfit is not None:
        found.append(unfit)
    if decision.is_transient and not decision.is_allowed:
        found.append(_stopped_message(channel))
    elif not decision.is_allowed and not unseen:
        found.append(decision.main_reason)
    return found


def troubles_of_delivery(
    scope: Scope, delivery_id: UUID, connectors: Mapping[str, Connector]
) -> list[Message]:
    """`troubles` of a delivery that is on the calendar or a draft, whose missing yes is said
    elsewhere; nothing of any other."""
    row = get_delivery(scope, delivery_id)
    if row.state not in PENDING_STATES:
        return []
    return [
        one
        for one in find_troubles(scope, row, connectors)
        if row.state != DeliveryState.DRAFT or one.code not in MISSING_APPROVAL_CODES
    ]


def warned_deliveries(scope: Scope) -> frozenset[UUID]:
    """The deliveries that are to leave by themselves and would not, as was told ahead of their
    time; nothing is judged anew."""
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
    """What of an account alone would keep a post back at a time (UTC-aware), the hours told in the
    account's zone."""
    return [
        *_find_sending_blocks(scope, channel, at, channel.zone),
        *_find_member_actions(scope, channel, at, channel.zone),
    ]


def _blocks_at_publish_time(scope: Scope, channel: Channel, row: Delivery) -> list[Message]:
    """What keeps back whatever is due by an account then."""
    return _find_sending_blocks(
        scope, channel, max(row.due_at, row.not_before or row.due_at), row.zone
    )


def _find_sending_blocks(scope: Scope, channel: Channel, at: datetime, zone: str) -> list[Message]:
    found = []
    back = channel.paused_until is not None and channel.paused_until <= at
    if channel.state != ChannelState.ACTIVE and not back:
        found.append(Message("delivery.channel_not_ready", {"account": channel.name}))
    held = send_limits.post_block(scope, channel)
    if held is not None and held.reason == send_limits.PLATFORM_DOWN:
        found += (
            [send_limits.PLATFORM_DOWN] if at - scope.now <= FINAL_PREFLIGHT_LEAD else []
        )  # nobody knows what it will be like later
    elif held is not None and held.until > at:
        told = {"account": channel.name, "at": _format_local_hour(held.until, zone)}
        found.append(Message(_WAITS.get(held.reason.code, "delivery.used_up"), told))
    if account_blocks.load_emergency_stops(scope).covers(channel.creator_id, channel.id):
        found.append(_stopped_message(channel))
    return found


def _find_member_actions(scope: Scope, channel: Channel, at: datetime, zone: str) -> list[Message]:
    """What a person must do before: be there to take it, or connect the account again."""
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
