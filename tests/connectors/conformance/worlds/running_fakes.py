"""Test worlds of the built-in connectors, each with an account on its running fake."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from connectors.conformance.world import (
    TEST_TENANT,
    ConnectorWorld,
    WorldRoles,
    WorldWebhook,
    conformance_transport,
)
from connectors.platforms.own_page.publisher import OwnPage
from connectors.platforms.sandbox.publisher import Sandbox
from connectors.platforms.telegram.publisher import Telegram
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.ops.fault_injection import FaultBook
from foundation.sealed import Sealed
from tests.fakes import own_page
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.telegram import server, state
from tests.fakes.telegram.join_requests import request_to_join
from tests.fakes.telegram.server import TelegramServer as TelegramNetwork
from tests.fakes.telegram.stars import Stars

_numbers = count(1)


@dataclass
class SandboxFake:
    """The sandbox, limited to one account."""

    network: RunningSandbox
    account: str
    chat: bool

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        kind = "messages" if self.chat and on == "posts" else on
        self.network.fault(mode, account=self.account, on=kind, **more)

    def _kept(self) -> list[Mapping[str, Any]]:
        truth = self.network.truth(self.account)
        return (
            [m for m in truth["messages"] if m["author"] == "creator"]
            if self.chat
            else truth["posts"]
        )

    def accepted_posts(self) -> list[tuple[str, str]]:
        return [(entry["id"], entry["text"]) for entry in self._kept()]

    def live_post_ids(self) -> set[str]:
        return {entry["id"] for entry in self._kept() if entry["deleted_at"] is None}

    def follow(self, many: int) -> None:
        assert (
            self.network.json(
                "POST", f"/control/followers/{quote(self.account)}", {"followers": many}
            )[0]
            == 200
        )

    def say(self, text: str, post: str) -> str:
        """Comment on a post of the account."""
        body = {"fan": "ann", "post": post, "text": text}
        return str(
            self.network.json("POST", f"/control/remarks/{quote(self.account)}", body)[1]["id"]
        )

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of a post and the number of its media."""
        return next(
            (post["text"], len(post["media"])) for post in self._kept() if post["id"] == native_id
        )

    def under(self, native_id: str) -> str:
        return next(str(post["reply_to"]) for post in self._kept() if post["id"] == native_id)

    def remark_is(self, native_id: str) -> set[str]:
        truth = self.network.json("GET", f"/control/remarks/{quote(self.account)}")[1]
        (one,) = (each for each in truth["remarks"] if each["id"] == native_id)
        away = {"blocked"} if one["fan"] in truth["kept_away"] else set()
        liked = "liked" if one["liked"] else "unliked"
        return {one["state"], liked, *away, *(("reported",) if one["reported"] else ())}

    def requests(self) -> list[Mapping[str, Any]]:
        path = f"/control/record?account={self.account.replace('+', '%2B')}"
        record: list[Mapping[str, Any]] = self.network.json("GET", path)[1]["record"]
        return record


@dataclass
class PageFake:
    """The own page, limited to one creator."""

    page: own_page.OwnPage
    account: str

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.page.book.schedule_fault(
            mode, account=self.account, on="posts" if on == "edits" else on, **more
        )

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of an item and the number of its files."""
        item = self.page.items[self.account, native_id] or {}
        return str(item.get("text", "")), len(item.get("media", ()))

    def accepted_posts(self) -> list[tuple[str, str]]:
        """Return items, not requests: a PUT of the same ID may be repeated by contract."""
        mine = {place: item for place, item in self.page.items.items() if place[0] == self.account}
        texts = [
            json.loads(body)["text"] for account, body in self.page.puts if account == self.account
        ]
        return [(place[1], item["text"] if item else texts[-1]) for place, item in mine.items()]

    def live_post_ids(self) -> set[str]:
        return {
            place[1] for place, item in self.page.items.items() if place[0] == self.account and item
        }

    def requests(self) -> list[Mapping[str, Any]]:
        return [
            entry for entry in self.page.book.list_requests() if entry["account"] == self.account
        ]


@dataclass
class TelegramFake:
    """Telegram, limited to one bot."""

    network: TelegramNetwork
    bot: state.Bot

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.network.book.schedule_fault(mode, account=str(self.bot.id), on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        assert not self.network.world.checks.broken, self.network.world.checks.broken
        return list(self.bot.wire)

    def live_post_ids(self) -> set[str]:
        chats = (*self.network.world.channels.values(), *self.bot.chats.values())
        gone = {(str(chat.id), str(number)) for chat in chats for number in chat.deleted}
        sent = {native_id: native_id.partition("/") for native_id, _ in self.bot.wire}
        return {
            one
            for one, (chat, _, ids) in sent.items()
            if any((chat, id_) not in gone for id_ in ids.split(","))
        }

    def shown(self, native_id: str) -> set[tuple[str, bool]]:
        """Return the text of every message of a copy, and True for each that is a picture."""
        chat_id, _, numbers = native_id.partition("/")
        chats = (*self.network.world.channels.values(), *self.bot.chats.values())
        chat = next(one for one in chats if one.id == int(chat_id))
        told = [chat.messages[int(number)] for number in numbers.split(",")]
        return {(one.get("caption", one.get("text", "")), "photo" in one) for one in told}

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of a post and the number of its pictures."""
        told = self.shown(native_id)
        pictures = len(native_id.split(",")) if any(picture for _, picture in told) else 0
        return next((words for words, _ in told if words), ""), pictures

    def priced(self, native_id: str) -> int | None:
        """Return the price of a message in Stars, or None."""
        chat_id, _, number = native_id.partition("/")
        chats = (*self.network.world.channels.values(), *self.bot.chats.values())
        told = next(one for one in chats if one.id == int(chat_id)).messages[
            int(number.partition(",")[0])
        ]
        return told["paid_media"]["star_count"] if "paid_media" in told else None

    def requests(self) -> list[Mapping[str, Any]]:
        return [
            entry
            for entry in self.network.book.list_requests()
            if entry["account"] == str(self.bot.id)
        ]

    def hooked(self) -> tuple[str, str]:
        """Return the URL of the bot's webhook and its secret."""
        return self.bot.hook.get("url", ""), self.bot.hook.get("secret", "")

    def call(self, text: str) -> object:
        """Write to the bot as a fan."""
        return self.network.world.say(self.bot, "leo", text)


@dataclass
class RunningFakes:
    """The running fakes of a test run."""

    network: RunningSandbox
    page: own_page.OwnPage
    page_url: str
    page_clock: AdjustableClock
    http: HttpClient
    telegram: TelegramNetwork
    others: dict[str, Callable[[], ConnectorWorld]] = field(default_factory=dict)
    """Factories of the worlds of other platforms, by kind."""
    calm: list[Callable[[], None]] = field(default_factory=list)
    """Functions that clear the faults of the other platforms."""
    on_network: bool = False

    def world(self, kind: str) -> ConnectorWorld:
        """Create a new world of a kind."""
        if kind.startswith("telegram"):
            return self._telegram(kind)
        if kind in self.others:
            return self.others[kind]()
        return self._own_page() if kind == "own_page" else self._sandbox(kind)

    def clear(self) -> None:
        """Clear all faults. The sandbox is cleared over HTTP, and only if the test used it."""
        if self.on_network:
            self.network.clear()
        self.on_network = False
        self.page.book.clear_faults()
        self.telegram.book.clear_faults()
        for each in self.calm:
            each()

    def _telegram(self, kind: str) -> ConnectorWorld:
        chat, number = kind == "telegram_chat", next(_numbers)
        bot = self.telegram.world.bot(f"bot{number}")
        channel = self.telegram.world.channel(
            f"Channel {number}", username=f"channel{number}", post=bot
        )
        channel.doors.add(bot.id)
        mia, max_ = self.telegram.world.person("mia"), self.telegram.world.person("max")
        request_to_join(self.telegram.world, bot, channel, "mia")
        if chat:
            self.telegram.world.say(bot, "leo", "/start")
        fake = TelegramFake(self.telegram, bot)
        return ConnectorWorld(
            name=kind,
            connector=Telegram(),
            account=AccountTarget(
                TEST_TENANT, uuid7(), bot.username, self.telegram.url, Sealed(bot.token.encode())
            ),
            fake=fake,
            shown=fake.shown,
            says=fake.says,
            priced=fake.priced,
            surface="telegram.bot_dm" if chat else "telegram.public_channel",
            transport=conformance_transport(self.http),
            clock=self.telegram.clock,
            viewer=str(self.telegram.world.person("leo").id) if chat else "",
            destination="" if chat else str(channel.id),
            can_look=False,
            lags=False,
            counts="",
            address=None
            if chat
            else lambda native_id: f"https://t.me/channel{number}/{native_id.partition('/')[2]}",
            elsewhere=("https://t.me/somebody/1", f"https://t.me/channel{number}"),
            named_on="",
            followers=None if chat else channel.fill,
            hooks=WorldWebhook(fake.hooked, fake.call) if chat else None,
            moved=(lambda minor: Stars(self.telegram.world, bot).charge("leo", minor, "an order"))
            if chat
            else None,
            roles=WorldRoles(
                str(channel.id),
                str(mia.id),
                str(max_.id),
                lambda: mia.id in channel.members,
                "doors",
            ),
            flags=("has_spoiler=true", "protect_content=true"),
            told=lambda wire: (
                wire.get("has_spoiler") is True and wire.get("protect_content") is True
            ),
            flagged_media=1,
        )

    def _sandbox(self, kind: str) -> ConnectorWorld:
        chat, name = kind.startswith("chat"), f"w{next(_numbers)}{SUFFIXES[kind]}"
        self.on_network = True
        self.network.account(name)
        if chat:
            self.network.fan(name, "leo", "message", text="hi")
        token = Sealed(self.network.tokens[name].encode())
        fake = SandboxFake(self.network, name, chat)
        return ConnectorWorld(
            name=kind,
            connector=Sandbox(),
            account=AccountTarget(TEST_TENANT, uuid7(), name, self.network.url, token),
            fake=fake,
            address=None if chat else lambda native_id: f"{self.network.url}/t/{name}/{native_id}",
            elsewhere=(f"{self.network.url}/t/{name}", f"{self.network.url}/t/somebody/p1"),
            followers=fake.follow,
            remark=None if chat else fake.say,
            says=fake.says,
            stands_under=fake.under,
            remark_is=fake.remark_is,
            surface="sandbox.chat" if chat else "sandbox.post",
            transport=conformance_transport(self.http),
            clock=self.network.clock,
            viewer="leo" if chat else "",
            can_look=kind != "chat_nolook",
        )

    def _own_page(self) -> ConnectorWorld:
        name = f"creator-{next(_numbers)}"
        return ConnectorWorld(
            name="own_page",
            connector=OwnPage(),
            account=AccountTarget(
                TEST_TENANT, uuid7(), name, self.page_url, Sealed(self.page.token.encode())
            ),
            fake=(fake := PageFake(self.page, name)),
            address=lambda native_id: f"http://page/{name}/p/{native_id}",
            elsewhere=("http://page/", f"http://page/{name}"),
            says=fake.says,
            surface="own_page.public",
            transport=conformance_transport(self.http),
            clock=self.page_clock,
            lags=False,
        )


SUFFIXES = {"post": "", "post_key": "+key", "chat": "", "chat_nolook": "-nolook"}
KINDS = (
    *SUFFIXES,
    "own_page",
    "telegram_channel",
    "telegram_chat",
    "discord",
    "discord_dm",
    "bluesky",
    "bluesky_chat",
    "bluesky_film",
    "facebook",
    "facebook_chat",
    "facebook_film",
    "fanvue",
    "fanvue_chat",
    "fanvue_film",
    "fanvue_locked",
    "fanvue_locked_slow",
    "fanvue_slow",
    "instagram",
    "instagram_chat",
    "instagram_film",
    "mastodon",
    "mastodon_chat",
    "mastodon_chat_fork",
    "mastodon_film",
    "mastodon_fork",
    "reddit",
    "reddit_chat",
    "reddit_film",
    "reddit_picture",
    "threads",
    "threads_film",
    "tiktok",
    "tiktok_slow",
    "x",
    "x_chat",
    "x_film",
    "x_new",
    "x_old",
    "youtube",
)


@contextmanager
def fakes(folder: Path) -> Iterator[RunningFakes]:
    """Start all fakes."""
    clock = AdjustableClock()
    page = own_page.OwnPage("house-token", FaultBook(clock=clock))
    with (
        network(folder / "sandbox.sqlite") as running,
        serve_app(own_page.create_app(page)) as url,
        server.network() as bots,
    ):
        http = HttpClient()
        yield RunningFakes(running, page, url, clock, http, bots)
        http.close()
