"""Bluesky's world: one account on a personal data server, with tokens of a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from connectors.bluesky import Bluesky
from connectors.bluesky_record import tid
from connectors.suite.world import MEDIA, OBJECTS, TENANT, World, transport
from connectors.transport import Account
from foundation.http import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.contract.mastodon_worlds import FILM
from tests.fakes.bluesky import FakeBluesky, Repo, cid

_numbers = count(1)


@dataclass
class BlueskyFake:
    """The server, seen from one account; the record of requests names no account, so it begins with this world."""

    server: FakeBluesky
    repo: Repo
    after: int

    def ask(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.ask(mode, on=on, **more)

    def taken(self) -> list[tuple[str, str]]:
        return [(uri, record["text"]) for uri, record in self.repo.taken]

    def standing(self) -> set[str]:
        return {uri for uri, _ in self.repo.taken if uri.rpartition("/")[2] in self.repo.records}

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.record(after=self.after))


def told(wire: Mapping[str, Any]) -> bool:
    """Whether the record's labels say what it is."""
    labels = wire["record"].get("labels", {})
    return bool(labels.get("values") == [{"val": "porn"}])


def world(server: FakeBluesky, http: HttpClient, *, film: bool = False) -> World:
    """A fresh one. `film`: one stands in the place of pictures."""
    repo, connector = server.account(f"w{next(_numbers)}.bsky.social"), Bluesky()
    access, refresh = server.sessions.start(repo.did)
    server.sessions.access[access].ends_at += timedelta(days=30)  # renewing is the house's, not the connector's
    past = server.book.record()
    account = Account(TENANT, uuid7(), repo.did, server.url, Sealed(access.encode()), Sealed(refresh.encode()))
    return World(
        name="bluesky",
        connector=connector,
        account=account,
        fake=BlueskyFake(server, repo, past[-1]["id"] if past else 0),
        surface="bluesky.post",
        transport=transport(http),
        clock=server.clock,
        lags=False,
        counts="likes",
        followers=partial(setattr, repo, "followers"),
        flags=("selfLabels=porn",),
        told=told,
        key=lambda: tid(str(uuid7()), server.clock()),
        name_of=lambda medium: cid(OBJECTS[medium.sha256], raw=True),
        media=(FILM,) if film else MEDIA,
    )
