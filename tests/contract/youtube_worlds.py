"""YouTube's world: one channel, with a token its owner gave an application; each unit has a film."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.suite.world import TENANT, World, stored, transport
from connectors.transport import Account
from connectors.youtube import AI, YouTube
from connectors.youtube_account import SURFACE
from connectors.youtube_upload import CHUNK
from foundation.http import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.google import FakeYouTube, Member

FILM = stored(b"\0\0\0\x18ftypmp42" + bytes(CHUNK + 1000), "video/mp4", "waves on a beach")
"""Of two parts."""

_numbers = count(1)


@dataclass
class YouTubeFake:
    """YouTube, seen from one channel; the record of requests names none, so it begins with this world."""

    server: FakeYouTube
    member: Member
    after: int

    def ask(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.ask(mode, on=on, **more)

    def taken(self) -> list[tuple[str, str]]:
        return list(self.member.taken)

    def standing(self) -> set[str]:
        return set(self.member.posts)

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.record(after=self.after))


def world(server: FakeYouTube, http: HttpClient) -> World:
    """A fresh one."""
    member = server.account(f"w{next(_numbers)}")
    past = server.book.record()
    return World(
        name="youtube",
        connector=YouTube(),
        account=Account(TENANT, uuid7(), member.channel_id, server.url, Sealed(member.token.encode())),
        fake=YouTubeFake(server, member, past[-1]["id"] if past else 0),
        surface=SURFACE,
        transport=transport(http),
        clock=server.clock,
        counts="views",
        followers=partial(setattr, member, "subscribers"),
        flags=(AI,),
        told=lambda wire: wire.get("status", {}).get("containsSyntheticMedia") is True,
        name_of=lambda medium: server.named[medium.sha256],
        keyed=False,
        media=(FILM,),
        least_media=1,
        title="Un lac",
    )
