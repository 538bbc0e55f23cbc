"""Fanvue test worlds: one creator with a token of an application, and their messages with one fan."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import (
    TEST_TENANT,
    ConnectorWorld,
    SignedCall,
    conformance_transport,
)
from connectors.contract.connector import OAuthClient, RefreshGrant
from connectors.platforms.fanvue.account import CHAT_SURFACE, SURFACE
from connectors.platforms.fanvue.publisher import SUBSCRIBERS_MARK, Fanvue
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.money import Money
from foundation.sealed import Sealed
from tests.connectors.conformance.worlds.instagram_world import MEDIA
from tests.connectors.conformance.worlds.youtube_world import FILM
from tests.fakes.fanvue.oauth import signature
from tests.fakes.fanvue.server import FakeFanvue, Member
from tests.fakes.fanvue.state import Fan
from tests.fakes.fanvue.webhooks import Events

_numbers = count(1)
BACK = "https://house.example/auth/account"


@dataclass
class FanvueFake:
    """Fanvue, limited to one account. Recorded requests name no account, so the record starts with
    this world."""

    server: FakeFanvue
    member: Member
    after: int
    fan: Fan | None = None

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(
            mode, on="messages" if self.fan and on == "posts" else on, **more
        )

    def accepted_posts(self) -> list[tuple[str, str]]:
        return list(self.member.sent if self.fan else self.member.taken)

    def live_post_ids(self) -> set[str]:
        return (
            {one.id for one in self.member.chats[self.fan.id]}
            if self.fan
            else set(self.member.posts)
        )

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))

    def priced(self, native_id: str) -> int | None:
        if self.fan is None:
            return self.member.posts[native_id].price
        return next(one.price for one in self.member.chats[self.fan.id] if one.id == native_id)


def pay_tip(server: FakeFanvue, member: Member, minor: int) -> None:
    """Pay a tip as a fan; the platform retains a fifth."""
    server.till.earn(member, minor, minor * 4 // 5, "tip", server.fan("tipper", member))


def issue_tokens(server: FakeFanvue, member: Member) -> RefreshGrant:
    """Issue the tokens that an application gets after the creator's consent."""
    app = server.oauth.application(BACK)
    told = server.oauth.granted(app, member)
    client = OAuthClient(app.client_id, Sealed(app.secret.encode()))
    return RefreshGrant(member.id, Sealed(told["refresh_token"].encode()), client)


class CapturedEvents(Events):
    """Webhook events that are stored instead of sent."""

    body: bytes = b""

    def send(self, event: Mapping[str, Any]) -> None:
        self.body = json.dumps(event).encode()


def capture_call(server: FakeFanvue, member: Member) -> SignedCall:
    """Send a message as a fan and return the webhook call it causes."""
    app = server.oauth.application(BACK)
    events = CapturedEvents(server, app)
    events.says(server.fan("caller", member), member, "hello")
    header = signature(app.signing, int(server.clock().timestamp()), events.body)
    return SignedCall(header, events.body, app.signing)


def create_world(
    server: FakeFanvue,
    http: HttpClient,
    *,
    slow: int = 0,
    delete_status: int = 204,
    film: bool = False,
) -> ConnectorWorld:
    """Create a new world. `slow`: status requests until pictures are ready; `delete_status`: status
    of the response to a deletion; `film`: with a video in place of pictures."""
    server.slow, server.delete_status = slow, delete_status
    member = server.account(f"w{next(_numbers)}")
    past = server.book.list_requests()
    fake = FanvueFake(server, member, past[-1]["id"] if past else 0)
    return ConnectorWorld(
        name="fanvue",
        connector=Fanvue(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), member.id, server.url, Sealed(member.token.encode())
        ),
        fake=fake,
        surface=SURFACE,
        transport=conformance_transport(http),
        clock=server.clock,
        address=lambda number: f"https://www.fanvue.com/{member.username}/posts/{number}",
        elsewhere=(
            f"https://www.fanvue.com/{member.username}",
            f"https://www.fanvue.com/posts/{uuid7()}",
        ),
        named_on="metrics",
        counts="likes",
        followers=partial(setattr, member, "followers"),
        followers_on="checks",
        earned=lambda minor: pay_tip(server, member, minor),
        priced=fake.priced,
        flags=(SUBSCRIBERS_MARK,),
        told=lambda wire: wire.get("audience") == "subscribers",
        name_of=lambda medium: server.named[medium.sha256],
        grants=partial(issue_tokens, server, member),
        calls=partial(capture_call, server, member),
        keyed=False,
        media=(FILM,) if film else MEDIA,
    )


def create_chat_world(server: FakeFanvue, http: HttpClient) -> ConnectorWorld:
    """Create a world for messages, which carry no marks."""
    made = create_world(server, http)
    assert isinstance(made.fake, FanvueFake)
    made.fake.fan = server.fan("leo", made.fake.member)
    made.name, made.surface, made.viewer = "fanvue_chat", CHAT_SURFACE, made.fake.fan.id
    made.address = None
    made.counts, made.flags = "", ()
    made.told = lambda wire: {"text"} <= wire.keys() <= {"text", "mediaUuids", "price"}
    return made


def create_locked_world(server: FakeFanvue, http: HttpClient, *, slow: int = 0) -> ConnectorWorld:
    """Create a world in which every message is priced. `slow` as in `create_world`."""
    made = create_chat_world(server, http)
    fake = made.fake
    assert isinstance(fake, FanvueFake)
    server.slow = slow
    made.name, made.media, made.least_media, made.price = (
        "fanvue_locked",
        MEDIA,
        1,
        Money(500, "USD"),
    )
    made.told = lambda wire: wire.keys() == {"text", "mediaUuids", "price"}
    made.bought = lambda native_id: server.buys(fake.member, native_id)
    return made
