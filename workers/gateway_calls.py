"""What Discord waits for an answer to: a pressed button, a command chosen from the bot's menu; and the menu itself.

What is said here carries ids alone, under the interaction's own word. What a fan reads leaves as a message of the chat,
with a permit, whatever was chosen and wherever.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from channels import asking, controlling
from channels import reads as channel_reads
from channels.reads import Channel
from connectors import discord_commands
from connectors.answers import SHORT_WAIT
from connectors.commands import Menu
from connectors.contract import Answer, ChatConnector, Response, Send, WireStep
from connectors.discord_updates import Called
from connectors.outcomes import Outcome, Reauthorize, Retry
from connectors.transport import Transport
from foundation import telemetry
from foundation.database import OpenScope
from foundation.sealed import Seal
from foundation.words import Message
from gate.permit import AuthOrder
from tenants import notices
from workers.listeners import LISTENING

SLOWEST = 300.0
"""Seconds between two tries at the menu while Discord does not answer."""

log = telemetry.log("workers.gateways")


@dataclass(frozen=True)
class Calls:
    """Answers to what is called on one account. `chat` finds the chat with somebody; "" with who left."""

    channel: Channel
    connector: ChatConnector
    transport: Transport
    seal: Seal
    chat: Callable[[Channel, str], str]

    async def attend(self, called: Called, kept: "asyncio.Future[None]") -> None:
        """Say that a press was kept; of a command at once that it is heard, and when it is kept, where its answer is.

        Killed in between, Discord goes on showing that it waits, and in the end that nobody answered: so it is.
        """
        try:
            if not called.chosen:
                await kept
            heard = await asyncio.to_thread(self._acknowledged, called)
            if called.chosen and heard:
                await kept
                await asyncio.to_thread(self._answered, called)
        except Exception as error:  # what was heard is kept all the same
            log.warning("gateway.not_acknowledged", error=telemetry.describe(error), at=telemetry.place(error))

    def _acknowledged(self, called: Called) -> bool:
        """Say that it arrived; whether Discord may have taken that in."""
        step = self.connector.ack(called.update)
        return step is not None and self._taken(called, step)

    def _answered(self, called: Called) -> None:
        """End the waiting; who chose a command where others write is shown the chat."""
        chat = self.chat(self.channel, called.update.fan) if called.elsewhere else ""
        self._taken(called, discord_commands.answered(called.application, chat))

    def _taken(self, called: Called, step: WireStep) -> bool:
        """Send a step under the word of what was called, sealed like any secret on its way to the transport."""
        word = self.seal(self.channel.tenant_id, called.word)
        answer = controlling.send(replace(self.channel, token=word), step, transport=self.transport)
        if isinstance(answer, Response) and 200 <= answer.status < 300:
            return True
        log.warning("gateway.not_acknowledged", kind=called.update.kind, step=step.name)
        return not isinstance(answer, Response)  # a lost answer may have arrived


async def inscribed(once: Callable[[], Outcome | None]) -> None:
    """Go through the menu until Discord says yes or no: as late again as it asks, and ever later."""
    tries = 0
    while isinstance(end := await asyncio.to_thread(once), Retry):
        await asyncio.sleep(max(end.after.total_seconds(), min(2**tries, SLOWEST)))
        tries += 1


def inscribe(
    channel: Channel, application: str, menu: Menu, *, tenant: OpenScope, transport: Transport
) -> Outcome | None:
    """Put our commands into the bot's menu where others stand; None when they stand there.

    A refusal is told to the members: what people type is heard all the same. Raises EgressForbidden.
    """
    order, account = AuthOrder(channel.tenant_id, channel.id), channel_reads.account(channel)
    answers: tuple[Answer, ...] = ()
    turn: Send | Outcome | None = None
    for _ in range(asking.MOST_REQUESTS):
        turn = discord_commands.inscribe(application, menu.commands, menu.retired, answers)
        if not isinstance(turn, Send):
            break
        answers = (*answers, transport.send(turn.step, order, account=account))
    end = Retry(SHORT_WAIT, "account", Message("enrolment.endless")) if isinstance(turn, Send) else turn
    if isinstance(end, Retry | Reauthorize):  # a dead token ends the listening, and is told there
        return end
    told, cause = Message("listen.no_menu", {"account": channel.name}), f"channel:{channel.id}:menu"
    with tenant(channel.tenant_id, LISTENING) as scope:
        if end is None:
            notices.settle(scope, cause)
        else:
            notices.put(scope, told, cause=cause, creator_id=channel.creator_id)
    return end
