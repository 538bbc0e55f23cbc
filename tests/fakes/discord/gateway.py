"""The gateway of the fake Discord: sessions, resume with missed events, heartbeats and invalid
sessions."""

import asyncio
import json
import secrets
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import zstandard
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fakes.discord.state import Bot, DiscordState, Guild, Json, user

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
GUILDS, DIRECT_MESSAGES = 1, 1 << 12
MOST_IDENTIFIES = 1000
KEPT = 500


@dataclass
class Session:
    """A client session with its latest events, which a resume sends again."""

    id: str
    bot: Bot
    intents: int
    seq: int = 0
    told: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT))
    line: "GatewayConnection | None" = None


@dataclass
class GatewayConnection:
    """An open connection. An integer in `out` closes it with that code."""

    loop: asyncio.AbstractEventLoop
    out: "asyncio.Queue[Json | int]"

    def put(self, what: "Json | int") -> None:
        """Send a message, or close the connection with a code. Safe to call from any thread."""
        self.loop.call_soon_threadsafe(self.out.put_nowait, what)


@dataclass
class Gateway:
    """All sessions."""

    world: DiscordState
    address: str = ""
    heartbeat_ms: int = 41_250
    sessions: dict[str, Session] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """Actions of clients: identify, resume, heartbeat, invalid, closed."""

    # Events

    def tell(self, bot: Bot, name: str, data: Json, *, intent: int = 0) -> None:
        """Send an event to every session of the bot, connected or not."""
        for session in self.sessions.values():
            if session.bot is bot and (not intent or session.intents & intent):
                session.seq += 1
                payload = {"op": DISPATCH, "t": name, "s": session.seq, "d": data}
                session.told.append(payload)
                if session.line is not None:
                    session.line.put(payload)

    def put_out(self, bot: Bot, guild: Guild) -> None:
        """Remove the bot from a server, as its owner does."""
        guild.members.pop(bot.id)
        self.tell(bot, "GUILD_DELETE", {"id": guild.id}, intent=GUILDS)

    def is_down(self, bot: Bot, guild: Guild) -> None:
        """Report a server as unavailable because of an outage."""
        self.tell(bot, "GUILD_DELETE", {"id": guild.id, "unavailable": True}, intent=GUILDS)

    def let_in(self, bot: Bot, guild: Guild, roles: list[str]) -> None:
        """Add the bot to a server, or report the server as available again."""
        guild.members[bot.id] = roles
        shown = {
            "id": guild.id,
            "name": guild.name,
            "owner_id": guild.owner,
            "member_count": len(guild.members),
        }
        empty: Json = {
            each: [] for each in ("roles", "channels", "members", "emojis", "stickers", "threads")
        }
        self.tell(bot, "GUILD_CREATE", empty | shown | {"unavailable": False}, intent=GUILDS)

    def open_sessions(self, bot: Bot) -> list[Session]:
        """Return the connected sessions of a bot."""
        return [one for one in self.sessions.values() if one.bot is bot and one.line is not None]

    def drop(self, bot: Bot, code: int = 4000) -> None:
        """Close the bot's connections. Code 4000 allows a resume."""
        for session in self.open_sessions(bot):
            assert session.line is not None
            session.line.put(code)

    def ask_reconnect(self, bot: Bot) -> None:
        """Request that the bot's clients reconnect."""
        for session in self.open_sessions(bot):
            assert session.line is not None
            session.line.put({"op": RECONNECT, "d": None})

    def forget(self) -> None:
        """Restart the gateway, after which no session can be resumed."""
        for session in self.sessions.values():
            session.intents = 0
        self.sessions.clear()

    # Connections

    async def serve(self, socket: WebSocket) -> None:
        """Handle one connection, from HELLO to its end."""
        await socket.accept()
        pack = _packer(socket.query_params.get("compress", ""))
        out: asyncio.Queue[Json | int] = asyncio.Queue()
        line, session = GatewayConnection(asyncio.get_running_loop(), out), None
        out.put_nowait({"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
        sending = asyncio.create_task(_send(socket, out, pack))
        try:
            while not sending.done():
                said = await self._heard(socket, sending)
                if said is None:
                    break
                session = self._answer(said, line, session)
        except (WebSocketDisconnect, RuntimeError, TimeoutError):
            pass
        finally:
            self.log.append("closed")
            if session is not None and session.line is line:
                session.line = None
            sending.cancel()
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.close(4000)

    async def _heard(self, socket: WebSocket, sending: "asyncio.Task[None]") -> Json | None:
        """Return the next message of a client, or None if the gateway closed the connection. Raise
        TimeoutError if the heartbeat stopped."""
        hearing = asyncio.create_task(socket.receive_text())
        await asyncio.wait(
            {hearing, sending},
            timeout=self.heartbeat_ms / 1000 * 2,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if hearing.done():
            told: Json = json.loads(hearing.result())
            return told
        hearing.cancel()
        if sending.done():
            return None
        raise TimeoutError

    def _answer(
        self, said: Json, line: GatewayConnection, session: Session | None
    ) -> Session | None:
        if said["op"] == HEARTBEAT:
            self.log.append("heartbeat")
            line.put({"op": ACK})
        elif said["op"] == IDENTIFY:
            return self._identify(said["d"], line)
        elif said["op"] == RESUME:
            return self._resume(said["d"], line)
        return session

    def _identify(self, data: Json, line: GatewayConnection) -> Session | None:
        self.log.append("identify")
        bot = self.world.bots.get(data["token"])
        if bot is None or bot.identifies >= MOST_IDENTIFIES:
            line.put(4004)
            return None
        bot.identifies += 1
        session = Session(secrets.token_hex(8), bot, int(data["intents"]), line=line)
        self.sessions[session.id] = session
        guilds = [one.id for one in self.world.guilds.values() if bot.id in one.members]
        ready = {
            "v": 10,
            "user": user(bot.id, bot.name, bot=True),
            "guilds": [{"id": one, "unavailable": True} for one in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.address,
            "application": {"id": bot.id, "flags": 0},
            "private_channels": [],
        }
        self._tell_one(session, "READY", ready)
        return session

    def _tell_one(self, session: Session, name: str, data: Json) -> None:
        session.seq += 1
        payload = {"op": DISPATCH, "t": name, "s": session.seq, "d": data}
        session.told.append(payload)
        if session.line is not None:
            session.line.put(payload)

    def _resume(self, data: Json, line: GatewayConnection) -> Session | None:
        session = self.sessions.get(data["session_id"] or "")
        if session is None or session.bot.token != data["token"]:
            self.log.append("invalid")
            line.put({"op": INVALID, "d": False})
            return None
        self.log.append("resume")
        session.line = line
        for payload in [one for one in session.told if one["s"] > data["seq"]]:
            line.put(payload)
        self._tell_one(session, "RESUMED", {})
        return session


def _packer(kind: str) -> Callable[[str], str | bytes]:
    """Return the encoder that a client requested: one zlib or zstd stream for the whole connection,
    or plain text."""
    if kind == "zlib-stream":
        squeeze = zlib.compressobj()
        return lambda text: squeeze.compress(text.encode()) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    if kind == "zstd-stream":
        stream = zstandard.ZstdCompressor().compressobj()
        return lambda text: (
            stream.compress(text.encode()) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        )
    return lambda text: text


async def _send(
    socket: WebSocket, out: "asyncio.Queue[Json | int]", pack: Callable[[str], Any]
) -> None:
    while True:
        what = await out.get()
        if isinstance(what, int):
            await socket.close(what)
            return
        packed = pack(json.dumps(what))
        await (socket.send_bytes(packed) if isinstance(packed, bytes) else socket.send_text(packed))
