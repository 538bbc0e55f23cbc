"""Mastodon test world: one account on a server, with a token created there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import (
    TEST_TENANT,
    ConnectorWorld,
    conformance_transport,
    stored_picture,
)
from connectors.platforms.mastodon.account import CHAT_SURFACE, SURFACE
from connectors.platforms.mastodon.publisher import SENSITIVE_MARK, WARNING_MARK, Mastodon
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.connectors.conformance.worlds.instagram_world import MEDIA
from tests.fakes.mastodon import chats
from tests.fakes.mastodon.server import FakeMastodon, Member

_numbers = count(1)


@dataclass
class MastodonFake:
    """The server, limited to one account. Recorded requests name no account, so the record starts
    with this world."""

    server: FakeMastodon
    member: Member
    after: int
    stranger: Member
    chat: bool = False

    def say(self, text: str, post: str) -> str:
        """Reply to a post of the account and mention it."""
        said = {"status": f"@{self.member.username} {text}", "in_reply_to_id": post}
        self.server.check_above(self.stranger, said)
        return self.server.publish(self.stranger, said, "").id

    def under(self, native_id: str) -> str:
        """Return the post that a post of the account replies to."""
        above = self.member.statuses[native_id].in_reply_to
        return above.id if above is not None else ""

    def remark_is(self, native_id: str) -> set[str]:
        reported = {
            one
            for who, told in self.server.reports
            if who == self.member.id
            for one in told["status_ids"]
        }
        blocked = self.stranger.id in self.member.blocks
        liked = "liked" if native_id in self.member.likes else "unliked"
        return {
            "shown",
            liked,
            *(("blocked",) if blocked else ()),
            *(("reported",) if native_id in reported else ()),
        }

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(mode, on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        if self.chat:  # without the leading mention of the recipient
            return [(number, text.partition(" ")[2]) for number, text in self.member.taken]
        return list(self.member.taken)

    def live_post_ids(self) -> set[str]:
        return set(self.member.statuses)

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of a post and the number of its media."""
        found = self.member.statuses[native_id]
        return found.text, len(found.media)

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


def has_content_warning(wire: Mapping[str, Any]) -> bool:
    """Return True if the post is collapsed behind a content warning."""
    return wire.get("sensitive") is True and bool(wire.get("spoiler_text"))


FILM = stored_picture(b"\0\0\0\x18ftypmp42" + bytes(range(256)), "video/mp4", "waves on a beach")


def create_world(
    server: FakeMastodon,
    http: HttpClient,
    *,
    slow: int = 0,
    ignores_keys: bool = False,
    film: bool = False,
) -> ConnectorWorld:
    """Create a new world. `slow`: status requests until pictures are ready; `ignores_keys`: a
    repeated key creates a second post; `film`: with a video in place of pictures."""
    server.slow, server.ignores_keys = slow, ignores_keys
    number = next(_numbers)
    member, stranger = server.account(f"w{number}"), server.account(f"stranger{number}")
    past = server.book.list_requests()
    account = f"{member.id}@{server.url.partition('://')[2]}"
    fake = MastodonFake(server, member, past[-1]["id"] if past else 0, stranger)
    return ConnectorWorld(
        name="mastodon",
        connector=Mastodon(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), account, server.url, Sealed(member.token.encode())
        ),
        fake=fake,
        surface=SURFACE,
        transport=conformance_transport(http),
        clock=server.clock,
        lags=False,
        address=lambda post: f"{server.url}/@{member.username}/{post}",
        elsewhere=(
            f"{server.url}/@{member.username}",
            f"https://other.example/@{member.username}/1",
        ),
        named_on="metrics",
        says=fake.says,
        counts="likes",
        followers=partial(setattr, member, "followers"),
        followers_on="checks",
        remark=fake.say,
        stands_under=fake.under,
        remark_is=fake.remark_is,
        flags=(SENSITIVE_MARK, WARNING_MARK),
        told=has_content_warning,
        name_of=lambda medium: server.named[medium.sha256],
        keeps=str.strip,
        media=(FILM,) if film else MEDIA,
    )


def create_chat_world(
    server: FakeMastodon, http: HttpClient, *, ignores_keys: bool = False
) -> ConnectorWorld:
    """Create a world for messages to a user who has just written: text only, sent as posts to the
    users they mention."""
    made = create_world(server, http, ignores_keys=ignores_keys)
    fake = made.fake
    assert isinstance(fake, MastodonFake)
    chats.send_message(server, fake.stranger, "hi", fake.member)
    fake.chat = True
    made.name, made.surface, made.viewer = "mastodon_chat", CHAT_SURFACE, fake.stranger.id
    made.address = made.remark = made.says = None
    made.counts, made.flags, made.media = "", (), ()
    made.told, made.keeps = lambda wire: wire.get("visibility") == "direct", str.rstrip
    return made
