"""TikTok's world: one creator, with a token they gave an application; each unit has a film."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.suite.world import TENANT, World, stored, transport
from connectors.tiktok import AI, TikTok
from connectors.tiktok_account import SURFACE, Spot
from connectors.tiktok_upload import LEAST
from connectors.transport import Account
from foundation.http import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.tiktok import FakeTikTok, Member
from tests.fakes.tiktok_world import EVERYBODY

FILM = stored(b"\0\0\0\x18ftypmp42" + bytes(2 * LEAST + 1000), "video/mp4", "waves on a beach")
"""Of two parts: the second, which has the rest, publishes it."""

_numbers = count(1)


@dataclass
class TikTokFake:
    """TikTok, seen from one creator; the record of requests names none, so it begins with this world."""

    server: FakeTikTok
    member: Member
    after: int

    def ask(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.ask(mode, on=on, **more)

    def taken(self) -> list[tuple[str, str]]:
        """By their numbers, and those that are not public by the names that TikTok gave them before: they have no
        other."""
        return [(self._name(number), title) for number, title in self.member.taken]

    def standing(self) -> set[str]:
        return {self._name(number) for number in self.member.posts}

    def _name(self, number: str) -> str:
        one = next(each for each in self.member.made if each.id == number)
        return number if one.privacy == EVERYBODY else one.publish_id

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.record(after=self.after))


def world(server: FakeTikTok, http: HttpClient, *, slow: float = 0.0) -> World:
    """A fresh one. `slow`: TikTok works through a film for so many seconds before anybody sees it."""
    server.processing_seconds = slow
    server.kinds["creator_info"] = "checks"  # what is asked before is no look
    member = server.account(f"w{next(_numbers)}")
    account = Spot(member.open_id, "PUBLIC_TO_EVERYONE").account
    past = server.book.record()

    return World(
        name="tiktok",
        connector=TikTok(),
        account=Account(TENANT, uuid7(), account, server.url, Sealed(member.token.encode())),
        fake=TikTokFake(server, member, past[-1]["id"] if past else 0),
        surface=SURFACE,
        transport=transport(http),
        clock=server.clock,
        address=lambda made: f"https://www.tiktok.com/@{member.username}/video/{made}?lang=fr",
        elsewhere=(f"https://www.tiktok.com/@{member.username}", "https://www.tiktok.com/@somebody/video/1"),
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
