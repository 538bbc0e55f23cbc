"""YouTube test world: one channel with a token of an application; every unit has a video."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import (
    TEST_PICTURES,
    TEST_TENANT,
    ConnectorWorld,
    conformance_transport,
    stored_picture,
)
from connectors.platforms.youtube.account import SURFACE
from connectors.platforms.youtube.media import CHUNK
from connectors.platforms.youtube.publisher import AI, YouTube
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.youtube.comments import HELD, PUBLIC, REJECTED, Comment
from tests.fakes.youtube.server import FakeYouTube, Member

FILM = stored_picture(b"\0\0\0\x18ftypmp42" + bytes(CHUNK + 1000), "video/mp4", "waves on a beach")
"""A video of two parts."""

_numbers = count(1)


@dataclass
class YouTubeFake:
    """YouTube, limited to one channel. Recorded requests name no channel, so the record starts with
    this world."""

    server: FakeYouTube
    member: Member
    after: int

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(mode, on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        return list(self.member.taken) + [
            (f"comment:{one.id}", one.text) for one in self._answers()
        ]

    def live_post_ids(self) -> set[str]:
        return set(self.member.posts) | {
            f"comment:{one.id}" for one in self._answers() if not one.deleted
        }

    def _answers(self) -> list[Comment]:
        every = self.server.comments.every.values()
        return [one for one in every if one.author == self.member.channel_id]

    def say(self, text: str, film: str) -> str:
        """Comment on a video of the channel."""
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
        return list(self.server.book.list_requests(after=self.after))


def create_world(server: FakeYouTube, http: HttpClient) -> ConnectorWorld:
    """Create a new world."""
    member = server.account(f"w{next(_numbers)}")
    past = server.book.list_requests()
    fake = YouTubeFake(server, member, past[-1]["id"] if past else 0)
    return ConnectorWorld(
        name="youtube",
        connector=YouTube(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), member.channel_id, server.url, Sealed(member.token.encode())
        ),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        closes=server.comments.closed.add,
        remark_is=fake.remark_is,
        surface=SURFACE,
        transport=conformance_transport(http),
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
        lags=False,  # a video is looked up by its ID
        media=(FILM, TEST_PICTURES[0]),
        least_media=1,
        title="Un lac",
    )
