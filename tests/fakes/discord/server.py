"""A stateful Discord over HTTP and WebSocket that validates requests against the official
specification.

It reproduces behaviour of the real platform that clients often get wrong: a nonce is remembered for
two minutes per author, and reusing the nonce of a deleted message returns 404; permissions decide
which channels are visible, and a history without read permission is empty; limits apply per route
and to the whole bot, with fractions of seconds; messages of users are sent over the gateway only.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ops.fault_injection import FaultBook, FaultyNetwork
from tests.fakes.discord import roles as discord_roles
from tests.fakes.discord.gateway import DIRECT_MESSAGES, Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.requests import (
    API,
    ParsedRequest,
    classify_request,
    headers_of,
    kept,
    read,
)
from tests.fakes.discord.spec import Spec
from tests.fakes.discord.state import (
    ANNOUNCEMENT,
    ATTACH,
    DM,
    HISTORY,
    MANAGE_SERVER,
    SEND,
    THREAD,
    VIEW,
    Bot,
    Channel,
    DiscordState,
    Json,
    Message,
    Person,
    Refusal,
    application,
    user,
)

AGENTS = "DiscordBot (https://"
"""Required prefix of the User-Agent header. Other clients are rejected at the edge."""

MOST_PASSED_ON = 10
"""Maximum crossposts of a channel per hour."""

MOST_TEXT, MOST_FILE, MOST_REQUEST = 2000, 10 * 2**20, 25 * 2**20
BUCKETS: Mapping[str, tuple[int, float]] = {
    "posts": (5, 5.0),
    "deletes": (30, 10.0),
    "lookups": (30, 10.0),
}
"""Requests and period in seconds per channel, by kind."""


@dataclass
class FakeDiscord:
    """The state of the fake and the actions of tests."""

    spec: Spec
    clock: AdjustableClock = field(default_factory=AdjustableClock)
    url: str = ""
    blocked_until: datetime | None = None
    """Time until which every request of any bot is rate limited."""
    refused_tokens: int = 0
    """Number of requests with an unknown bot token. Discord blocks an address after 10,000 invalid
    requests in 10 minutes:
    https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
    """

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.book = FaultBook(clock=self.clock)
        self.world = DiscordState(self.clock)
        self.gateway = Gateway(self.world)
        self._used: dict[tuple[str, str], deque[datetime]] = defaultdict(deque)
        self.interactions = Interactions(self.world, self.gateway)
        self.acks = self.interactions.acks

    @property
    def api(self) -> str:
        """Base URL of the API."""
        return self.url + API

    def limit_everything(self, seconds: float) -> None:
        """Apply the global rate limit."""
        self.blocked_until = self.clock() + timedelta(seconds=seconds)

    def write(self, bot: Bot, person: Person, text: str, *, files: int = 0) -> str:
        """Send a message from a user to the bot. Return its ID."""
        with self.lock:
            channel = self.world.direct(bot, person)
            names = [
                {"id": self.world.snowflake(), "filename": f"{n}.png", "size": 3}
                for n in range(files)
            ]
            body = {
                "content": text,
                "attachments": [
                    {**one, "url": "https://cdn/x", "proxy_url": "https://cdn/x"} for one in names
                ],
            }
            message = self.world.post(channel, user(person.id, person.name), body)
            self.repeat(bot, message)
            return message.id

    def repeat(self, bot: Bot, message: Message) -> None:
        """Send the event of a message, possibly again."""
        told = {**self.world.shown(message), "channel_type": DM}
        self.gateway.tell(bot, "MESSAGE_CREATE", told, intent=DIRECT_MESSAGES)

    def press(self, bot: Bot, person: Person, custom_id: str, *, locale: str = "fr") -> str:
        """Press a button of a direct message as a user. Return the interaction ID."""
        with self.lock:
            return self.interactions.press(bot, person, custom_id, locale=locale)

    def choose(
        self,
        bot: Bot,
        person: Person,
        name: str,
        *said: Json,
        where: Channel | None = None,
        locale: str = "fr",
    ) -> str:
        """Use a command as a user in a direct message or a channel. Return the interaction ID."""
        with self.lock:
            there = where or self.world.direct(bot, person)
            return self.interactions.choose(
                bot, person, there, {"name": name, "options": list(said)}, locale=locale
            )

    def sent(self, channel: Channel) -> list[Message]:
        """Return the messages of bots in a channel, including deleted ones."""
        return [message for message in channel.messages if message.author["bot"]]

    # HTTP

    async def answer(self, request: Request) -> Response:
        """Answer a request of the API."""
        body = await request.body()
        method, path = request.method, request.url.path.removeprefix(API)
        try:
            if not request.headers.get("user-agent", "").startswith(AGENTS):
                raise Refusal(403, 40333, "internal network error")
            with self.lock:
                said, files = read(request.headers.get("content-type", ""), body)
                if trouble := self.spec.judge(method, path, dict(request.query_params), said):
                    raise Refusal(400, 50035, f"Invalid Form Body {trouble}", errors={})
                headers = self._limited(method, path)
                sent = ParsedRequest(said, files, len(body))
                status, told = self._route(request, path.strip("/").split("/"), sent)
        except Refusal as refusal:
            told = {"message": refusal.message, "code": refusal.code, **refusal.more}
            return JSONResponse(told, refusal.status, headers=headers_of(refusal))
        return (
            Response(status_code=204, headers=headers)
            if told is None
            else JSONResponse(told, status, headers=headers)
        )

    def _limited(self, method: str, path: str) -> dict[str, str]:
        """Return the rate limits of a request as headers. Raise Refusal."""
        now = self.clock()
        if self.blocked_until is not None and now < self.blocked_until:
            wait = (self.blocked_until - now).total_seconds()
            raise Refusal(
                429, 0, "You are being rate limited.", retry_after=wait, **{"global": True}
            )
        call = classify_request(method, API + path)
        most, seconds = BUCKETS.get(call.kind if call else "", (50, 1.0))
        used = self._used[(call.kind, call.account) if call else ("", "")]
        while used and (now - used[0]).total_seconds() >= seconds:
            used.popleft()
        if len(used) >= most:
            wait = seconds - (now - used[0]).total_seconds()
            raise Refusal(
                429,
                0,
                "You are being rate limited.",
                retry_after=round(wait, 3),
                **{"global": False},
            )
        used.append(now)
        reset = seconds - (now - used[0]).total_seconds()
        return {
            "x-ratelimit-limit": str(most),
            "x-ratelimit-remaining": str(most - len(used)),
            "x-ratelimit-reset": f"{now.timestamp() + reset:.3f}",
            "x-ratelimit-reset-after": f"{reset:.3f}",
            "x-ratelimit-bucket": f"b-{call.kind if call else 'other'}",
        }

    def _bot(self, request: Request) -> Bot:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        found = self.world.bots.get(token)
        if kind != "Bot" or found is None:
            self.refused_tokens += 1
            raise Refusal(401, 0, "401: Unauthorized")
        return found

    def _route(self, request: Request, parts: list[str], sent: ParsedRequest) -> tuple[int, Any]:
        # These requests carry the interaction token in their path instead of a bot token.
        if parts[0] in (
            "interactions",
            "webhooks",
        ):
            return self.interactions.answer(request.method, parts, sent.said)
        bot = self._bot(request)
        if parts[0] == "applications" and parts[2:3] == ["commands"]:
            return self.interactions.manage(bot, parts[1], request.method, parts[3:], sent.said)
        return self._as_bot(bot, request, parts, sent)

    def _as_bot(
        self, bot: Bot, request: Request, parts: list[str], sent: ParsedRequest
    ) -> tuple[int, Any]:
        method, world = request.method, self.world
        match method, parts:
            case "GET", ["users", "@me"]:
                return 200, user(bot.id, bot.name, bot=True)
            case "GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]:
                return 200, application(bot)
            case "GET", ["gateway", "bot"]:
                left = {
                    "total": 1000,
                    "remaining": 1000 - bot.identifies,
                    "reset_after": 0,
                    "max_concurrency": 1,
                }
                return 200, {"url": self.gateway.address, "shards": 1, "session_start_limit": left}
            case "GET", ["channels", channel]:
                return 200, self._channel(world.seen(bot, channel))
            case "GET", ["guilds", guild, *part]:
                counts = request.query_params.get("with_counts") == "true"
                return 200, self._read_guild(bot, guild, part, counts=counts)
            case "PUT" | "DELETE", ["guilds", guild, "members", member, "roles", role]:
                self._guild(bot, guild)
                return 204, discord_roles.change(
                    world, bot, world.guilds[guild], member, role, give=method == "PUT"
                )
            case "POST", ["users", "@me", "channels"]:
                return 200, self._open(bot, str(sent.said["recipient_id"]))
            case "GET", ["channels", channel, "messages"]:
                return 200, self._history(bot, channel, request.query_params)
            case "POST", ["channels", channel, "messages"]:
                return 200, self._create(bot, channel, sent)
            case _, ["channels", channel, "messages", message] | [
                "channels",
                channel,
                "messages",
                message,
                "crosspost",
            ]:
                act = f"{method} {parts[4]}" if len(parts) > 4 else method
                return self._of_message(bot, act, channel, message, sent)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _read_guild(self, bot: Bot, guild: str, part: list[str], *, counts: bool) -> Any:
        match part:
            case []:
                return self._guild(bot, guild, counts=counts)
            case ["invites"]:
                return self._invites(bot, guild)
            case ["members", member]:
                return self._member(bot, guild, member)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def _of_message(
        self, bot: Bot, method: str, channel: str, message: str, sent: ParsedRequest
    ) -> tuple[int, Any]:
        match method:
            case "GET" | "DELETE":
                return self._one(bot, method, channel, message)
            case "PATCH":
                return 200, self._edit(bot, channel, message, sent)
            case "POST crosspost":
                return 200, self._pass_on(bot, channel, message)
            case _:
                raise Refusal(405, 0, "405: Method Not Allowed")

    def _channel(self, channel: Channel) -> Json:
        last = channel.messages[-1].id if channel.messages else None
        if channel.type == DM:
            person = self.world.people[channel.person]
            told = {"recipients": [user(person.id, person.name)]}
        elif channel.type == THREAD:
            told = {
                "guild_id": channel.guild,
                "name": channel.name,
                "parent_id": channel.parent,
                "owner_id": "1",
            }
            told |= dict.fromkeys(
                ("message_count", "member_count", "total_message_sent"), len(channel.messages)
            )
            told["thread_metadata"] = _OPEN
        else:
            told = {
                "guild_id": channel.guild,
                "name": channel.name,
                "nsfw": channel.nsfw,
                "position": 0,
            }
            told["permission_overwrites"] = channel.overwrites
        return {"id": channel.id, "type": channel.type, "flags": 0, "last_message_id": last, **told}

    def _guild(self, bot: Bot, guild_id: str, *, counts: bool = False) -> Json:
        guild = self.world.guilds.get(guild_id)
        if guild is None or bot.id not in guild.members:
            raise Refusal(404, 10004, "Unknown Guild")
        roles = [discord_roles.shown(guild, role) for role in guild.roles]
        many = (
            {"approximate_member_count": guild.followers, "approximate_presence_count": 1}
            if counts
            else {}
        )
        return {"id": guild.id, "name": guild.name, "owner_id": guild.owner, "roles": roles, **many}

    def _member(self, bot: Bot, guild_id: str, member: str) -> Json:
        self._guild(bot, guild_id)
        if member not in self.world.guilds[guild_id].members:
            raise Refusal(404, 10007, "Unknown Member")
        person = self.world.people.get(member)
        who = (
            user(person.id, person.name) if person is not None else user(bot.id, bot.name, bot=True)
        )
        guild = self.world.guilds[guild_id]
        joined = guild.joined.get(member, self.clock() - timedelta(days=30))
        return {"user": who, "roles": guild.members[member], "joined_at": joined.isoformat()}

    def _invites(self, bot: Bot, guild_id: str) -> list[Json]:
        self._guild(bot, guild_id)
        guild = self.world.guilds[guild_id]
        rights = 0
        for role in (guild_id, *guild.members[bot.id]):
            rights |= guild.roles.get(role, 0)
        if not rights & (MANAGE_SERVER | 1 << 3):
            raise Refusal(403, 50013, "Missing Permissions")
        return [{"code": code, "uses": uses, "type": 0} for code, uses in guild.invites.items()]

    def _open(self, bot: Bot, recipient: str) -> Json:
        person = self.world.people.get(recipient)
        if person is None:
            raise Refusal(400, 50033, "Invalid Recipient(s)")
        return self._channel(self.world.direct(bot, person))

    def _history(self, bot: Bot, channel_id: str, query: Mapping[str, str]) -> list[Json]:
        channel = self.world.seen(bot, channel_id)
        if not self.world.rights(bot, channel) & HISTORY:
            return []
        newest = self.clock() - timedelta(seconds=self.book.lag_seconds(channel_id))
        after, most = int(query.get("after", 0)), int(query.get("limit", 50))
        listed = [
            one
            for one in channel.messages
            if not one.deleted and int(one.id) > after and one.at <= newest
        ]
        page = listed[:most] if "after" in query else listed[-most:]
        return [self.world.shown(one, nonce=self.world.nonce_in_history) for one in reversed(page)]

    def _create(self, bot: Bot, channel_id: str, sent: ParsedRequest) -> Json:
        said, files = sent.said, sent.files
        channel = self.world.seen(bot, channel_id, SEND | (ATTACH if files else 0))
        self._check(channel, sent)
        nonce = str(said.get("nonce") or "")
        known = self.world.same(bot.id, nonce) if nonce and said.get("enforce_nonce") else None
        if known is not None and known.deleted:
            raise Refusal(404, 10008, "Unknown Message")
        if known is None:
            body = kept(said, files)
            for one in body["attachments"]:
                one["id"] = self.world.snowflake()
            known = self.world.post(channel, user(bot.id, bot.name, bot=True), body, nonce=nonce)
        return self.world.shown(known, nonce=True)

    def _check(self, channel: Channel, sent: ParsedRequest) -> None:
        said, files = sent.said, sent.files
        if len(said.get("content") or "") > MOST_TEXT:
            wrong = {
                "content": {
                    "_errors": [
                        {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer"}
                    ]
                }
            }
            raise Refusal(400, 50035, "Invalid Form Body", errors=wrong)
        if not (said.get("content") or "").strip() and not files:
            raise Refusal(400, 50006, "Cannot send an empty message")
        if sent.size > MOST_REQUEST or any(len(data) > MOST_FILE for _, data in files.values()):
            raise Refusal(413, 40005, "Request entity too large")
        if {f"files[{one['id']}]" for one in said.get("attachments") or ()} != set(files):
            raise Refusal(400, 50035, "Invalid Form Body: files and attachments differ", errors={})
        above = said.get("message_reference", {}).get("message_id")
        if above is not None and not any(
            one.id == above and not one.deleted for one in channel.messages
        ):
            raise Refusal(
                400, 50035, "Invalid Form Body: MESSAGE_REFERENCE_UNKNOWN_MESSAGE", errors={}
            )
        hidden = any(name.startswith("SPOILER_") for name, _ in files.values())
        if channel.type != DM and hidden and not self.world.restricted(channel):
            raise Refusal(400, 20009, "Explicit content cannot be sent to the desired recipient(s)")
        person = self.world.people.get(channel.person)
        if person is not None and not (person.open and person.shares):
            away = "" if person.shares else " due to having no mutual guilds"
            raise Refusal(403, 50278 if away else 50007, f"Cannot send messages to this user{away}")

    def _edit(self, bot: Bot, channel_id: str, message_id: str, sent: ParsedRequest) -> Json:
        """Edit a message of the bot. A list of attachments names all that remain."""
        channel, said = self.world.seen(bot, channel_id, SEND), sent.said
        found = next(
            (one for one in channel.messages if one.id == message_id and not one.deleted), None
        )
        if found is None:
            raise Refusal(404, 10008, "Unknown Message")
        if found.author["id"] != bot.id:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        there = found.body.get("attachments") or []
        wanted = [str(one["id"]) for one in said.get("attachments") or ()]
        if (
            not set(wanted) <= {one["id"] for one in there}
            or len(said.get("content") or "") > MOST_TEXT
        ):
            raise Refusal(400, 50035, "Invalid Form Body", errors={})
        kept = [one for one in there if one["id"] in wanted] if "attachments" in said else there
        content = said.get("content", found.body["content"])
        if not (content or "").strip() and not kept:
            raise Refusal(400, 50006, "Cannot send an empty message")
        found.body |= {"content": content, "attachments": kept}
        found.edited = self.world.clock()
        return self.world.shown(found)

    def _pass_on(self, bot: Bot, channel_id: str, message_id: str) -> Json:
        """Crosspost a message to the servers that follow its channel, once, and at most ten per
        hour."""
        channel, hour = self.world.seen(bot, channel_id, SEND), self.clock() - timedelta(hours=1)
        found = next(
            (one for one in channel.messages if one.id == message_id and not one.deleted), None
        )
        if found is None:
            raise Refusal(404, 10008, "Unknown Message")
        if channel.type != ANNOUNCEMENT:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        if found.passed_on:
            raise Refusal(400, 40033, "This message has already been crossposted")
        lately = sorted(
            one.passed_on for one in channel.messages if one.passed_on and one.passed_on > hour
        )
        if len(lately) >= MOST_PASSED_ON:
            wait = (lately[0] - hour).total_seconds()
            raise Refusal(
                429,
                0,
                "You are being rate limited.",
                retry_after=round(wait, 3),
                **{"global": False},
            )
        found.passed_on = self.clock()
        return self.world.shown(found)

    def _one(self, bot: Bot, method: str, channel_id: str, message_id: str) -> tuple[int, Any]:
        channel = self.world.seen(bot, channel_id, VIEW | HISTORY if method == "GET" else VIEW)
        found = next(
            (one for one in channel.messages if one.id == message_id and not one.deleted), None
        )
        if found is None:
            raise Refusal(404, 10008, "Unknown Message")
        if method == "GET":
            return 200, self.world.shown(found)
        if found.author["id"] != bot.id:
            raise Refusal(403, 50003, "Cannot execute action on this channel type")
        found.deleted = True
        return 204, None


_OPEN = {
    "archived": False,
    "archive_timestamp": None,
    "auto_archive_duration": 1440,
    "locked": False,
}


def create_app(fake: FakeDiscord) -> ASGIApp:
    """Return the app for `fake`."""

    async def gateway(socket: WebSocket) -> None:
        await fake.gateway.serve(socket)

    answer: Callable[[Request], Any] = fake.answer
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(
        routes=[
            Route(API + "/{path:path}", answer, methods=methods),
            WebSocketRoute("/gateway/", gateway),
        ]
    )
    faulty = FaultyNetwork(app, book=fake.book, call_of=classify_request)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            await faulty(scope, receive, send)

    return entry


@contextmanager
def discord(
    spec: Path | None = None, clock: AdjustableClock | None = None
) -> Iterator[FakeDiscord]:
    """Run the fake."""
    fake = FakeDiscord(Spec(spec), clock or AdjustableClock())
    with serve_app(create_app(fake), sockets=True, clock=fake.clock) as url:
        fake.url = url
        fake.gateway.address = url.replace("http", "ws", 1) + "/gateway/"
        yield fake
