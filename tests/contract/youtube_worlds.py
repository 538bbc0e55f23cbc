"""YouTube's world: one channel, with a token its owner gave an application; each unit has a film."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.suite.world import MEDIA, TENANT, World, stored, transport
from connectors.transport import Account
from connectors.youtube import AI, YouTube
from connectors.youtube_account import SURFACE
from connectors.youtube_upload import CHUNK
from foundation.http import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.google import FakeYouTube, Member
from tests.fakes.google_remarks import HELD, PUBLIC, REJECTED, Comment

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
        return list(self.member.taken) + [(f"comment:{one.id}", one.text) for one in self._answers()]

    def standing(self) -> set[str]:
        return set(self.member.posts) | {f"comment:{one.id}" for one in self._answers() if not one.deleted}

    def _answers(self) -> list[Comment]:
        every = self.server.comments.every.values()
        return [one for one in every if one.author == self.member.channel_id]

    def say(self, text: str, film: str) -> str:
        """Somebody says something under a film of the channel."""
        return self.server.comments.say(self.member.videos[film], text, by="ann").id

    def under(self, native_id: str) -> str:
        one = self.server.comments.every[native_id.removeprefix("comment:")]
        return one.parent or one.video.id

    def remark_is(self, native_id: str) -> set[str]:
        one = self.server.comments.every[native_id]
        kept_away = (self.member.channel_id, one.author) in self.server.comments.banned
        state = {PUBLIC: "shown", HELD: "hidden", REJECTED: "deleted"}[one.status]
        return {state, *(("blocked",) if kept_away else ())}

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.record(after=self.after))


def world(server: FakeYouTube, http: HttpClient) -> World:
    """A fresh one."""
    member = server.account(f"w{next(_numbers)}")
    past = server.book.record()
    fake = YouTubeFake(server, member, past[-1]["id"] if past else 0)
    return World(
        name="youtube",
        connector=YouTube(),
        account=Account(TENANT, uuid7(), member.channel_id, server.url, Sealed(member.token.encode())),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        closes=server.comments.closed.add,
        remark_is=fake.remark_is,
        surface=SURFACE,
        transport=transport(http),
        clock=server.clock,
        address=lambda film: f"https://m.youtube.com/watch?v={film}&t=3s",
        elsewhere=("https://www.youtube.com/watch", "https://youtu.be/abcdefghijk"),
        named_on="polls",
        counts="views",
        followers=partial(setattr, member, "subscribers"),
        flags=(AI,),
        told=lambda wire: wire.get("status", {}).get("containsSyntheticMedia") is True,
        name_of=lambda medium: server.named[medium.sha256],
        keyed=False,
        lags=False,  # a film is asked after by its number
        media=(FILM, MEDIA[0]),
        least_media=1,
        title="Un lac",
    )
