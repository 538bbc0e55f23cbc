"""X test world: one account with a token of an application."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import (
    TEST_TENANT,
    ConnectorWorld,
    conformance_transport,
    stored_picture,
)
from connectors.platforms.x.account import CHAT_SURFACE, SURFACE
from connectors.platforms.x.publisher import ADULT, AI, X
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.connectors.conformance.worlds.instagram_world import MEDIA
from tests.fakes.x.server import FakeX, Member
from tests.fakes.x.state import SCOPES

_numbers = count(1)
OF_CHATS = {"posts": "messages", "lookups": "talks"}
"""The fake's names for the suite's request kinds where messages are sent."""


@dataclass
class XFake:
    """X, limited to one account. Recorded requests name no account, so the record starts with this
    world."""

    server: FakeX
    member: Member
    after: int
    chat: bool = False

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(mode, on=OF_CHATS.get(on, on) if self.chat else on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        mine = [one for one in self.server.events if one.sender == self.member.id]
        return [(one.id, one.text) for one in mine] if self.chat else list(self.member.taken)

    def live_post_ids(self) -> set[str]:
        return (
            {number for number, _ in self.accepted_posts()} if self.chat else set(self.member.posts)
        )

    def say(self, text: str, post: str) -> str:
        """Reply to a post of the account."""
        fan = self.server.who(f"fan{self.member.username}") or self.server.account(
            f"fan{self.member.username}"
        )
        return self.server.publish(fan, {"text": text, "reply": {"in_reply_to_tweet_id": post}}).id

    def under(self, native_id: str) -> str:
        parent = self.member.posts[native_id].parent
        return parent.id if parent is not None else ""

    def remark_is(self, native_id: str) -> set[str]:
        said = self.server.seen(native_id)
        return {"hidden" if said.hidden else "shown"} if said is not None else {"deleted"}

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


FILM = stored_picture(b"\0\0\0\x18ftypmp42" + bytes(5 * 2**20), "video/mp4", "waves on a beach")
"""A video of two segments."""


def create_world(
    server: FakeX, http: HttpClient, *, names: str = "both", film: bool = False
) -> ConnectorWorld:
    """Create a new world. `names`: field names of the newest description or of the previous one;
    `film`: with a video in place of pictures."""
    server.names = names
    member = server.account(f"w{next(_numbers)}")
    past = server.book.list_requests()
    fake = XFake(server, member, past[-1]["id"] if past else 0)
    return ConnectorWorld(
        name="x",
        connector=X(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), member.id, server.url, Sealed(member.token.encode())
        ),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        remark_is=fake.remark_is,
        surface=SURFACE,
        transport=conformance_transport(http),
        clock=server.clock,
        address=lambda post: f"https://twitter.com/{member.username}/status/{post}/photo/1",
        elsewhere=(f"https://x.com/{member.username}", f"https://x.com/{member.username}/status/1"),
        named_on="metrics",
        counts="likes",
        followers=partial(setattr, member, "followers"),
        followers_on="checks",
        flags=(ADULT, AI),
        told=lambda wire: wire.get("made_with_ai") is True,
        flagged_media=1,
        name_of=lambda medium: server.named[medium.sha256],
        keeps=str.strip,
        keyed=False,
        twins_after=timedelta(hours=25),
        media=(FILM,) if film else MEDIA,
    )


def create_chat_world(server: FakeX, http: HttpClient) -> ConnectorWorld:
    """Create a world for messages to a user who has just written: text only, without a key, and
    visible to their recipient after removal."""
    made = create_world(server, http)
    fake = made.fake
    assert isinstance(fake, XFake)
    reader = server.account(f"reader{fake.member.username}")
    fake.member.scopes = (*SCOPES, "dm.read", "dm.write")
    server.says(reader, fake.member, text="hi")
    fake.chat = True
    made.name, made.surface, made.viewer = "x_chat", CHAT_SURFACE, reader.id
    made.address = made.remark = None
    made.counts, made.flags, made.media = "", (), ()
    made.told, made.keeps = lambda wire: wire.keys() == {"text"}, str
    return made
