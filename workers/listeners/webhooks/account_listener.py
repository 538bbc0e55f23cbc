"""Webhooks of accounts: the listener process receives calls instead of polling if the installation
has a public URL.

The secret is compared before the body is parsed. Updates and their effects are stored before the
response 200. A repeated call changes nothing.
"""

import hashlib
import hmac
import threading
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from channels.accounts import account_connectors, lifecycle, queries
from channels.accounts.queries import Channel
from channels.listening.listener import ReceivedUpdates
from connectors.contract.chats import ChatConnector, ChatUpdate, SupportsWebhook
from connectors.contract.connector import Response, StepNotSent, WireStep
from foundation.db.database import Scope
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.outbox import inbox
from foundation.sealed import SealSecret
from gate.contract.permit import AuthOrder
from workers.listeners.polling import (
    FAILURE_PAUSE_SECONDS,
    LISTENER_ACTOR,
    MAX_FAILURE_STEP,
    AccountListener,
)
from workers.runtime import metrics

PULSE_SECONDS = 10.0
RESUBSCRIBE_SECONDS = 3600.0
"""Interval at which the webhook is registered again, to correct a change made elsewhere."""

STATUS_POLL_CONFLICT = 409
"""The status of a poll if the account has a webhook or another program polls it."""

log = telemetry.get_logger("workers.listeners.webhooks.account_listener")


def webhook_secret(master_key: bytes, channel_id: UUID) -> str:
    """Return the secret of an account's webhook. It is derived from the master key, so it need not
    be stored."""
    return hmac.new(master_key, b"greenroom hook " + channel_id.bytes, hashlib.sha256).hexdigest()


def can_use_webhooks(connector: ChatConnector) -> bool:
    """Return True if the platform supports webhooks."""
    return hasattr(connector, "set_webhook")


class PolledWebhookListener(AccountListener):
    """Listener of an account that supports webhooks but is polled. It deletes a registered
    webhook."""

    def poll_once(self) -> ReceivedUpdates | None:
        """Poll once, and delete the webhook if the platform refuses the poll because of it."""
        heard = super().poll_once()
        if (
            heard is not None
            and isinstance(heard.answer, Response)
            and heard.answer.status == STATUS_POLL_CONFLICT
        ):
            self._send_auth_step(
                cast(
                    SupportsWebhook,
                    account_connectors.connector_for(self._connectors, self.channel),
                ).delete_webhook()
            )
        return heard

    def _send_auth_step(self, step: WireStep) -> bool:
        channel = self._load_channel_and_cursor()[0]
        if not lifecycle.is_listened_to(
            channel
        ):  # an account that is being disconnected is not registered again
            return False
        order = AuthOrder(channel.tenant_id, channel.id)
        answer = self._transport.send(step, order, account=queries.transport_account(channel))
        return isinstance(answer, Response) and answer.is_success


class WebhookListener(PolledWebhookListener):
    """Listener of an account with a webhook. Its thread registers the webhook from time to time;
    calls deliver the updates."""

    def __init__(
        self, channel: Channel, *, address: str, secret: str, seal: SealSecret, **collaborators: Any
    ) -> None:
        super().__init__(channel, **collaborators)
        self._address = address
        self.secret = secret
        self._seal = seal
        self._kept = self._hear
        self._one_at_a_time = threading.Lock()
        self._hear = self._once_only
        self._body: Mapping[str, Any] = {}

    @property
    def connector(self) -> SupportsWebhook:
        """Return the connector of the platform."""
        return cast(
            SupportsWebhook, account_connectors.connector_for(self._connectors, self.channel)
        )

    def _listen_until_stopped(self) -> None:
        deaf = 0
        due = 0.0
        while not self._stop.is_set():
            try:
                if monotonic() >= due:
                    sealed = self._seal(self.channel.tenant_id, self.secret)
                    told = self._send_auth_step(self.connector.set_webhook(self._address, sealed))
                    deaf, due = (0, monotonic() + RESUBSCRIBE_SECONDS) if told else (deaf + 1, 0.0)
            except Exception as error:  # the thread must outlive a database restart
                deaf += 1
                log.error(
                    "hooks.failed",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
            if not deaf:
                metrics.LISTENER_COLLECTOR.record_received(self.channel.id, self.channel.platform)
            self._stop.wait(
                FAILURE_PAUSE_SECONDS * 2 ** min(deaf, MAX_FAILURE_STEP) if deaf else PULSE_SECONDS
            )

    def accept_call(self, body: Mapping[str, Any]) -> bool:
        """Store the updates of a call. Return False if the platform must repeat it."""
        updates = self.connector.parse_webhook(body)
        if updates is None:
            return True  # unreadable, and a repeat would be too
        channel = self._load_channel_and_cursor()[0]
        if not lifecycle.is_listened_to(channel) or self._stop.is_set():
            return False
        with self._one_at_a_time:
            self._body = body
            fresh = tuple(update for update in updates if not self._known_checkout(channel, update))
            cursor = str(
                max((int(update.key) + 1 for update in updates if update.key.isdigit()), default=0)
            )
            self.store_updates(
                channel, ReceivedUpdates(fresh, cursor, StepNotSent("called", "told"))
            )
        return True

    def _known_checkout(self, channel: Channel, update: ChatUpdate) -> bool:
        """Return True for a repeated checkout, whose answer was already sent or is too late."""
        if update.kind != "checkout":
            return False
        with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            return (
                inbox.receive(scope, _webhook_source(channel), update.key, dict(self._body)) is None
            )

    def _once_only(self, scope: Scope, channel: Channel, update: ChatUpdate) -> None:
        if inbox.receive(scope, _webhook_source(channel), update.key, dict(self._body)) is not None:
            self._kept(scope, channel, update)


def _webhook_source(channel: Channel) -> str:
    return f"hook:{channel.id}"
