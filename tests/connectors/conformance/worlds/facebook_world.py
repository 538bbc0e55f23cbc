"""Facebook test world: one Page, and the URL at which the platform fetches files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from connectors.conformance.world import TEST_TENANT, ConnectorWorld, conformance_transport
from connectors.contract.connector import FileRef
from connectors.platforms.facebook import messages
from connectors.platforms.facebook.publisher import Facebook
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.permit import Permit
from tests.connectors.conformance.worlds.instagram_world import FILM, MEDIA
from tests.fakes.facebook.server import FakeFacebook
from tests.fakes.facebook.state import Page

_numbers = count(1)


@dataclass
class FacebookFake:
    """The server, limited to one Page."""

    server: FakeFacebook
    page: Page
    after: int
    chat: bool = False

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(
            mode, on="messages" if self.chat and on == "posts" else on, **more
        )

    def accepted_posts(self) -> list[tuple[str, str]]:
        if self.chat:
            return list(self.page.chats.taken)
        answers = [
            (f"comment:{one.id}", one.text) for one in self.page.comments.values() if one.own
        ]
        return [*((one.id, one.message) for one in self.page.posts.values()), *answers]

    def live_post_ids(self) -> set[str]:
        if self.chat:
            return {number for number, _ in self.page.chats.taken}
        own = {
            f"comment:{one.id}"
            for one in self.page.comments.values()
            if one.own and not one.deleted
        }
        return {one.id for one in self.page.posts.values() if not one.deleted} | own

    def say(self, text: str, post: str) -> str:
        """Comment on a post of the Page."""
        return self.page.say(post, text, by="Ann").id

    def under(self, native_id: str) -> str:
        one = self.page.comments[native_id.removeprefix("comment:")]
        return one.parent or one.post

    def remark_is(self, native_id: str) -> set[str]:
        one = self.page.comments[native_id]
        state = "deleted" if one.deleted else "hidden" if one.hidden else "shown"
        liked = "liked" if one.liked else "unliked"
        return {state, liked, *({"blocked"} if one.author in self.page.blocked else ())}

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of a post and the number of its pictures."""
        found = self.page.posts[native_id]
        return found.message, len(found.photos)

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


def create_world(
    server: FakeFacebook, http: HttpClient, files: str, *, film: bool = False
) -> ConnectorWorld:
    """Create a new world. `film`: every post is a video."""
    page, past = server.page(f"w{next(_numbers)}"), server.book.list_requests()

    def lend(permit: Permit, file: FileRef) -> str:
        return (
            f"{files}/lent/{permit.jti.hex}"
            f"/{file.sha256}.{'mp4' if file.mime == FILM.mime else 'jpg'}"
        )

    fake = FacebookFake(server, page, past[-1]["id"] if past else 0)
    return ConnectorWorld(
        name="facebook",
        connector=Facebook(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), page.id, server.url, Sealed(page.token.encode())
        ),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        remark_is=fake.remark_is,
        surface="facebook.page",
        transport=conformance_transport(http, lend=lend),
        clock=server.clock,
        lags=False,
        address=lambda post: f"https://www.facebook.com/{page.id}/posts/{post.partition('_')[2]}",
        elsewhere=(
            f"https://www.facebook.com/{page.id}",
            f"https://www.facebook.com/{page.id}/posts/1",
        ),
        says=fake.says,
        watched_on="metrics",
        counts="likes",
        followers=partial(setattr, page, "followers"),
        flags=(),
        told=lambda wire: True,  # Facebook has no such marks
        keyed=False,  # lookups match text, time and pictures
        name_of=lambda medium: (
            ""
        ),  # a video is uploaded by the publishing request; pictures get IDs of the platform
        media=(FILM,) if film else MEDIA,
        tells_files=not film,  # a video has no ID before its publishing request is answered
        least_media=1 if film else 0,
        keeps=str.strip,  # unverified
    )


def create_chat_world(server: FakeFacebook, http: HttpClient) -> ConnectorWorld:
    """Create a world for messages to a user who has just written: text only, and visible to their
    recipient after removal."""
    made = create_world(server, http, "")
    fake = made.fake
    assert isinstance(fake, FacebookFake)
    fake.page.chats.say("Ann", "hi", server.clock())
    fake.chat = True
    made.name, made.surface = "facebook_chat", messages.CHAT_SURFACE
    made.viewer = fake.page.chats.person("Ann").person
    made.address = made.remark = made.says = None
    made.counts, made.media, made.keeps = "", (), str
    made.told = lambda wire: wire.keys() == {"recipient", "message", "messaging_type"}
    return made
