"""Webhook subscriptions of accounts, each with the token of the account, and removed if webhooks
are not accepted.

A subscription is repeated every week and with each new token: repeating it has no effect, and one
that the platform ended is restored.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.connections import token_renewal
from channels.limits import send_limits
from channels.listening.app_webhooks import CALL_NOTE_INTERVAL
from channels.listening.events import WebhookSubscriptionDue
from connectors.contract.app_webhooks import (
    WEBHOOKS_ACTION,
    SupportsWebhookSubscription,
    WebhookTopic,
)
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Retry
from connectors.transport.transport import Transport
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder

SubscriptionStatus = Literal["on", "off", "refused"]

RENEWED = timedelta(days=7)
AGAIN = timedelta(days=1)
NOT_TAKEN = timedelta(hours=1)
"""Delays before an account is checked again: if it is subscribed, if it was refused, and if
webhooks are not accepted yet."""

SOON = timedelta(minutes=10)
"""Minimum delay after a missing response."""

HEARD_LATELY = timedelta(days=1)
"""Age up to which a webhook proves that webhooks arrive."""

_DUE = """
SELECT c.id FROM channels c LEFT JOIN tokens t ON t.tenant_id = c.tenant_id AND t.channel_id = c.id
LEFT JOIN call_subscriptions s ON s.tenant_id = c.tenant_id AND s.channel_id = c.id
WHERE c.tenant_id = :tenant AND c.state = :active
AND (s.id IS NULL OR s.due_at <= :now OR s.generation <> coalesce(t.generation, 0)) ORDER BY c.id
"""

_KEEP = """
INSERT INTO call_subscriptions AS s (tenant_id, id, channel_id, state, reason, generation, due_at)
VALUES (:tenant, :id, :channel, :state, CAST(:reason AS jsonb), :generation, :due)
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET state = EXCLUDED.state, reason = EXCLUDED.reason,
  generation = EXCLUDED.generation, due_at = EXCLUDED.due_at, updated_at = house_now()
"""


@dataclass(frozen=True)
class WebhookSubscription:
    """The subscription of an account, the reason of a refusal, and the time of the last webhook."""

    channel_id: UUID
    state: SubscriptionStatus
    reason: Message | None
    called_at: datetime | None


def plan_checks(scope: Scope) -> None:
    """Schedule a check of each active account that is due. Checks that are scheduled already are
    not repeated."""
    rows = scope.run(_DUE, tenant=scope.tenant_id, active=str(ChannelState.ACTIVE), now=scope.now)
    for channel_id in rows.scalars().all():
        outbox.put(
            scope, WebhookSubscriptionDue(scope.tenant_id, channel_id), dedupe=f"calls:{channel_id}"
        )


def update_subscription(
    event: WebhookSubscriptionDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    taken: bool,
) -> None:
    """Subscribe an account, or unsubscribe it if webhooks are not accepted (`taken`).

    No transaction is open during requests; an interrupted run is repeated. Raises NotFound.
    """
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        connector = account_connectors.find_connector_for(connectors, channel)
        stands = subscriptions_of(scope, [channel.id]).get(channel.id)
        before: SubscriptionStatus = stands.state if stands is not None else "off"
        if not isinstance(connector, SupportsWebhookSubscription) or (
            not taken and before == "off"
        ):
            able = isinstance(connector, SupportsWebhookSubscription)
            return _record_subscription(scope, channel, "off", again=NOT_TAKEN if able else RENEWED)
        waits = send_limits.send_block(scope, channel.id, brake=False)
        if channel.state != ChannelState.ACTIVE or waits is not None:
            return _record_subscription(scope, channel, before, again=SOON)

    about = _subscription_topics(channel) if taken else frozenset[WebhookTopic]()

    def question(answers: tuple[StepResult, ...]) -> Send | Outcome:
        return connector.subscribe_account(channel.account, about, answers)

    def order(action: str) -> ControlOrder:
        act = "on" if about else "off"
        return ControlOrder(
            channel.tenant_id, channel.id, action, act if action == WEBHOOKS_ACTION else ""
        )

    end = question(
        request_loop.run_requests(channel, question, order, tenant=tenant, transport=transport)
    )
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        if not isinstance(end, Send):
            end = token_renewal.apply_outcome_to_account(
                scope, channel, end, shown=channel.generation, secondary=True
            )
        match end:
            case Published():
                _record_subscription(
                    scope, channel, "on" if taken else "off", again=RENEWED if taken else NOT_TAKEN
                )
            case Retry(after=after):
                _record_subscription(scope, channel, before, again=max(after, SOON))
            case Send():
                _record_subscription(scope, channel, before, again=SOON)
            case _:
                _record_subscription(
                    scope, channel, "refused", again=AGAIN, reason=getattr(end, "reason", None)
                )


def _subscription_topics(channel: Channel) -> frozenset[WebhookTopic]:
    """Return the topics. Messages are included only for accounts with a chat."""
    return frozenset({"remarks", "chats"}) if channel.chat_surface else frozenset({"remarks"})


def _record_subscription(
    scope: Scope,
    channel: Channel,
    state: SubscriptionStatus,
    *,
    again: timedelta,
    reason: Message | None = None,
) -> None:
    scope.run(
        _KEEP,
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel.id,
        state=state,
        reason=canonical_json(reason.to_json()).decode() if reason is not None else None,
        generation=channel.generation,
        due=scope.now + again,
    )


def subscriptions_of(scope: Scope, channels: Collection[UUID]) -> dict[UUID, WebhookSubscription]:
    """Return the subscriptions of these accounts. Accounts that were never checked are absent."""
    rows = scope.run(
        "SELECT channel_id, state, reason, called_at FROM call_subscriptions"
        " WHERE tenant_id = :tenant AND channel_id = ANY(:ids)",
        tenant=scope.tenant_id,
        ids=list(channels),
    )
    return {
        row.channel_id: WebhookSubscription(
            row.channel_id,
            row.state,
            Message.from_json(row.reason) if row.reason is not None else None,
            row.called_at,
        )
        for row in rows
    }


def active_account_names(scope: Scope, platforms: Collection[str]) -> list[tuple[str, str]]:
    """Return platform and name of this tenant's active accounts on `platforms`."""
    rows = scope.run(
        "SELECT platform, account FROM channels WHERE tenant_id = :tenant AND state = :active"
        " AND platform = ANY(:platforms)",
        tenant=scope.tenant_id,
        active=str(ChannelState.ACTIVE),
        platforms=list(platforms),
    )
    return [(row.platform, row.account) for row in rows]


def record_call(scope: Scope, platform: str, account: str) -> UUID | None:
    """Record a webhook for the active account with this name and return its ID, or None if there is
    none."""
    channel_id: UUID | None = scope.run(
        "SELECT id FROM channels WHERE tenant_id = :tenant AND platform = :platform AND account = "
        ":account"
        " AND state = :active",
        tenant=scope.tenant_id,
        platform=platform,
        account=account,
        active=str(ChannelState.ACTIVE),
    ).scalar()
    if channel_id is not None:
        scope.run(
            "UPDATE call_subscriptions SET called_at = :now WHERE tenant_id = :tenant AND "
            "channel_id = :id"
            " AND (called_at IS NULL OR called_at < :before)",
            tenant=scope.tenant_id,
            id=channel_id,
            now=scope.now,
            before=scope.now - CALL_NOTE_INTERVAL,
        )
    return channel_id


def has_recent_calls(scope: Scope, channel_id: UUID) -> bool:
    """Return True if webhooks for an account arrive: it is subscribed, and one arrived recently.
    Silence proves nothing."""
    found = subscriptions_of(scope, [channel_id]).get(channel_id)
    if found is None or found.state != "on" or found.called_at is None:
        return False
    return scope.now - found.called_at <= HEARD_LATELY
