"""What Discord waits for an answer to: a pressed button, a command chosen from the bot's menu; and
the menu itself.

What is said here carries ids alone, under the interaction's own word. What a fan reads leaves as a
message of the chat, with a permit, whatever was chosen and wherever.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.attempts import request_loop
from channels.sending import account_actions
from connectors.contract.bot_commands import CommandMenu
from connectors.contract.chats import ChatConnector
from connectors.contract.connector import Response, Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Reauthorize, Retry
from connectors.platforms.discord import commands
from connectors.platforms.discord.updates import InteractionCall
from connectors.shared.http_responses import SHORT_RETRY
from connectors.transport.transport import Transport
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.sealed import SealSecret
from gate.contract.permit import AuthOrder
from tenants.notices import notices
from workers.listeners.polling import LISTENER_ACTOR

MAX_RETRY_SECONDS = 300.0
"""Seconds between two tries at the menu while Discord does not answer."""

log = telemetry.get_logger("workers.listeners.discord.gateway")


@dataclass(frozen=True)
class InteractionResponder:
    """Answers to what is called on one account. `chat` finds the chat with somebody; "" with who
    left."""

    channel: Channel
    connector: ChatConnector
    transport: Transport
    seal_token: SealSecret
    find_chat: Callable[[Channel, str], str]

    async def acknowledge(self, called: InteractionCall, kept: "asyncio.Future[None]") -> None:
        """Say that a press was kept; of a command at once that it is heard, and when it is kept,
        where its answer is.

        Killed in between, Discord goes on showing that it waits, and in the end that nobody
        answered: so it is.
        """
        try:
            if not called.chosen:
                await kept
            heard = await asyncio.to_thread(self._acknowledge_call, called)
            if called.chosen and heard:
                await kept
                await asyncio.to_thread(self._answer_call, called)
        except Exception as error:  # what was heard is kept all the same
            log.warning(
                "gateway.not_acknowledged",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )

    def _acknowledge_call(self, called: InteractionCall) -> bool:
        """Say that it arrived; whether Discord may have taken that in."""
        step = self.connector.acknowledge(called.update)
        return step is not None and self._send_step(called, step)

    def _answer_call(self, called: InteractionCall) -> None:
        """End the waiting; who chose a command where others write is shown the chat."""
        chat = self.find_chat(self.channel, called.update.fan) if called.elsewhere else ""
        self._send_step(called, commands.command_response_step(called.application, chat))

    def _send_step(self, called: InteractionCall, step: WireStep) -> bool:
        """Send a step under the word of what was called, sealed like any secret on its way to the
        transport."""
        word = self.seal_token(self.channel.tenant_id, called.word)
        answer = account_actions.send_control_step(
            replace(self.channel, token=word), step, transport=self.transport
        )
        if isinstance(answer, Response) and 200 <= answer.status < 300:
            return True
        log.warning("gateway.not_acknowledged", kind=called.update.kind, step=step.name)
        return not isinstance(answer, Response)  # a lost answer may have arrived


async def register_commands_with_retry(once: Callable[[], Outcome | None]) -> None:
    """Go through the menu until Discord says yes or no: as late again as it asks, and ever
    later."""
    tries = 0
    while isinstance(end := await asyncio.to_thread(once), Retry):
        await asyncio.sleep(max(end.after.total_seconds(), min(2**tries, MAX_RETRY_SECONDS)))
        tries += 1


def register_commands(
    channel: Channel,
    application: str,
    menu: CommandMenu,
    *,
    tenant: OpenScope,
    transport: Transport,
) -> Outcome | None:
    """Put our commands into the bot's menu where others stand; None when they stand there.

    A refusal is told to the members: what people type is heard all the same. Raises
    EgressForbidden.
    """
    order = AuthOrder(channel.tenant_id, channel.id)
    account = queries.transport_account(channel)
    answers: tuple[StepResult, ...] = ()
    turn: Send | Outcome | None = None
    for _ in range(request_loop.MAX_REQUESTS):
        turn = commands.write_menu(application, menu.commands, menu.retired, answers)
        if not isinstance(turn, Send):
            break
        answers = (*answers, transport.send(turn.step, order, account=account))
    end = (
        Retry(SHORT_RETRY, "account", Message("enrolment.endless"))
        if isinstance(turn, Send)
        else turn
    )
    if isinstance(end, Retry | Reauthorize):  # a dead token ends the listening, and is told there
        return end
    told = Message("listen.no_menu", {"account": channel.name})
    cause = f"channel:{channel.id}:menu"
    with tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
        if end is None:
            notices.close(scope, cause)
        else:
            notices.put(scope, told, cause=cause, creator_id=channel.creator_id)
    return end
