"""Videos on the fake Reddit: their store, their posters, and their posts."""

from collections.abc import Iterator

import pytest

from tests.fakes.reddit.client import (
    list_posts,
    picture,
    refusal_reason,
    request_lease,
    send_file,
    submit,
    upload_file,
)
from tests.fakes.reddit.server import FakeReddit, Member, reddit

CLIP = b"\0\0\0\x18ftypmp42" + bytes(100)


@pytest.fixture
def fake() -> Iterator[FakeReddit]:
    with reddit() as running:
        running.limits.most = 10**6
        running.subreddit("Pictures")
        yield running
        assert running.unknown == []


@pytest.fixture
def nova(fake: FakeReddit) -> Member:
    return fake.account("nova")


def fake_address(fake: FakeReddit, asset: str) -> str:
    return f"https:{fake.action(fake.assets[asset])}/rte_images/{asset}"


def test_video_becomes_a_post_with_its_poster_later(fake: FakeReddit, nova: Member) -> None:
    film, where = upload_file(fake, nova, CLIP, "video/mp4")
    poster, shown_first = upload_file(fake, nova)
    assert (where, shown_first) == (
        f"https:{fake.action(fake.assets[film])}/{film}",
        fake_address(fake, poster),
    )
    fake.media_delay = 44
    told = submit(fake, nova, "Seen", kind="video", url=where, video_poster_url=shown_first)
    assert set(told["data"]) == {"user_submitted_page", "websocket_url"}
    assert list_posts(fake, nova) == []
    fake.clock.advance(45)
    [shown] = list_posts(fake, nova)
    assert (shown["url"], shown["is_self"], shown["is_video"]) == (
        f"https://v.redd.it/{film}",
        False,
        True,
    )
    assert (shown["post_hint"], shown["domain"]) == ("hosted:video", "v.redd.it")
    assert shown["media"]["reddit_video"]["transcoding_status"] == "completed"
    assert next(iter(nova.posts.values())).media == [film, poster]


def test_video_post_requires_a_video_and_a_poster(fake: FakeReddit, nova: Member) -> None:
    (_, where), (_, poster) = upload_file(fake, nova, CLIP, "video/mp4"), upload_file(fake, nova)
    assert refusal_reason(fake, nova, kind="video", url=where) == ("BAD_URL", "video_poster_url")
    assert refusal_reason(fake, nova, kind="video", url=where, video_poster_url=where) == (
        "BAD_URL",
        "video_poster_url",
    )
    assert refusal_reason(fake, nova, kind="video", url=poster, video_poster_url=poster) == (
        "BAD_URL",
        "url",
    )
    elsewhere = {"url": "https://example.com/a.mp4", "video_poster_url": poster}
    assert refusal_reason(fake, nova, kind="video", **elsewhere) == ("BAD_URL", "url")
    assert refusal_reason(fake, nova, kind="image", url=where) == ("BAD_URL", "url")
    fake.places["pictures"].allow_videos = False
    assert refusal_reason(fake, nova, kind="video", url=where, video_poster_url=poster) == (
        "NO_VIDEOS",
        "sr",
    )
    fake.places["pictures"].allow_videos = True
    _, broken = upload_file(fake, nova, b"no film", "video/mp4")
    assert submit(fake, nova, kind="video", url=broken, video_poster_url=poster)["errors"] == []
    fake.media_fails = True
    assert submit(fake, nova, kind="video", url=where, video_poster_url=poster)["errors"] == []
    fake.clock.advance(3600)
    assert nova.taken == []


def test_videos_are_uploaded_to_a_separate_store(fake: FakeReddit, nova: Member) -> None:
    film, image = request_lease(fake, nova, "video/mp4"), request_lease(fake, nova)
    stores = [one["args"]["action"].rpartition("/")[2] for one in (film, image)]
    assert stores == ["films", "store"]
    film["args"]["action"], image["args"]["action"] = (
        image["args"]["action"],
        film["args"]["action"],
    )
    for leased, data in ((film, CLIP), (image, picture())):
        reply = send_file(fake, leased, data)
        assert (reply.status, b"$bucket" in reply.body) == (403, True), reply.body
    fake.most_bytes = 10
    assert upload_file(fake, nova, CLIP, "video/mp4")
    fake.most_of_film = 10
    assert send_file(fake, request_lease(fake, nova, "video/mp4"), CLIP).status == 400
