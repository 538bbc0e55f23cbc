"""Bluesky test world: one account on a personal data server, with session tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import (
    TEST_OBJECTS,
    TEST_PICTURES,
    TEST_TENANT,
    ConnectorWorld,
    conformance_transport,
)
from connectors.platforms.bluesky import record
from connectors.platforms.bluesky.account import CHAT_SURFACE
from connectors.platforms.bluesky.publisher import Bluesky
from connectors.platforms.bluesky.record import record_key
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import PlatformOption, Text, Unit
from tests.connectors.conformance.worlds.mastodon_world import FILM
from tests.fakes.bluesky import chats, comments
from tests.fakes.bluesky.server import FakeBluesky, Repo, cid

_numbers = count(1)


@dataclass
class BlueskyFake:
    """The server, limited to one account. Recorded requests name no account, so the record starts
    with this world."""

    server: FakeBluesky
    repo: Repo
    after: int
    stranger: Repo
    chat: bool = False

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        """Most actions write a record, as a post does; their JSON body distinguishes them from the
        lookups before them."""
        if on == "moderation":
            self.server.book.schedule_fault(mode, match="{", **more)
        else:
            self.server.book.schedule_fault(
                mode, on="messages" if self.chat and on == "posts" else on, **more
            )

    def say(self, text: str, post: str) -> str:
        """Reply to a post of the account as another user."""
        return comments.say(self.server, self.stranger, text, under=post)

    def under(self, native_id: str) -> str:
        """Return the post that a post of the account replies to."""
        record = dict(self.repo.taken)[native_id]
        return str(record.get("reply", {}).get("parent", {}).get("uri", ""))

    def remark_is(self, native_id: str) -> set[str]:
        record = comments.found(self.server, native_id) or {}
        gate = comments.gate_of(self.server, comments.root_of(native_id, record))
        told = {each["subject"]["uri"] for did, each in self.server.reports if did == self.repo.did}
        blocked = comments.blocks(self.repo, self.stranger.did)
        stands = "hidden" if native_id in gate.get("hiddenReplies", ()) else "shown"
        liked = "liked" if comments.likes(self.repo, native_id) else "unliked"
        return {
            stands,
            liked,
            *(("blocked",) if blocked else ()),
            *(("reported",) if native_id in told else ()),
        }

    def accepted_posts(self) -> list[tuple[str, str]]:
        if self.chat:
            convo = self.server.chats.between(self.repo.did, self.stranger.did)
            return [(one.id, one.text) for one in convo.said if one.by == self.repo.did]
        return [(uri, record["text"]) for uri, record in self.repo.taken]

    def live_post_ids(self) -> set[str]:
        if self.chat:
            return {number for number, _ in self.accepted_posts()}
        return {uri for uri, _ in self.repo.taken if uri.rpartition("/")[2] in self.repo.records}

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


def has_labels(wire: Mapping[str, Any]) -> bool:
    """Return True if the record carries its self-labels."""
    labels = wire["record"].get("labels", {})
    return bool(labels.get("values") == [{"val": "porn"}])


def apply_card_option(unit: Unit, option: str) -> Unit:
    """Give a post with a card option a link, and a post with a card text a title as well."""
    if option not in (record.CARD_TITLE_OPTION, record.CARD_TEXT_OPTION):
        return unit
    title = (
        ()
        if option == record.CARD_TITLE_OPTION
        else (PlatformOption(record.CARD_TITLE_OPTION, ("A page",), read=True),)
    )
    linked = Text("body", f"{unit.text_of('body')} https://example.org/page")
    return replace(unit, texts=(linked,), options=(*unit.options, *title), media=unit.media[:1])


def create_world(server: FakeBluesky, http: HttpClient, *, film: bool = False) -> ConnectorWorld:
    """Create a new world. `film`: with a video in place of pictures."""
    number = next(_numbers)
    repo, connector = server.account(f"w{number}.bsky.social"), Bluesky()
    access, refresh = server.sessions.start(repo.did)
    server.sessions.access[access].ends_at += timedelta(
        days=30
    )  # tokens are renewed by the application, not by the connector
    past = server.book.list_requests()
    account = AccountTarget(
        TEST_TENANT,
        uuid7(),
        repo.did,
        server.url,
        Sealed(access.encode()),
        Sealed(refresh.encode()),
    )
    stranger = server.account(f"stranger{number}.bsky.social")
    fake = BlueskyFake(server, repo, past[-1]["id"] if past else 0, stranger)
    return ConnectorWorld(
        name="bluesky",
        connector=connector,
        account=account,
        fake=fake,
        surface="bluesky.post",
        transport=conformance_transport(http),
        clock=server.clock,
        lags=False,
        address=lambda uri: f"https://bsky.app/profile/{repo.did}/post/{uri.rpartition('/')[2]}",
        elsewhere=(
            f"https://bsky.app/profile/{repo.did}",
            f"https://bsky.app/profile/{stranger.did}/post/3k",
        ),
        counts="likes",
        followers=partial(setattr, repo, "followers"),
        remark=fake.say,
        stands_under=fake.under,
        remark_is=fake.remark_is,
        beside=apply_card_option,
        flags=("selfLabels=porn",),
        told=has_labels,
        key=lambda: record_key(str(uuid7()), server.clock()),
        name_of=lambda medium: cid(TEST_OBJECTS[medium.sha256], raw=True),
        media=(FILM,) if film else TEST_PICTURES,
    )


def create_chat_world(server: FakeBluesky, http: HttpClient) -> ConnectorWorld:
    """Create a world for messages: text only, without a key of ours, and visible to their recipient
    after removal."""
    made = create_world(server, http)
    fake = made.fake
    assert isinstance(fake, BlueskyFake)
    chats.send_message(server, fake.stranger, fake.repo, "hi")
    fake.chat = True
    made.name, made.surface, made.viewer = "bluesky_chat", CHAT_SURFACE, fake.stranger.did
    made.address = made.remark = None
    made.counts, made.flags, made.media, made.keyed = "", (), (), False
    made.told = lambda wire: wire.keys() == {"convoId", "message"}
    return made
