"""Reddit test worlds: one creator in an 18+ community with a token of an application, and a
conversation with a user who wrote first."""

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
from connectors.platforms.reddit.account import (
    CHAT_SURFACE,
    NSFW_MARK,
    OVER18_SURFACE,
    PostingAccount,
)
from connectors.platforms.reddit.publisher import Reddit
from connectors.transport.transport import AccountTarget
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from tests.fakes.reddit.server import FakeReddit, Member

TITLE = "Bonjour"
FILM = stored_picture(b"\0\0\0\x18ftypmp42" + bytes(range(256)), "video/mp4", "waves on a beach")
_numbers = count(1)


@dataclass
class RedditFake:
    """Reddit, limited to one account. Recorded requests name no account, so the record starts with
    this world."""

    server: FakeReddit
    member: Member
    after: int

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.server.book.schedule_fault(mode, on=on, **more)

    def accepted_posts(self) -> list[tuple[str, str]]:
        """Return the accepted posts with their text, without the title."""
        return [(number, text.removeprefix(f"{TITLE}\n\n")) for number, text in self.member.taken]

    def live_post_ids(self) -> set[str]:
        own = {
            name
            for name, one in self.server.comments.items()
            if one.author is self.member and not one.deleted
        }
        own |= {name for name, one in self.server.letters.items() if one.author is self.member}
        return own | set(self.member.posts)

    def say(self, text: str, under: str) -> str:
        """Comment as a fan."""
        fan = self.server.who(f"fan-{self.member.name}") or self.server.account(
            f"fan-{self.member.name}"
        )
        return self.server.say(fan, text, under).name

    def under(self, native_id: str) -> str:
        return self.server.comments[native_id].parent

    def remark_is(self, native_id: str) -> set[str]:
        said = self.server.comments[native_id]
        away = said.author.name in self.server.kept_away.get(self.member.name, ())
        return {"shown", *(("reported",) if said.reported else ()), *(("blocked",) if away else ())}

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text below a title and the number of pictures."""
        found = self.member.posts[native_id]
        return found.body, len(found.media)

    def requests(self) -> list[Mapping[str, Any]]:
        return list(self.server.book.list_requests(after=self.after))


FLAIR = "7f6bd2a0-9a0e-11ee-8d0c-0242ac120002"


def create_world(
    server: FakeReddit, http: HttpClient, *, one_picture: bool = False, film: bool = False
) -> ConnectorWorld:
    """Create a new world. `one_picture`: picture posts have one picture, and Reddit creates them
    some seconds later; `film`: every post is a video with a poster, created later still."""
    number = next(_numbers)
    server.media_delay = 44.0 if film else 15.0 if one_picture else 0.0
    member, place = server.account(f"w{number:03}"), server.subreddit(f"lakes{number}", over18=True)
    place.flairs = [{"id": FLAIR, "text": "Wall"}]
    past = server.book.list_requests()
    account = PostingAccount(member.name, place.name).account
    fake = RedditFake(server, member, past[-1]["id"] if past else 0)
    return ConnectorWorld(
        name="reddit",
        connector=Reddit(),
        account=AccountTarget(
            TEST_TENANT,
            uuid7(),
            account,
            server.url,
            Sealed(member.token.encode()),
            platform="reddit",
        ),
        fake=fake,
        remark=fake.say,
        stands_under=fake.under,
        closes=server.archived.add,
        remark_is=fake.remark_is,
        surface=OVER18_SURFACE,
        transport=conformance_transport(http),
        clock=server.clock,
        address=lambda post: (
            f"https://www.reddit.com/r/{place.name}/comments/{post.removeprefix('t3_')}/un_lac/"
        ),
        elsewhere=(
            f"https://www.reddit.com/r/{place.name}/",
            "https://www.reddit.com/r/all/comments/zzzzz9/x/",
        ),
        named_on="metrics",
        says=fake.says,
        counts="likes",
        followers=partial(setattr, server.places[f"u_{member.name}".lower()], "subscribers"),
        followers_on="checks",
        flags=(NSFW_MARK,),
        told=lambda wire: wire.get("nsfw") is True,
        name_of=lambda medium: server.named[medium.sha256],
        keyed=False,
        media=(TEST_PICTURES[0], FILM)
        if film
        else TEST_PICTURES[:1]
        if one_picture
        else TEST_PICTURES,
        least_media=2 if film else 0,
        addressed=one_picture or film,
        title=TITLE,
    )


def create_chat_world(server: FakeReddit, http: HttpClient) -> ConnectorWorld:
    """Create a world for messages in a conversation that the account has already replied to: text
    only."""
    made = create_world(server, http)
    fake = made.fake
    assert isinstance(fake, RedditFake)
    fan = server.account(f"leo-{fake.member.name}")
    letter = server.write(fan, fake.member, "hi")
    answered = server.write(fake.member, fan, "a first answer", "re: hello", letter.name)
    server.clock.advance(3600)
    server.write(fan, fake.member, "are you there?", "re: hello", answered.name)
    made.name, made.surface, made.viewer = "reddit_chat", CHAT_SURFACE, fan.name
    made.address = made.remark = made.says = None
    made.counts, made.flags, made.media, made.title = "", (), (), ""
    made.earlier = frozenset({answered.name})
    made.told = lambda wire: str(wire.get("thing_id")).startswith("t4_")
    return made
