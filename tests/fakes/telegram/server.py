"""A stateful Telegram over HTTP. `python -m tests.fakes.telegram.server --port 8099` serves one for
manual tests.

Every request is validated against the description of the Bot API. Faults are requested as in the
sandbox, by kind of method: `posts` (everything that sends), deletes, edits, updates, checkouts,
refunds, lookups (Star transactions), metrics (member counts), menus (bot profiles), doors (join
requests and bans). Actions of users are under `/app/…` (`control` below), or methods of the state
in the same process.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile
from starlette.types import ASGIApp

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.http.http_client import HttpClient, HttpResponse
from foundation.http.http_client import HttpRequest as Sent
from foundation.ops.clock import monotonic
from foundation.ops.fault_injection import (
    FaultBook,
    FaultyNetwork,
    PlatformCall,
    fault_server_config,
)
from tests.fakes.telegram.chats import Refusal, Told
from tests.fakes.telegram.methods import Files, Methods
from tests.fakes.telegram.state import Bot, TelegramState

KINDS = {
    "deleteMessage": "deletes",
    "editMessageCaption": "edits",
    "editMessageMedia": "edits",
    "editMessageText": "edits",
    "getUpdates": "updates",
    "answerPreCheckoutQuery": "checkouts",
    "refundStarPayment": "refunds",
    "createInvoiceLink": "links",
    "editUserStarSubscription": "subscriptions",
    "getStarTransactions": "lookups",
    "getChat": "places",
    "approveChatJoinRequest": "doors",
    "declineChatJoinRequest": "doors",
    "banChatMember": "doors",
    "unbanChatMember": "doors",
    "getChatMemberCount": "metrics",
}
KINDS |= {
    f"{act}My{what}": "menus"
    for act in ("get", "set")
    for what in ("Commands", "Description", "ShortDescription")
}
SECRET = "X-Telegram-Bot-Api-Secret-Token"


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request for the fault book. Its account is the bot's ID."""
    parts = path.split("/")
    if len(parts) != 3 or not parts[1].startswith("bot"):
        return None
    name = parts[2]
    kind = "posts" if name.startswith("send") else KINDS.get(name, "other")
    return PlatformCall(method, f"/{name}", parts[1].removeprefix("bot").partition(":")[0], kind)


def create_app(world: TelegramState, book: FaultBook) -> ASGIApp:
    """Return the app for `world`."""
    app, methods = FastAPI(), Methods(world)

    @app.api_route("/bot{token}/{name}", methods=["GET", "POST"])
    async def bot_api(request: Request, token: str, name: str) -> JSONResponse:
        try:
            asked, files = await _read(request)
            bot = _bot(world, token)
            if name == "getUpdates":
                return _good(await _poll(world, methods, bot, asked))
            with world.lock:
                return _good(_act(methods, bot, name, asked, files))
        except Refusal as refusal:
            return _refused(refusal)

    control(app, world)
    return FaultyNetwork(app, book=book, call_of=classify_request)


def _bot(world: TelegramState, token: str) -> Bot:
    if ":" not in token:
        raise Refusal(404, "Not Found")
    bot = world.bots.get(token)
    if bot is None or not bot.alive:
        raise Refusal(401, "Unauthorized")
    return bot


def _act(methods: Methods, bot: Bot, name: str, asked: Told, files: Files) -> Any:
    act, checks = methods.find(name), methods.world.checks
    if act is None:
        raise Refusal(404, "Not Found")
    wrong = checks.request(name, asked, frozenset(files))
    if wrong is not None:
        raise Refusal(400, f"Bad Request: {wrong}")
    given = _shown(act(bot, asked, files))
    checks.answer(name, given)
    return given


async def _poll(world: TelegramState, methods: Methods, bot: Bot, asked: Told) -> Any:
    wrong = world.checks.request("getUpdates", asked, frozenset())
    if wrong is not None:
        raise Refusal(400, f"Bad Request: {wrong}")
    until = monotonic() + min(asked.get("timeout", 0), 50)
    with world.lock:
        mine = methods.begin_poll(bot, asked)
    while True:
        with world.lock:
            found = methods.polled(bot, mine)
        if found or monotonic() >= until or not bot.alive:
            return _shown(found)
        await asyncio.sleep(0.02)


async def _read(request: Request) -> tuple[Told, Files]:
    """Return the fields and files of a request, from its query, JSON or form."""
    asked: Told = {name: _value(name, value) for name, value in request.query_params.items()}
    files: dict[str, bytes] = {}
    kind = request.headers.get("content-type", "")
    if kind.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = await value.read()
                else:
                    asked[name] = _value(name, str(value))
    elif kind.startswith("application/json") and (body := await request.body()):
        asked |= json.loads(body)
    return asked, files


TEXTS = frozenset(
    {
        "text",
        "caption",
        "title",
        "description",
        "short_description",
        "payload",
        "url",
        "secret_token",
    }
)


def _value(name: str, text: str) -> Any:
    if name in TEXTS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shown(value: Any) -> Any:
    """Remove internal fields."""
    if isinstance(value, dict):
        return {name: _shown(part) for name, part in value.items() if not name.startswith("_")}
    return [_shown(part) for part in value] if isinstance(value, list) else value


def _good(given: Any) -> JSONResponse:
    return JSONResponse({"ok": True, "result": given})


def _refused(refusal: Refusal) -> JSONResponse:
    told: Told = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    wait = refusal.parameters.get("retry_after")
    headers = {"retry-after": str(wait)} if wait else {}
    more = {"parameters": dict(refusal.parameters)} if refusal.parameters else {}
    return JSONResponse(told | more, refusal.code, headers)


def call(
    world: TelegramState, bot: Bot, http: HttpClient, *, at: str, secret: str | None = None
) -> list[int]:
    """Deliver all pending updates in order to the bot's webhook, whose host is reached `at`. A 2xx
    response confirms an update. Return the statuses."""
    statuses = []
    for update in world.waiting(bot):
        shown = {
            "content-type": "application/json",
            SECRET: bot.hook["secret"] if secret is None else secret,
        }
        body = json.dumps(_shown(update)).encode()
        reply = http.send(Sent("POST", at + urlsplit(bot.hook["url"]).path, shown, body, 10.0))
        statuses.append(reply.status if isinstance(reply, HttpResponse) else 0)
        if not 200 <= statuses[-1] < 300:
            break
        with world.lock:
            bot.updates = [
                (at, told) for at, told in bot.updates if told["update_id"] != update["update_id"]
            ]
    return statuses


def control(app: FastAPI, world: TelegramState) -> None:
    """Add endpoints for actions of users, for browsers and other processes."""

    @app.post("/app/bots")
    async def new_bot(asked: dict[str, str]) -> Told:
        """`{"username", "token"?, "channel"?}`: create a bot, and a public channel to which it may
        post."""
        bot = world.bot(asked["username"], asked.get("token", ""))
        if asked.get("channel"):
            world.channel(asked["channel"], username=asked["channel"], post=bot)
        return {"token": bot.token, "username": bot.username, "id": bot.id}

    @app.post("/app/{username}/{person}/{what}")
    async def act(username: str, person: str, what: str, asked: dict[str, str]) -> Told:
        """say {"text"} · press {"data"} · pay {}"""
        bot = world.named(username)
        if what == "say":
            return _told(world.say(bot, person, asked["text"]))
        if what == "press":
            return _told(world.press(bot, person, asked["data"]))
        return {"checkout": world.pay(bot, person).id}

    @app.get("/app/{username}/{person}")
    async def seen(username: str, person: str) -> list[Told]:
        """Return the messages that a user received."""
        return [_told(one) for one in world.seen(world.named(username), person)]

    @app.get("/app/channels/{name}/posts")
    async def posts(name: str) -> list[Told]:
        """Return the messages of a channel."""
        chat = next(one for one in world.channels.values() if one.username == name)
        return [_told(one) for number, one in chat.messages.items() if number not in chat.deleted]

    @app.get("/app/broken")
    async def broken() -> list[str]:
        """Return the violations of the description."""
        return world.checks.broken


def _told(value: Told) -> Told:
    shown: Told = _shown(value)
    return shown


@dataclass
class TelegramServer:
    """A running Telegram."""

    url: str
    world: TelegramState
    book: FaultBook
    clock: AdjustableClock


@contextmanager
def network() -> Iterator[TelegramServer]:
    """Run a Telegram under uvicorn with an adjustable clock."""
    clock = AdjustableClock()
    world, book = TelegramState(clock), FaultBook(clock=clock)
    with serve_app(create_app(world, book)) as url:
        yield TelegramServer(url, world, book, clock)


def main() -> None:
    """Serve a Telegram until Ctrl-C, with a bot that has a fixed token."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--token", default="7000000000:AAHfakefakefakefakefakefakefakefake0")
    chosen = parser.parse_args()
    world = TelegramState()
    bot = world.bot("nova_studio_bot", chosen.token)
    world.channel("Nova", username="novachannel", post=bot)
    sys.stdout.write(f"http://127.0.0.1:{chosen.port}  token {bot.token}  channel @novachannel\n")
    sys.stdout.flush()
    uvicorn.Server(
        fault_server_config(create_app(world, FaultBook()), "127.0.0.1", chosen.port)
    ).run()


if __name__ == "__main__":
    main()
