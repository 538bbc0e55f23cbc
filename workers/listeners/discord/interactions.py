"""Responses to Discord's interactions (buttons and commands), and registration of the menu of
commands.

These responses contain only IDs and use the interaction's token. Texts for fans are sent as chat
messages with a permit, wherever the command was chosen.
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
"""Maximum seconds between two attempts to register the menu while Discord does not answer."""

log = telemetry.get_logger("workers.listeners.discord.gateway")


@dataclass(frozen=True)
class InteractionResponder:
    """Responder to the interactions of one account. `find_chat` returns the chat with a user, "" if
    the user has left."""

    channel: Channel
    connector: ChatConnector
    transport: Transport
    seal_token: SealSecret
    find_chat: Callable[[Channel, str], str]

    async def acknowledge(self, called: InteractionCall, kept: "asyncio.Future[None]") -> None:
        """Confirm a button after it was stored. Confirm a command at once and complete its response
        after it was stored.

        If the process is killed in between, Discord shows that there was no response.
        """
        try:
            if not called.chosen:
                await kept
            heard = await asyncio.to_thread(self._acknowledge_call, called)
            if called.chosen and heard:
                await kept
                await asyncio.to_thread(self._answer_call, called)
        except Exception as error:  # the update is stored in any case
            log.warning(
                "gateway.not_acknowledged",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )

    def _acknowledge_call(self, called: InteractionCall) -> bool:
        """Confirm the interaction. Return False if Discord refused the confirmation."""
        step = self.connector.acknowledge(called.update)
        return step is not None and self._send_step(called, step)

    def _answer_call(self, called: InteractionCall) -> None:
        """Complete the deferred response. A user who chose the command elsewhere gets a link to the
        chat."""
        chat = self.find_chat(self.channel, called.update.fan) if called.elsewhere else ""
        self._send_step(called, commands.command_response_step(called.application, chat))

    def _send_step(self, called: InteractionCall, step: WireStep) -> bool:
        """Send a step with the interaction's token, sealed like any secret for the transport."""
        word = self.seal_token(self.channel.tenant_id, called.word)
        answer = account_actions.send_control_step(
            replace(self.channel, token=word), step, transport=self.transport
        )
        if isinstance(answer, Response) and 200 <= answer.status < 300:
            return True
        log.warning("gateway.not_acknowledged", kind=called.update.kind, step=step.name)
        return not isinstance(answer, Response)  # a lost answer may have arrived


async def register_commands_with_retry(once: Callable[[], Outcome | None]) -> None:
    """Register the menu until Discord accepts or refuses it, after the requested delay and with
    growing pauses."""
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
    """Register our commands in the bot's menu. Return None when the menu is complete.

    Members are notified of a refusal; typed commands work in any case. Raises EgressForbidden.
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
    # an invalid token also ends the gateway connection, which notifies members
    if isinstance(end, Retry | Reauthorize):
        return end
    told = Message("listen.no_menu", {"account": channel.name})
    cause = f"channel:{channel.id}:menu"
    with tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
        if end is None:
            notices.close(scope, cause)
        else:
            notices.put(scope, told, cause=cause, creator_id=channel.creator_id)
    return end
