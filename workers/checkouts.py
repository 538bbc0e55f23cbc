"""A checkout is answered while its platform waits: yes, or no with the reason for whoever wants to pay."""

from collections.abc import Mapping
from dataclasses import dataclass

from channels import abilities, controlling
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import ChatConnector, Update
from connectors.selling import Refuses
from connectors.transport import EgressForbidden, Transport
from foundation import telemetry
from foundation.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.words import Message, say
from gate import minting
from gate.minting import Denied
from gate.units import Subject, Text, Unit
from subscribers import conversation, directory, orders
from subscribers.orders import Yes
from subscribers.rails.contract import Rails
from subscribers.sending import Mint
from workers.listeners import LISTENING

SUBJECT = "checkout"
"""What a refusal is about: it stands nowhere once it was read."""

log = telemetry.log("workers.checkouts")


@dataclass(frozen=True)
class Till:
    """Who answers checkouts, with what that takes."""

    tenant: OpenScope
    transport: Transport
    connectors: Mapping[str, ChatConnector]
    rails: Rails
    mint: Mint

    def answer(self, channel: Channel, update: Update) -> bool:
        """Say yes to a payment that may go through, and why not to any other; whether the update was such a question.

        Where a platform shows no words, no answer is a no: it gives up after ten seconds.
        """
        if update.kind != "checkout":
            return False
        query = self.rails[channel.platform].checkout(update, conversation.till(channel))
        with self.tenant(channel.tenant_id, LISTENING) as scope:
            verdict = orders.can_pay(scope, query)
        connector = abilities.of(self.connectors, channel)
        if isinstance(verdict, Yes):
            controlling.send(channel, connector.checkout_yes(query.query_id), transport=self.transport)
        elif isinstance(connector, Refuses):
            self._refuse(channel, update, connector, verdict.reason)
        return True

    def _refuse(self, channel: Channel, update: Update, connector: Refuses, reason: Message) -> None:
        """Say no in words: they are the catalogue's, and leave under a permit like all others."""
        try:
            with self.tenant(channel.tenant_id, LISTENING) as scope:
                unit = _refusal(scope, channel, update, reason)
                step = connector.checkout_no(update.ref, unit.text("body"))
                permit = self.mint(scope, unit, step, author=LISTENING)
            self.transport.send(step, permit, account=channel_reads.account(channel))
        except Denied as denied:  # the platform gives up by itself; nothing else is held up by it
            with self.tenant(channel.tenant_id, LISTENING) as scope:
                minting.record_denial(scope, denied)
        except EgressForbidden as refused:
            log.error("checkout.not_refused", channel=str(channel.id), error=refused.message.code)
        else:
            with self.tenant(channel.tenant_id, LISTENING) as scope:
                minting.gone(scope, permit.jti, "shown_once")


def _refusal(scope: Scope, channel: Channel, update: Update, reason: Message) -> Unit:
    fan = directory.known_on(scope, channel.id, update.fan)
    words = say(reason, fan.language if fan is not None else directory.spoken(update.language))
    return Unit(
        tenant_id=channel.tenant_id,
        creator_id=channel.creator_id,
        subject=Subject(SUBJECT, uuid7()),
        platform=channel.platform,
        surface=channel.chat_surface,
        channel_id=channel.id,
        account=channel.account,
        audience="viewer",
        texts=(Text("body", words),),
        viewer=update.fan,
        service=reason.code,
    )
