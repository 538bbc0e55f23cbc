"""TikTok test world: one creator with a token of an application; every unit has a video."""

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
from connectors.platforms.tiktok.account import SURFACE, PostingAccount
from connectors.platforms.tiktok.media import MIN_PART_BYTES
from connectors.platforms.tiktok.publisher import AI, TikTok
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.tiktok.server import FakeTikTok, Member
from tests.fakes.tiktok.state import EVERYBODY

FILM = stored_picture(
    b"\0\0\0\x18ftypmp42" + bytes(2 * MIN_PART_BYTES + 1000), "video/mp4", "waves on a beach"
)
"""A video of two parts; the second contains the remainder and publishes the video."""

_numbers = count(1)


@dataclass
class TikTokFake:
    """TikTok, limited to one creator. Recorded requests name no creator, so the record starts with
    this world."""

    server: FakeTikTok
    member: Member
    after: int

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(mode, on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        """Return public posts by their numbers, and others by their publish IDs, the only names
        they have."""
        return [(self._name(number), title) for number, title in self.member.taken]

    def live_post_ids(self) -> set[str]:
        return {self._name(number) for number in self.member.posts}

    def _name(self, number: str) -> str:
        one = next(each for each in self.member.made if each.id == number)
        return number if one.privacy == EVERYBODY else one.publish_id

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


def create_world(server: FakeTikTok, http: HttpClient, *, slow: float = 0.0) -> ConnectorWorld:
    """Create a new world. `slow`: seconds TikTok processes a video before it is visible."""
    server.processing_seconds = slow
    server.kinds["creator_info"] = "checks"  # the query before a post is not a lookup
    member = server.account(f"w{next(_numbers)}")
    account = PostingAccount(member.open_id, "PUBLIC_TO_EVERYONE").account
    past = server.book.list_requests()

    return ConnectorWorld(
        name="tiktok",
        connector=TikTok(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), account, server.url, Sealed(member.token.encode())
        ),
        fake=TikTokFake(server, member, past[-1]["id"] if past else 0),
        surface=SURFACE,
        transport=conformance_transport(http),
        clock=server.clock,
        address=lambda made: f"https://www.tiktok.com/@{member.username}/video/{made}?lang=fr",
        elsewhere=(
            f"https://www.tiktok.com/@{member.username}",
            "https://www.tiktok.com/@somebody/video/1",
        ),
        take_down=partial(server.takes_down, member),
        counts="views",
        followers=partial(setattr, member, "followers"),
        flags=(AI,),
        told=lambda wire: wire.get("post_info", {}).get("is_aigc") is True,
        keyed=False,
        chooses={"readers": tuple(member.options)},
        media=(FILM,),
        least_media=1,
    )
