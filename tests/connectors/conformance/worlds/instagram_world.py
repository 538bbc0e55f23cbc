"""Instagram test world: one professional account, and a URL at which the platform fetches files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from connectors.conformance.fake_servers import serve_app
from connectors.conformance.world import (
    TEST_OBJECTS,
    TEST_TENANT,
    ConnectorWorld,
    conformance_transport,
    pictures,
    stored_picture,
)
from connectors.contract.connector import FileRef
from connectors.platforms.instagram import messages
from connectors.platforms.instagram.publisher import Instagram
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.money import Money
from foundation.sealed import Sealed
from gate.contract.permit import Permit
from gate.contract.units import PlatformOption, Unit
from tests.fakes.instagram.server import FakeInstagram, Profile
from tests.fakes.meta.fetched_media import make_clip

_numbers = count(1)


MEDIA = pictures("JPEG")
FILM = stored_picture(make_clip(3.0), "video/mp4", "waves on a beach")


@contextmanager
def lent() -> Iterator[str]:
    """Serve the files under temporary URLs; each is valid for one permit, as in production."""
    app = FastAPI()

    @app.get("/lent/{token}/{name}")
    def file(token: str, name: str) -> Response:
        digest, _, ending = name.partition(".")
        return Response(
            TEST_OBJECTS[digest], media_type="video/mp4" if ending == "mp4" else "image/jpeg"
        )

    with serve_app(app) as url:
        yield url


@dataclass
class InstagramFake:
    """The server, limited to one account."""

    server: FakeInstagram
    profile: Profile
    after: int
    chat: bool = False

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(
            mode, on="messages" if self.chat and on == "posts" else on, **more
        )

    def accepted_posts(self) -> list[tuple[str, str]]:
        if self.chat:
            return list(self.profile.chats.taken)
        answers = [
            (f"comment:{one.id}", one.text)
            for one in self.profile.comments.every.values()
            if one.own
        ]
        shown = [(post["id"], post["caption"]) for post in self.profile.posts]
        return [*shown, *((story["id"], "") for story in self.profile.stories), *answers]

    def live_post_ids(self) -> set[str]:
        if self.chat:
            return {number for number, _ in self.profile.chats.taken}
        own = {
            f"comment:{one.id}"
            for one in self.profile.comments.every.values()
            if one.own and not one.deleted
        }
        return {post["id"] for post in (*self.profile.posts, *self.profile.stories)} | own

    def say(self, text: str, post: str) -> str:
        """Comment on a post of the account."""
        return self.profile.comments.say(post, text, self.server.clock(), by="ann").id

    def under(self, native_id: str) -> str:
        one = self.profile.comments.every[native_id.removeprefix("comment:")]
        return one.parent or one.media

    def close(self, native_id: str) -> None:
        next(post for post in self.profile.posts if post["id"] == native_id)[
            "is_comment_enabled"
        ] = False

    def take_down(self, native_id: str) -> None:
        self.profile.posts = [post for post in self.profile.posts if post["id"] != native_id]

    def remark_is(self, native_id: str) -> set[str]:
        one = self.profile.comments.every[native_id]
        return {"deleted"} if one.deleted else {"hidden"} if one.hidden else {"shown"}

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


STORY = PlatformOption("story", ("true",))


def apply_story_option(unit: Unit, option: str) -> Unit:
    """Turn a unit with a story option into one picture or video without text; mentions require a
    story."""
    if option == "mentions":
        unit = replace(unit, options=(STORY, *unit.options))
    return (
        replace(unit, texts=(), media=unit.media[:1])
        if option in (STORY.name, "mentions")
        else unit
    )


@dataclass(kw_only=True)
class StoryWorld(ConnectorWorld):
    """The same account, in which every post is a story."""

    def unit(
        self,
        text: str = "",
        *,
        media: int = 0,
        flags: tuple[str, ...] = (),
        price: Money | None = None,
    ) -> Unit:
        made = super().unit(text, media=media, flags=flags, price=price)
        return replace(apply_story_option(made, STORY.name), options=(STORY,))


def create_world(
    server: FakeInstagram,
    http: HttpClient,
    files: str,
    *,
    film: bool = False,
    kind: type[ConnectorWorld] = ConnectorWorld,
) -> ConnectorWorld:
    """Create a new world. `film`: a reel in place of a picture, and a carousel that starts with a
    video."""
    profile, past = server.profile(f"w{next(_numbers)}"), server.book.list_requests()

    def lend(permit: Permit, file: FileRef) -> str:
        return (
            f"{files}/lent/{permit.jti.hex}"
            f"/{file.sha256}.{'mp4' if file.mime == FILM.mime else 'jpg'}"
        )

    fake = InstagramFake(server, profile, past[-1]["id"] if past else 0)
    return kind(
        name="instagram",
        connector=Instagram(),
        account=AccountTarget(
            TEST_TENANT, uuid7(), profile.id, server.url, Sealed(profile.token.encode())
        ),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        closes=fake.close,
        remark_is=fake.remark_is,
        surface="instagram.post",
        transport=conformance_transport(http, lend=lend),
        clock=server.clock,
        lags=False,
        address=lambda post: f"https://www.instagram.com/{profile.username}/reel/{post}/?igsh=abc",
        elsewhere=(
            f"https://www.instagram.com/{profile.username}/",
            "https://www.instagram.com/p/1/",
        ),
        watched_on="metrics",
        take_down=fake.take_down,
        counts="likes",
        followers=partial(setattr, profile, "followers"),
        followers_on="checks",
        flags=("is_ai_generated=true",),
        told=lambda wire: wire.get("is_ai_generated") is True,
        key_on_wire=lambda key: "",  # no key is sent: lookups match caption and time
        name_of=lambda medium: "",  # the publishing request names only the outer container
        media=(FILM, MEDIA[0]) if film else MEDIA,
        least_media=1,
        beside=apply_story_option,
    )


def create_story_world(
    server: FakeInstagram, http: HttpClient, files: str, *, film: bool = False
) -> ConnectorWorld:
    """Create a new world whose posts are stories."""
    made = create_world(server, http, files, film=film, kind=StoryWorld)
    fake = made.fake
    assert isinstance(fake, InstagramFake)
    author = fake.profile.username
    made.name, made.remark, made.closes = "instagram_story", None, None
    made.address = lambda story: f"https://www.instagram.com/stories/{author}/{story}/?igsh=abc"
    made.elsewhere = (
        f"https://www.instagram.com/stories/{author}/",
        f"https://www.instagram.com/stories/{author}/1/",
    )
    return made


def create_chat_world(server: FakeInstagram, http: HttpClient) -> ConnectorWorld:
    """Create a world for messages to a user who has just written: text only, and visible to their
    recipient after removal."""
    made = create_world(server, http, "")
    fake = made.fake
    assert isinstance(fake, InstagramFake)
    fake.profile.chats.say("ann", "hi", server.clock())
    fake.chat = True
    made.name, made.surface = "instagram_chat", messages.CHAT_SURFACE
    made.viewer = fake.profile.chats.person("ann").person
    made.address = made.remark = made.closes = None
    made.counts, made.flags, made.media, made.keyed, made.least_media = "", (), (), False, 0
    made.told = lambda wire: wire.keys() == {"recipient", "message"}
    return made
