"""praw, the most common Python client library, works with the fake Reddit as with the real one."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import praw
import prawcore
import pytest
import requests
from praw.exceptions import RedditAPIException, TooLargeMediaException
from praw.models import PostMedia
from requests.adapters import HTTPAdapter

from tests.fakes.reddit.client import AGENT, picture
from tests.fakes.reddit.server import App, FakeReddit, reddit
from tests.fakes.reddit.state import SCOPES, Member

BACK = "https://house.example/back"
FLAIR = "17bf09c4-520c-11e7-8073-0ef8adb5ef68"


class Plain(HTTPAdapter):
    """An adapter that sends praw's `https:` upload URLs over plain HTTP, as the fake requires."""

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **more)


@pytest.fixture
def fake() -> Iterator[FakeReddit]:
    with reddit() as running:
        # praw pauses between requests as the rate limit headers require
        running.limits.most = 10**6
        running.subreddit("Pictures", flairs=[{"id": FLAIR, "text": "Wall"}])
        yield running
        assert running.unknown == []


@pytest.fixture
def nova(fake: FakeReddit) -> Member:
    return fake.account("nova")


@pytest.fixture
def app(fake: FakeReddit) -> App:
    return fake.application(BACK)


@pytest.fixture
def library(fake: FakeReddit, nova: Member, app: App) -> Iterator[praw.Reddit]:
    """Return praw, signed in as nova."""
    session = requests.Session()
    session.mount("https://127.0.0.1", Plain())
    made = praw.Reddit(
        client_id=app.client_id,
        client_secret=app.secret,
        redirect_uri=BACK,
        user_agent=AGENT,
        reddit_url=fake.url,
        oauth_url=fake.url,
        check_for_updates=False,
        requestor_kwargs={"session": session},
    )
    back = fake.approve(made.auth.url(scopes=list(SCOPES), state="s", duration="permanent"), "nova")
    assert made.auth.authorize(dict(parse_qsl(urlsplit(back).query))["code"])
    yield made
    session.close()


def media(shade: int = 1) -> PostMedia:
    return PostMedia(picture(shade), name="a.png")


def test_praw_signs_in_and_refreshes_its_token(
    fake: FakeReddit, nova: Member, library: praw.Reddit
) -> None:
    assert str(library.user.me()) == "nova"
    assert library.auth.scopes() == set(SCOPES)
    fake.clock.advance(86_400)
    assert str(library.user.me(use_cache=False)) == "nova"  # refreshed automatically
    fake.revoke(nova)
    with pytest.raises(prawcore.ResponseException, match="400"):
        library.user.me(use_cache=False)


def test_praw_submits_texts_and_links(nova: Member, library: praw.Reddit) -> None:
    place = library.subreddit("Pictures")
    text = place.submit("A <wall> & more", selftext="body", spoiler=True, flair_id=FLAIR)
    link = place.submit("Elsewhere", url="https://example.com/a?b=1&c=2", resubmit=False)
    assert [name for name, _ in nova.taken] == [text.fullname, link.fullname]
    shown = list(library.redditor("nova").submissions.new(limit=5))
    assert [one.title for one in shown] == ["Elsewhere", "A <wall> & more"]
    assert (shown[1].selftext, shown[1].spoiler, shown[1].link_flair_text) == ("body", True, "Wall")
    assert shown[0].url == "https://example.com/a?b=1&c=2"
    with pytest.raises(RedditAPIException) as caught:
        place.submit("Again", url="https://example.com/a?b=1&c=2", resubmit=False)
    assert (caught.value.items[0].error_type, caught.value.items[0].field) == ("ALREADY_SUB", "url")
    [found] = library.info(fullnames=[text.fullname])
    assert (found.subreddit.display_name, found.author.name) == ("Pictures", "nova")
    assert library.submission(text.id).title == "A <wall> & more"  # fetched with its comments
    text.delete()
    assert [one.fullname for one in library.redditor("nova").submissions.new()] == [link.fullname]
    [gone] = library.info(fullnames=[text.fullname])
    assert (gone.author, gone.selftext) == (None, "[deleted]")


def test_praw_submits_pictures_and_galleries(
    fake: FakeReddit, nova: Member, library: praw.Reddit
) -> None:
    place = library.subreddit("Pictures")
    assert place.submit("Seen", image=media(), without_websockets=True) is None
    [asset] = fake.named.values()
    [one] = nova.posts.values()
    assert (one.media, one.url) == ([asset], f"https://i.redd.it/{asset}.png")
    items: Any = [
        {"media": media(2), "caption": "n. 2"},
        {"media": media(3), "outbound_url": "https://example.com"},
    ]
    made = place.submit("Walls", gallery=items, selftext="body")
    [shown] = library.info(fullnames=[made.fullname])
    assert shown.is_gallery
    assert [each["media_id"] for each in shown.gallery_data["items"]] == nova.posts[
        made.fullname
    ].media
    assert [each.get("caption") for each in shown.gallery_data["items"]] == ["n. 2", None]
    fake.places["pictures"].allow_galleries = False
    with pytest.raises(RedditAPIException, match="GALLERIES_DISABLED"):
        place.submit("Walls", gallery=[media(), media(2)])
    fake.most_bytes = 10
    with pytest.raises(TooLargeMediaException):
        place.submit("Seen", image=media(), without_websockets=True)


def test_praw_submits_videos(fake: FakeReddit, nova: Member, library: praw.Reddit) -> None:
    film: Any = {
        "media": PostMedia(b"\0\0\0\x18ftypmp42" + bytes(99), name="a.mp4"),
        "thumbnail": media(),
    }
    assert (
        library.subreddit("Pictures").submit(
            "Seen", video=film, selftext="body", without_websockets=True
        )
        is None
    )
    asset, poster = fake.named.values()
    [one] = nova.posts.values()
    assert (one.kind, one.body, one.media) == ("video", "body", [asset, poster])
    [shown] = library.redditor("nova").submissions.new()
    assert (shown.url, shown.is_video) == (f"https://v.redd.it/{asset}", True)


def test_praw_reads_subreddit_settings(fake: FakeReddit, library: praw.Reddit) -> None:
    place = fake.subreddit(
        "Grown", over18=True, title_max=50, rules=[{"short_name": "Be kind", "kind": "link"}]
    )
    place.flairs = [{"id": FLAIR, "text": "Wall", "text_editable": True}]
    grown = library.subreddit("grown")
    assert (grown.over18, grown.submission_type) == (True, "any")
    assert [rule.short_name for rule in grown.rules] == ["Be kind"]
    assert grown.post_requirements()["title_text_max_length"] == 50
    [flair] = grown.flair.link_templates
    assert (flair["id"], flair["text_editable"]) == (FLAIR, True)
    place.type = "private"
    with pytest.raises(prawcore.Forbidden):
        library.subreddit("grown").title.upper()
    with pytest.raises(prawcore.NotFound):
        library.subreddit("nowhere").title.upper()


def test_praw_raises_the_fakes_errors(fake: FakeReddit, nova: Member, library: praw.Reddit) -> None:
    place = library.subreddit("Pictures")
    fake.places["pictures"].posting_every = 660
    place.submit("First", selftext="")
    with pytest.raises(RedditAPIException) as caught:
        place.submit("Second", selftext="")
    assert caught.value.items[0].error_type == "RATELIMIT"
    assert "11 minutes" in str(caught.value.items[0].message)
    fake.places["pictures"].posting_every = 0
    fake.limited_but_made = True
    with pytest.raises(RedditAPIException, match="RATELIMIT"):  # praw's issue 1768
        place.submit("Third", selftext="")
    assert [one.title for one in nova.posts.values()] == ["First", "Third"]
    fake.limited_but_made, fake.places["pictures"].title_min, fake.validation_status = False, 9, 400
    with pytest.raises(
        RedditAPIException, match="SUBMIT_VALIDATION_MIN_LENGTH"
    ):  # praw treats both response shapes alike
        place.submit("Fourth", selftext="")
    with pytest.raises(prawcore.InsufficientScope):
        library.submission(next(iter(nova.posts.values())).id).mod.nsfw()
    fake.book.schedule_fault(
        "status:503_after", on="posts"
    )  # prawcore retries automatically and so posts twice
    fake.places["pictures"].title_min = None
    place.submit("Fifth", selftext="")
    assert [one.title for one in nova.posts.values()][2:] == ["Fifth", "Fifth"]
