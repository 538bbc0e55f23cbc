"""Responses to checkouts while the platform waits: accepted, or refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.sending import account_actions
from connectors.contract.chats import ChatConnector, ChatUpdate
from connectors.contract.payments import SupportsCheckoutRefusal
from connectors.transport.transport import EgressForbidden, Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.ops import telemetry
from gate.contract.units import Subject, Text, Unit
from gate.permits import issuance
from gate.permits.issuance import MintPermit, PermitDenied
from subscribers.checkout import order_payments
from subscribers.checkout.order_payments import PaymentAllowed
from subscribers.fans import directory
from subscribers.rails.contract import Rails, till_of_channel
from workers.listeners.polling import LISTENER_ACTOR

REFUSAL_SUBJECT = "checkout"
"""Subject kind of a refusal, which creates no message on the platform."""

log = telemetry.get_logger("workers.listeners.checkouts")


@dataclass(frozen=True)
class CheckoutResponder:
    """The services needed to answer checkouts."""

    tenant: OpenScope
    transport: Transport
    connectors: Mapping[str, ChatConnector]
    rails: Rails
    mint: MintPermit

    def answer_checkout(self, channel: Channel, update: ChatUpdate) -> bool:
        """Accept a payment or refuse it with a reason. Return True if the update was a checkout.

        On platforms that display no reason, a payment is refused by not answering: they cancel it
        after ten seconds.
        """
        if update.kind != "checkout":
            return False
        query = self.rails[channel.platform].checkout(update, till_of_channel(channel))
        with self.tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            verdict = order_payments.answer_checkout_query(scope, query)
        connector = account_connectors.connector_for(self.connectors, channel)
        if isinstance(verdict, PaymentAllowed):
            account_actions.send_control_step(
                channel, connector.accept_checkout(query.query_id), transport=self.transport
            )
        elif isinstance(connector, SupportsCheckoutRefusal):
            self._send_refusal(channel, update, connector, verdict.reason)
        return True

    def _send_refusal(
        self,
        channel: Channel,
        update: ChatUpdate,
        connector: SupportsCheckoutRefusal,
        reason: Message,
    ) -> None:
        """Send the reason. Its text is from the catalogue and needs a permit, like any text."""
        try:
            with self.tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
                unit = _build_refusal_unit(scope, channel, update, reason)
                step = connector.refuse_checkout(update.ref, unit.text_of("body"))
                permit = self.mint(scope, unit, step, author=LISTENER_ACTOR)
            self.transport.send(step, permit, account=queries.transport_account(channel))
        except (
            PermitDenied
        ) as denied:  # the platform cancels by itself, and later updates must not wait
            with self.tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
                issuance.record_denial(scope, denied)
        except EgressForbidden as refused:
            log.error("checkout.not_refused", channel=str(channel.id), error=refused.message.code)
        else:
            with self.tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
                issuance.record_removed(scope, permit.jti, "shown_once")


def _build_refusal_unit(
    scope: Scope, channel: Channel, update: ChatUpdate, reason: Message
) -> Unit:
    fan = directory.find_fan_identity(scope, channel.id, update.fan)
    words = render_message(
        reason, fan.language if fan is not None else directory.answer_language(update.language)
    )
    return Unit(
        tenant_id=channel.tenant_id,
        creator_id=channel.creator_id,
        subject=Subject(REFUSAL_SUBJECT, uuid7()),
        platform=channel.platform,
        surface=channel.chat_surface,
        channel_id=channel.id,
        account=channel.account,
        audience="viewer",
        texts=(Text("body", words),),
        viewer=update.fan,
        service=reason.code,
    )
