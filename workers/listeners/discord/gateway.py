"""The Discord gateway: one client per bot on a separate event loop, which receives direct messages.

The client only receives; replies are sent by the transport. Updates are stored in order before a
button is acknowledged. At each new session, messages sent during the interruption are read from the
history of known chats; a resumed session receives them from the gateway. If a server removes the
bot, its accounts are marked as lost at once and restored when the bot is admitted again. At its
start the listener registers the menu of commands, for new accounts and new versions.

The import needs about 16 MiB, and an account somewhat more than 1 MiB, so the module is loaded with
the first account that needs it.
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
)  # its lines contain names and tracebacks; ours are sufficient

KnownChats = Callable[[Channel], Sequence[str]]
"""Returns the IDs of the users whose chats are read again after an interruption, the most recent
first."""

CLOSE_CODE_INVALID_TOKEN = 4004
PULSE_SECONDS = 10.0
IDENTIFY_SECONDS = 5.0
"""Minimum interval between two new sessions of a bot. Discord allows one per five seconds and a
thousand per day."""

SESSIONS_LEFT = 20
"""Sessions reserved for reconnections by the client. A bot that uses up all sessions loses its
token."""

STABLE_SESSION_SECONDS = 600.0
"""Duration of a session after which a failure does not increase the pause."""

_TOLD = StepNotSent("gateway", "told")
"""Placeholder for a response, since gateway events need none."""


class _Again:
    """Marker of a new session, before which missed messages are read."""


@dataclass(frozen=True)
class _Servers:
    """The servers of the bot and the servers that it left. If `whole` is True, the bot left all
    servers that are not listed. An unavailable server does not count as left:
    https://discord.com/developers/docs/events/gateway-events#guild-delete"""

    here: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    whole: bool = False


@dataclass(frozen=True)
class _ReceivedUpdate:
    """One received update. `kept` completes when the update is stored; only updates whose response
    waits for that have it."""

    update: ChatUpdate
    kept: "asyncio.Future[None] | None" = None


AcknowledgeInteraction = Callable[[InteractionCall, "asyncio.Future[None]"], Awaitable[None]]
"""Acknowledges an interaction; the second response waits until the update is stored."""


class DiscordGatewayListener(AccountListener):
    """The thread of one bot. Its account's cursor is the ID of the last stored update."""

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
        """Stop listening. Updates that were not stored are read from the history at the next
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
            ) as error:  # the thread must outlive restarts of the database and outages of Discord
                deaf = deaf + 1 if monotonic() - began < STABLE_SESSION_SECONDS else 1
                log.error(
                    "gateway.failed",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
                self._stop.wait(FAILURE_PAUSE_SECONDS * 2 ** min(deaf, MAX_FAILURE_STEP))

    async def _run_client(self) -> None:
        """Run a client until the account may no longer listen or the gateway closes permanently."""
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
        """Sign in, register the menu and listen."""
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
        """Request the gateway's URL and stay connected."""
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
        """Record that Discord refused the sign-in. Return True to try again after a pause.

        A sign-in is a check of the account, so a second refusal requires a new connection. Discord
        limits the number of sign-ins per day: https://discord.com/developers/docs/events/gateway
        """
        now, _ = self._load_channel_and_cursor()
        if now.token != channel.token:  # replaced since; sign in with the new one at once
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
        """Record that the account listens while the gateway connection is open."""
        while True:
            if client.ws is not None and client.ws.open:
                metrics.LISTENER_COLLECTOR.record_received(self.channel.id, self.channel.platform)
            await asyncio.sleep(PULSE_SECONDS)

    async def _keep_all(self, client: "_Client") -> None:
        """Store the updates one after the other; the history of a new session before its
        updates."""
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
        """Call `act` until it succeeds, so that later updates never overtake one that is not
        stored."""
        deaf = 0
        while True:
            try:
                return await act(*args)
            except Exception as error:  # the database or Discord is unavailable
                deaf += 1
                log.warning(
                    "gateway.again",
                    error=telemetry.describe_error(error),
                    at=telemetry.error_location(error),
                )
                await asyncio.sleep(FAILURE_PAUSE_SECONDS * 2 ** min(deaf, MAX_FAILURE_STEP))

    def _store_update(self, update: ChatUpdate) -> bool:
        """Store one update. Return False if the account may no longer listen."""
        channel, after = self._load_channel_and_cursor()
        if not lifecycle.is_listened_to(channel):
            return False
        latest = max(after, update.key.rpartition(":")[2], key=lambda cursor: int(cursor or 0))
        self.store_updates(channel, ReceivedUpdates((update,), latest, _TOLD))
        return True

    def _apply_server_change(self, told: _Servers) -> None:
        """Mark all accounts of this bot on a server as lost or restored."""
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
        """Return the messages since the last stored update, oldest first, from the history of the
        known chats."""
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
        """Add the messages of a chat. A closed or unreadable chat does not stop the others."""
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
        """Return the chat with a user, or "" if the user has left. Raises Unavailable if Discord
        does not answer."""
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
"""One minute in IDs, because two servers of Discord may assign IDs in different orders."""


class _Client(discord.Client):
    """Client that adds updates to a queue in the order of their arrival."""

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
        """Wait for the minimum interval between two new sessions."""
        if not initial:
            await asyncio.sleep(self._identify_seconds)

    async def on_connect(self) -> None:
        """Mark a new session, which does not receive earlier messages."""
        log.info("gateway.session")
        self.heard.put_nowait(_Again())

    async def on_resumed(self) -> None:
        """Log a resumed session, which has received the missed messages."""
        log.info("gateway.resumed")

    async def on_ready(self) -> None:
        """Record the servers of a new session, including unavailable ones."""
        self.heard.put_nowait(_Servers(frozenset(str(each.id) for each in self.guilds), whole=True))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Record that a server admitted the bot."""
        self._record_guild_available(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Record that the bot is on a server, either new or after an outage."""
        self._record_guild_available(guild)

    def _record_guild_available(self, guild: discord.Guild) -> None:
        """Record the server unless the bot has been removed since. The client delays these two
        events during its start, but not removals."""
        if self.get_guild(guild.id) is not None:
            self.heard.put_nowait(_Servers(here=frozenset({str(guild.id)})))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Record that a server removed the bot or was deleted."""
        self.heard.put_nowait(_Servers(left=frozenset({str(guild.id)})))

    async def on_message(self, message: discord.Message) -> None:
        """Queue a direct message."""
        update = updates.parse_message(message) if message.guild is None else None
        if update is not None:
            self.heard.put_nowait(_ReceivedUpdate(update))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Queue the edit of a direct message of any age. Messages are not cached for comparison."""
        update = updates.parse_edit(payload.message) if payload.guild_id is None else None
        if update is not None:
            self.heard.put_nowait(_ReceivedUpdate(update))

    async def on_interaction(self, interaction: Interaction) -> None:
        """Queue a button or a command, and acknowledge it."""
        called = updates.parse_interaction(interaction, self.application_id, self._commands)
        if called is not None:
            kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.heard.put_nowait(_ReceivedUpdate(called.update, kept))
            await self._attend(called, kept)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log an unreadable event and continue."""
        log.error("gateway.unreadable", event_name=event_method)
