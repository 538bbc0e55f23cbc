"""Hearing direct messages over Discord's gateway: one client for each bot, on an event loop of its
own.

The client reads and never sends: answers leave through the transport. What it hears is kept, in
order, before a press is acknowledged; what was written while nobody listened is read from the
history of the known chats at each new session. An account whose server puts the bot out is lost at
once, and comes back when the bot is let in: it is listened for. A session that is resumed is told
by the gateway itself what it missed. When it begins to listen it looks after the menu of commands,
so that an account just connected has one, and a new version its own.

Importing this module costs some 16 MiB, an account a bit more than one: it is loaded with the first
that needs it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from channels.accounts import account_connectors, lifecycle, queries
from channels.accounts.queries import Channel
from channels.connections import token_renewal
from channels.listening.listener import ReceivedUpdates
from channels.sending import account_actions
from connectors.contract.bot_commands import BotCommand, CommandMenu
from connectors.contract.chats import ChatUpdate
from connectors.contract.connector import Response, StepKind, StepNotSent
from connectors.contract.outcomes import Reauthorize
from connectors.platforms.discord import updates
from connectors.platforms.discord.ids import parse_account, snowflake_at, snowflake_time
from connectors.platforms.discord.publisher import open_chat_step, opened_channel
from connectors.platforms.discord.updates import Interaction, InteractionCall
from foundation.errors import Unavailable
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.sealed import RevealSecret, SealSecret
from workers.listeners.discord import interactions
from workers.listeners.discord.interactions import InteractionResponder
from workers.listeners.polling import (
    FAILURE_PAUSE_SECONDS,
    LISTENER_ACTOR,
    MAX_FAILURE_STEP,
    AccountListener,
)
from workers.runtime import metrics

log = telemetry.get_logger("workers.listeners.discord.gateway")
logging.getLogger("discord").setLevel(
    logging.CRITICAL + 1
)  # its lines name people and carry traces; ours say enough

KnownChats = Callable[[Channel], Sequence[str]]
"""Ids of the people whose chats are read again after a break, those who wrote last first."""

CLOSE_CODE_INVALID_TOKEN = 4004
PULSE_SECONDS = 10.0
IDENTIFY_SECONDS = 5.0
"""Discord lets a bot begin one session in so many seconds, and a thousand in a day."""

SESSIONS_LEFT = 20
"""So many are left for breaks that the client mends by itself; a bot that used up all of them loses
its token."""

STABLE_SESSION_SECONDS = 600.0
"""Whoever listened so long before a failure begins again at once."""

_TOLD = StepNotSent("gateway", "told")
"""In place of an answer: what the gateway tells says nothing about requests."""


class _Again:
    """A new session: read first what was missed."""


@dataclass(frozen=True)
class _Servers:
    """Servers the bot is on, and those it left; where it is a `whole` list, it left all others. One
    that is down is no such thing:
    https://discord.com/developers/docs/events/gateway-events#guild-delete"""

    here: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    whole: bool = False


@dataclass(frozen=True)
class _ReceivedUpdate:
    """One thing that was heard; `kept` is settled as soon as it is kept, where somebody waits for
    that."""

    update: ChatUpdate
    kept: "asyncio.Future[None] | None" = None


AcknowledgeInteraction = Callable[[InteractionCall, "asyncio.Future[None]"], Awaitable[None]]
"""Answers Discord, which waits; its second word waits until what was heard is kept."""


class DiscordGatewayListener(AccountListener):
    """The thread of one bot. Its account's cursor is the id of the last thing that was kept."""

    identify_seconds: ClassVar[float] = IDENTIFY_SECONDS

    def __init__(
        self,
        channel: Channel,
        *,
        reveal: RevealSecret,
        seal: SealSecret,
        known: KnownChats,
        menu: CommandMenu,
        **collaborators: Any,
    ) -> None:
        super().__init__(channel, **collaborators)
        self._reveal = reveal
        self._known = known
        self._menu = menu
        connector = account_connectors.connector_for(self._connectors, channel)
        self._calls = InteractionResponder(
            channel, connector, self._transport, seal, self._open_chat
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def stop(self) -> None:
        """Listen no more; what was heard and not kept is read from the history at the next
        start."""
        super().stop()
        loop = self._loop
        over = self._over
        if loop is not None and over is not None and not loop.is_closed():
            loop.call_soon_threadsafe(over.set)

    def _listen_until_stopped(self) -> None:
        deaf = 0
        while not self._stop.is_set():
            began = monotonic()
            try:
                asyncio.run(self._run_client())
                deaf = 0
            except (
                Exception
            ) as error:  # the thread must outlive a database restart, and Discord's bad days
                deaf = deaf + 1 if monotonic() - began < STABLE_SESSION_SECONDS else 1
                log.error(
                    "gateway.failed",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
                self._stop.wait(FAILURE_PAUSE_SECONDS * 2 ** min(deaf, MAX_FAILURE_STEP))

    async def _run_client(self) -> None:
        """One client, until it may not listen any more or the gateway ends it for good."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        channel, _ = await asyncio.to_thread(self._load_channel_and_cursor)
        if not lifecycle.is_listened_to(channel) or channel.token is None or self._stop.is_set():
            self.stop()
            return
        token = await asyncio.to_thread(self._reveal, channel.tenant_id, channel.token)
        client = _Client(self.identify_seconds, self._menu.commands, self._calls.acknowledge)
        tasks = [
            asyncio.create_task(each)
            for each in (
                self._listen_signed_in(client, channel.base_url, token),
                self._keep_all(client),
                self._record_heartbeat(client),
                self._over.wait(),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        except discord.LoginFailure:
            if await asyncio.to_thread(self._record_refused_token, channel):
                raise
        except discord.ConnectionClosed as closed:
            if closed.code != CLOSE_CODE_INVALID_TOKEN or await asyncio.to_thread(
                self._record_refused_token, channel
            ):
                raise
        finally:
            for task in tasks:
                task.cancel()
            await client.close()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen_signed_in(self, client: "_Client", address: str, token: str) -> None:
        """Sign in, look after the menu and listen."""
        Route.BASE = address.rstrip("/")
        await client.login(token)
        menu = asyncio.create_task(
            self._retry_until_done(self._register_menu, str(client.application_id))
        )
        try:
            await self._stay_connected(client)
        finally:
            menu.cancel()

    async def _stay_connected(self, client: "_Client") -> None:
        """Ask where the gateway is, and stay on it."""
        _, url, limit = await client.http.get_bot_gateway()
        if limit["remaining"] < SESSIONS_LEFT:
            log.error("gateway.sessions_used_up", wait=limit["reset_after"] / 1000)
            await asyncio.sleep(limit["reset_after"] / 1000)
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        await client.connect()

    async def _register_menu(self, application: str) -> None:
        channel, _ = await asyncio.to_thread(self._load_channel_and_cursor)
        await interactions.register_commands_with_retry(
            partial(
                interactions.register_commands,
                channel,
                application,
                self._menu,
                tenant=self._tenant,
                transport=self._transport,
            )
        )

    def _record_refused_token(self, channel: Channel) -> bool:
        """Record that Discord refused the sign-in, and return whether to try again after a pause.

        A sign-in is a check of the account, so a second refusal requires a new connection. Discord
        limits the number of sign-ins per day: https://discord.com/developers/docs/events/gateway
        """
        now, _ = self._load_channel_and_cursor()
        if now.token != channel.token:  # replaced meanwhile: sign in with the new one at once
            return False
        with self._tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
            lifecycle.end_wait_for_return(scope, channel.id, Message("connectors.token_refused"))
            outcome = token_renewal.apply_outcome_to_account(
                scope,
                now,
                Reauthorize(Message("channel.token_refused")),
                shown=channel.generation,
            )
        if isinstance(outcome, Reauthorize):
            self.stop()
        return not self._stop.is_set()

    async def _record_heartbeat(self, client: "_Client") -> None:
        """Say that the account is heard, as long as the gateway's heart beats."""
        while True:
            if client.ws is not None and client.ws.open:
                metrics.LISTENER_COLLECTOR.record_received(self.channel.id, self.channel.platform)
            await asyncio.sleep(PULSE_SECONDS)

    async def _keep_all(self, client: "_Client") -> None:
        """Keep what comes, one thing after the other; a new session's history before what it
        tells."""
        while True:
            what = await client.heard.get()
            if isinstance(what, _Servers):
                await self._retry_until_done(asyncio.to_thread, self._apply_server_change, what)
                continue
            heard = (
                [what]
                if isinstance(what, _ReceivedUpdate)
                else map(
                    _ReceivedUpdate,
                    await self._retry_until_done(self._fetch_missed_updates, client),
                )
            )
            for told in heard:
                if not await self._retry_until_done(
                    asyncio.to_thread, self._store_update, told.update
                ):
                    self.stop()
                    return
                if told.kept is not None and not told.kept.done():
                    told.kept.set_result(None)

    async def _retry_until_done(self, act: Callable[..., Any], *args: Any) -> Any:
        """What `act` comes to, tried until it does: what is not kept is passed over by nothing."""
        deaf = 0
        while True:
            try:
                return await act(*args)
            except Exception as error:  # the database is away, or Discord
                deaf += 1
                log.warning(
                    "gateway.again",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
                await asyncio.sleep(FAILURE_PAUSE_SECONDS * 2 ** min(deaf, MAX_FAILURE_STEP))

    def _store_update(self, update: ChatUpdate) -> bool:
        """Keep one thing; whether the account may still listen."""
        channel, after = self._load_channel_and_cursor()
        if not lifecycle.is_listened_to(channel):
            return False
        latest = max(after, update.key.rpartition(":")[2], key=lambda cursor: int(cursor or 0))
        self.store_updates(channel, ReceivedUpdates((update,), latest, _TOLD))
        return True

    def _apply_server_change(self, told: _Servers) -> None:
        """Every account of this bot is lost with its server, and there again with it."""
        mine = parse_account(self.channel.account).bot
        with self._tenant(self.channel.tenant_id, LISTENER_ACTOR) as scope:
            for other in queries.list_channels(scope):
                if (
                    other.platform != self.channel.platform
                    or parse_account(other.account).bot != mine
                ):
                    continue
                server = parse_account(other.account).guild
                if server in told.here:
                    lifecycle.mark_readmitted(scope, other.id)
                elif server in told.left or told.whole:
                    lifecycle.mark_shut_out(scope, other.id)

    async def _fetch_missed_updates(self, client: "_Client") -> list[ChatUpdate]:
        """What people wrote since the last thing that was kept, oldest first, from the history of
        their chats."""
        channel, after = await asyncio.to_thread(self._load_channel_and_cursor)
        if not after:
            return []
        since = discord.Object(max(1, snowflake_at(snowflake_time(after)) - _MARGIN))
        found: list[ChatUpdate] = []
        for person in await asyncio.to_thread(self._known, channel):
            chat = await asyncio.to_thread(self._open_chat, channel, person)
            if chat:
                await self._read_history(client.get_partial_messageable(int(chat)), since, found)
        return sorted(found, key=lambda update: int(update.native_id))

    async def _read_history(
        self, chat: discord.PartialMessageable, since: discord.Object, found: list[ChatUpdate]
    ) -> None:
        """Add what people wrote in a chat; one that is closed, or unreadable, does not silence the
        others."""
        try:
            async for message in chat.history(limit=None, after=since, oldest_first=True):
                update = updates.parse_message(message)
                if update is not None:
                    found.append(update)
        except (discord.Forbidden, discord.NotFound):
            return
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.error(
                "gateway.unreadable_chat",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )

    def _open_chat(self, channel: Channel, person: str) -> str:
        """The chat with somebody; "" with who left. Raises Unavailable while Discord does not
        say."""
        answer = account_actions.send_control_step(
            channel, open_chat_step(person, StepKind.CONTROL), transport=self._transport
        )
        chat = opened_channel(answer)
        refused = (
            isinstance(answer, Response) and 400 <= answer.status < 500 and answer.status != 429
        )
        if not chat and not refused:
            raise Unavailable("discord.unanswered")
        return chat


_MARGIN = 60_000 << 22
"""A minute, as ids count time: two servers of theirs may number what happens at once in another
order."""


class _Client(discord.Client):
    """Puts what it hears into a line, in the order it came."""

    def __init__(
        self,
        identify_seconds: float,
        commands: Sequence[BotCommand],
        attend: AcknowledgeInteraction,
    ) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.dm_messages = True
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self._identify_seconds = identify_seconds
        self._commands = commands
        self._attend = attend
        self.heard: asyncio.Queue[_ReceivedUpdate | _Again | _Servers] = asyncio.Queue()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep the distance Discord asks for between two new sessions."""
        if not initial:
            await asyncio.sleep(self._identify_seconds)

    async def on_connect(self) -> None:
        """A new session: nobody told it what went before."""
        log.info("gateway.session")
        self.heard.put_nowait(_Again())

    async def on_resumed(self) -> None:
        """The old session goes on; what it missed was told already."""
        log.info("gateway.resumed")

    async def on_ready(self) -> None:
        """The servers of a new session, those that are down among them."""
        self.heard.put_nowait(_Servers(frozenset(str(each.id) for each in self.guilds), whole=True))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """A server let the bot in."""
        self._record_guild_available(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server that is said not to be down: the bot is on it, be it new there or after a
        failure of theirs."""
        self._record_guild_available(guild)

    def _record_guild_available(self, guild: discord.Guild) -> None:
        """It is, unless it was put out since: a client that begins holds these two back, but no
        removal."""
        if self.get_guild(guild.id) is not None:
            self.heard.put_nowait(_Servers(here=frozenset({str(guild.id)})))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """A server put the bot out, or is no more."""
        self.heard.put_nowait(_Servers(left=frozenset({str(guild.id)})))

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote to the bot."""
        update = updates.parse_message(message) if message.guild is None else None
        if update is not None:
            self.heard.put_nowait(_ReceivedUpdate(update))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody edited what they wrote to the bot, however long ago: no message is kept here to
        compare it with."""
        update = updates.parse_edit(payload.message) if payload.guild_id is None else None
        if update is not None:
            self.heard.put_nowait(_ReceivedUpdate(update))

    async def on_interaction(self, interaction: Interaction) -> None:
        """Somebody pressed a button under a direct message, or chose a command."""
        called = updates.parse_interaction(interaction, self.application_id, self._commands)
        if called is not None:
            kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.heard.put_nowait(_ReceivedUpdate(called.update, kept))
            await self._attend(called, kept)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """One event that could not be read does not end the others."""
        log.error("gateway.unreadable", event_name=event_method)
