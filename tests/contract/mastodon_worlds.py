"""Mastodon's world: one account on a server, with a token somebody made there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.mastodon import SENSITIVE, WARNED, Mastodon
from connectors.mastodon_account import SURFACE
from connectors.suite.world import TENANT, World, stored, transport
from connectors.transport import Account
from foundation.http import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.contract.instagram_worlds import MEDIA
from tests.fakes.mastodon import FakeMastodon, Member

_numbers = count(1)


@dataclass
class MastodonFake:
    """The server, seen from one account; the record of requests names no account, so it begins with this world."""

    server: FakeMastodon
    member: Member
    after: int

    def ask(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.ask(mode, on=on, **more)

    def taken(self) -> list[tuple[str, str]]:
        return list(self.member.taken)

    def standing(self) -> set[str]:
        return set(self.member.statuses)

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.record(after=self.after))


def told(wire: Mapping[str, Any]) -> bool:
    """Whether the post is folded up behind a warning."""
    return wire.get("sensitive") is True and bool(wire.get("spoiler_text"))


FILM = stored(b"\0\0\0\x18ftypmp42" + bytes(range(256)), "video/mp4", "waves on a beach")


def world(
    server: FakeMastodon, http: HttpClient, *, slow: int = 0, ignores_keys: bool = False, film: bool = False
) -> World:
    """A fresh one. `slow`: pictures take so many questions; `ignores_keys`: a repeat makes a second post; `film`: one
    stands in the place of pictures."""
    server.slow, server.ignores_keys = slow, ignores_keys
    member = server.account(f"w{next(_numbers)}")
    past = server.book.record()
    account = f"{member.id}@{server.url.partition('://')[2]}"
    return World(
        name="mastodon",
        connector=Mastodon(),
        account=Account(TENANT, uuid7(), account, server.url, Sealed(member.token.encode())),
        fake=MastodonFake(server, member, past[-1]["id"] if past else 0),
        surface=SURFACE,
        transport=transport(http),
        clock=server.clock,
        lags=False,
        counts="likes",
        followers=partial(setattr, member, "followers"),
        followers_on="checks",
        flags=(SENSITIVE, WARNED),
        told=told,
        name_of=lambda medium: server.named[medium.sha256],
        keeps=str.strip,
        media=(FILM,) if film else MEDIA,
    )
