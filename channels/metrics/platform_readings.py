"""Reads from platforms: metrics and marks of copies, purchases, followers, earnings and movements
of accounts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts import request_loop
from channels.connections import destination_settings_check
from channels.limits import send_limits
from channels.metrics import reaction_counts
from channels.metrics.events import DeliveryVerificationDue
from channels.sending import post_addresses
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.balance import MovementPage, SupportsBalance
from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from connectors.contract.destination import MarkReport, SupportsMarkCheck
from connectors.contract.earnings import Earnings, SupportsEarnings, TimeSpan
from connectors.contract.invites import SupportsInvites
from connectors.contract.metrics import SupportsFollowerCount, SupportsReactionCounts
from connectors.contract.outcomes import Outcome, Reauthorize, Retry
from connectors.contract.paid_media import PaidMessageStatus, SupportsPaidMessages
from connectors.contract.post_presence import MissingPost, PostPresence, SupportsPresenceCheck
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder
from gate.contract.reasons import Reason
from gate.contract.units import Subject
from gate.copies import live_copies
from gate.permits import watched_copies
from gate.removal import recall
from tenants.notices import notices

T = TypeVar("T")

DELIVERY = "delivery"
PAGES = 64
"""Maximum number of requests to read earnings."""

SOON = timedelta(seconds=10)
AT_LAST = timedelta(hours=1)
"""Minimum and maximum delay between two attempts to read a copy; it grows with the age of the copy.
"""


def read_metrics(
    tenant_id: UUID,
    channel_id: UUID,
    native_id: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    chat: str = "",
) -> Mapping[str, int] | None:
    """Return the platform's metrics of a copy, or None if they are not available now. Raises
    NotFound.

    No request is made while the account is blocked, and no attempt is recorded, because nothing is
    published or removed.
    """
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if isinstance(connector, SupportsReactionCounts):
        with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
            return reaction_counts.reaction_counts(
                scope, channel_id, connector.message_ids_of(native_id)
            )
    if waits:
        return None
    question = partial(connector.read_metrics, PlatformCopy(native_id, channel.account, chat))
    return _read_platform_answer(channel, question, tenant=tenant, transport=transport)


def check_live_post(
    tenant_id: UUID,
    channel_id: UUID,
    native_id: str,
    *,
    counted: bool,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> PostPresence | None:
    """Return the presence of a post of an account, or None if it is unknown. Raises NotFound.

    `counted` means that its metrics were just read, which is enough on platforms where they prove
    its presence. A missing post proves nothing if the account itself cannot be verified.
    """
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if (
        waits
        or not isinstance(connector, SupportsPresenceCheck)
        or (counted and connector.numbers_prove)
    ):
        return None
    question = partial(connector.check_presence, PlatformCopy(native_id, channel.account))
    seen = _read_platform_answer(channel, question, tenant=tenant, transport=transport)
    if not isinstance(seen, MissingPost):
        return seen
    # Without a check of the account, a missing post may be a lost account.
    if not isinstance(connector, SupportsAccountSetup):
        return None
    well = partial(connector.verify_account, channel.account)
    answers = _run_platform_requests(channel, well, tenant=tenant, transport=transport)
    return (
        replace(seen, with_comment=connector.capabilities.first_comment)
        if well(answers) is None
        else None
    )


def read_followers(
    tenant_id: UUID,
    channel_id: UUID,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> int | None:
    """Return the number of followers of an account, or None if it is not available now. Raises
    NotFound."""
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if waits or not isinstance(connector, SupportsFollowerCount):
        return None
    question = partial(connector.count_followers, channel.account, channel.destination_id)
    return _read_platform_answer(channel, question, tenant=tenant, transport=transport)


def read_invites(
    tenant_id: UUID,
    channel_id: UUID,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Mapping[str, int] | None:
    """Return the uses of the invites of an account's community by code, or None if they are not
    available now. Raises NotFound."""
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if waits or not isinstance(connector, SupportsInvites):
        return None
    question = partial(connector.list_invites, channel.account)
    return _read_platform_answer(channel, question, tenant=tenant, transport=transport)


def read_join_time(
    tenant_id: UUID,
    channel_id: UUID,
    fan: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> datetime | None:
    """Return the time at which a user joined an account's community, or None if it is not available
    now. Raises NotFound."""
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if waits or not isinstance(connector, SupportsInvites):
        return None
    question = partial(connector.find_join_time, channel.account, fan)
    return _read_platform_answer(channel, question, tenant=tenant, transport=transport)


def read_earnings(
    tenant_id: UUID,
    channel_id: UUID,
    span: TimeSpan,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Earnings | Reauthorize | None:
    """Return the earnings of an account in a span, Reauthorize if it lacks the right to read them,
    or None if they are not available now. The result does not affect posting. Raises NotFound."""
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if waits or not isinstance(connector, SupportsEarnings):
        return None
    question = partial(connector.read_earnings, channel.account, span)
    return _read_platform_answer(channel, question, tenant=tenant, transport=transport, most=PAGES)


def read_movements(
    tenant_id: UUID,
    channel_id: UUID,
    start: int,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> MovementPage | None:
    """Return the movements of an account's balance from position `start` on, or None if they are
    not available now. Raises NotFound."""
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if waits or not isinstance(connector, SupportsBalance):
        return None
    end = _read_platform_answer(
        channel, partial(connector.list_movements, start), tenant=tenant, transport=transport
    )
    return end if isinstance(end, MovementPage) else None


def read_paid_message(
    tenant_id: UUID,
    channel_id: UUID,
    copy: PlatformCopy,
    since: datetime,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> PaidMessageStatus | None:
    """Return the status of a paid message sent after `since`, or None if it is not available now.
    Raises NotFound."""
    channel, connector, waits = _resolve_account(
        tenant_id, channel_id, tenant=tenant, connectors=connectors
    )
    if waits or not isinstance(connector, SupportsPaidMessages):
        return None
    return _read_platform_answer(
        channel,
        partial(connector.read_paid_status, copy, since),
        tenant=tenant,
        transport=transport,
    )


def _resolve_account(
    tenant_id: UUID, channel_id: UUID, *, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> tuple[Channel, Connector, bool]:
    """Return an account, its connector, and True if no request may be sent for it now, because it
    is blocked or disconnected. Raises NotFound."""
    with tenant(tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, channel_id)
        waits = (
            channel.is_disconnected
            or send_limits.send_block(scope, channel_id, brake=False) is not None
        )
        return channel, account_connectors.connector_for(connectors, channel), waits


def _read_platform_answer(
    channel: Channel,
    question: Callable[[tuple[StepResult, ...]], Send | T],
    *,
    tenant: OpenScope,
    transport: Transport,
    most: int = request_loop.MAX_REQUESTS,
) -> T | None:
    """Return the result of an operation, or None if it does not complete."""
    end = question(
        _run_platform_requests(channel, question, tenant=tenant, transport=transport, most=most)
    )
    return None if isinstance(end, Send) else end


def _run_platform_requests(
    channel: Channel,
    question: Callable[[tuple[StepResult, ...]], object],
    *,
    tenant: OpenScope,
    transport: Transport,
    most: int = request_loop.MAX_REQUESTS,
) -> tuple[StepResult, ...]:
    def order(action: str) -> ControlOrder:
        return ControlOrder(channel.tenant_id, channel.id, action)

    return request_loop.run_requests(
        channel, question, order, tenant=tenant, transport=transport, most=most
    )


def verify_delivery(
    event: DeliveryVerificationDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Verify that the copies of a delivery are live with their marks, and find their URLs. A copy
    without its marks is recalled at once.

    A copy that cannot be read is not recalled; it is tried again (`outbox.RetryLater`) as long as
    it is live.
    """
    place = Subject(DELIVERY, event.subject_id)
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        left = [one for one in live_copies.list_copies(scope, place) if _needs_readback(one)]
        marked = [one for one in left if one.flags]
        unplaced = post_addresses.copies_without_address(scope, place, connectors)
        wait = _longest_send_block(scope, [*marked, *(copy for copy, _ in unplaced)])
        channels = {one.jti: queries.get_channel(scope, one.channel_id) for one in left}
        for one in left:
            if watched_copies.is_watched_copy(scope, one):
                destination_settings_check.request_destination_check(scope, one.channel_id)
    if wait is not None:
        raise outbox.RetryLater(wait)
    waits = []
    for copy in left:
        end = _fetch_marks(
            copy, channels[copy.jti], tenant=tenant, transport=transport, connectors=connectors
        )
        with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
            waits.append(_record_mark_report(scope, copy, channels[copy.jti], end))
    waits.append(
        post_addresses.request_addresses(
            event.tenant_id, place, tenant=tenant, transport=transport, connectors=connectors
        )
    )
    if late := [wait for wait in waits if wait is not None]:
        raise outbox.RetryLater(min(late))


def _longest_send_block(scope: Scope, asked: list[live_copies.LiveCopy]) -> timedelta | None:
    """Return the longest block of the accounts of these copies, or None."""
    held = send_limits.send_blocks(scope, {one.channel_id for one in asked}, brake=False).values()
    return max((one.until - scope.now for one in held), default=None)


def _needs_readback(copy: live_copies.LiveCopy) -> bool:
    return copy.removed_at is None and copy.recalled_at is None and not copy.is_read_back


def _fetch_marks(
    copy: live_copies.LiveCopy,
    channel: Channel,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Send | MarkReport | Outcome | None:
    """Return the marks of a copy as shown by the platform, or None if it does not show them."""
    connector = account_connectors.connector_for(connectors, channel)
    if not copy.flags or not isinstance(connector, SupportsMarkCheck):
        return None
    place = PlatformCopy(copy.native_ids[0], copy.account, copy.viewer)

    def question(answers: tuple[StepResult, ...]) -> Send | MarkReport | Outcome:
        return connector.read_marks(place, copy.flags, answers)

    return question(_run_platform_requests(channel, question, tenant=tenant, transport=transport))


def _record_mark_report(
    scope: Scope,
    copy: live_copies.LiveCopy,
    channel: Channel,
    end: Send | MarkReport | Outcome | None,
) -> timedelta | None:
    """Record the marks of a copy, and recall it if some are missing. Return the delay before the
    next try if they could not be read."""
    if end is None:
        return None
    if not isinstance(end, MarkReport):
        asked = end.after if isinstance(end, Retry) else SOON
        return max(asked, min(max(scope.now - (copy.visible_at or scope.now), SOON), AT_LAST))
    live_copies.record_read_back(scope, copy.jti, missing=end.missing, there=end.there)
    if end.missing:
        recall.open_takedowns(scope, [copy], Message(f"gate.{Reason.FLAG_READBACK_MISMATCH}"))
        told = Message("copy.unmarked", {"account": channel.name})
        notices.put(
            scope, told, cause=f"readback:{copy.jti}", urgent=True, creator_id=copy.creator_id
        )
    return None
