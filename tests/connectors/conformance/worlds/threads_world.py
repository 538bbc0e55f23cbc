"""Threads test world: one account, and the URL at which the platform fetches files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import TEST_TENANT, ConnectorWorld, conformance_transport
from connectors.contract.connector import FileRef
from connectors.platforms.threads.publisher import Threads
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.permit import Permit
from tests.connectors.conformance.worlds.instagram_world import FILM, MEDIA
from tests.fakes.threads.server import FakeThreads
from tests.fakes.threads.state import Profile

_numbers = count(1)


@dataclass
class ThreadsFake:
    """The server, limited to one account."""

    server: FakeThreads
    profile: Profile
    after: int

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(mode, on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        return [(one.id, one.text) for one in self.profile.every.values() if one.own]

    def live_post_ids(self) -> set[str]:
        return {one.id for one in self.profile.every.values() if one.own and not one.deleted}

    def say(self, text: str, post: str) -> str:
        """Comment on a post of the account."""
        return self.profile.say(text, post).id

    def under(self, native_id: str) -> str:
        return self.profile.every[native_id].under

    def remark_is(self, native_id: str) -> set[str]:
        return {"hidden" if self.profile.every[native_id].hidden else "shown"}

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


def create_world(
    server: FakeThreads, http: HttpClient, files: str, *, film: bool = False
) -> ConnectorWorld:
    """Create a new world. `film`: a video in place of a picture, and a carousel that starts with a
    video."""
    profile, past = server.profile(f"w{next(_numbers)}"), server.book.list_requests()

    def lend(permit: Permit, file: FileRef) -> str:
        return (
            f"{files}/lent/{permit.jti.hex}"
            f"/{file.sha256}.{'mp4' if file.mime == FILM.mime else 'jpg'}"
        )

    fake = ThreadsFake(server, profile, past[-1]["id"] if past else 0)
    return ConnectorWorld(
        name="threads",
        connector=Threads(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), profile.id, server.url, Sealed(profile.token.encode())
        ),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        remark_is=fake.remark_is,
        surface="threads.post",
        transport=conformance_transport(http, lend=lend),
        clock=server.clock,
        lags=False,
        address=lambda post: f"https://www.threads.com/@{profile.username}/post/{post}?xmt=abc",
        elsewhere=(
            f"https://www.threads.net/@{profile.username}",
            "https://www.threads.net/@somebody/post/1",
        ),
        watched_on="metrics",
        counts="likes",
        followers=partial(setattr, profile, "followers"),
        flags=(),
        told=lambda wire: True,  # Threads has no such marks
        key_on_wire=lambda key: (
            ""
        ),  # no key is sent: lookups match text and time of posts and replies
        name_of=lambda medium: "",  # the publishing request names only the outer container
        media=(FILM, MEDIA[0]) if film else MEDIA,
        least_media=1 if film else 0,
        keeps=str.strip,  # unverified
    )
