"""Resumable uploads of the fake YouTube: ordered chunks, a secret session URL, and processing."""

import hashlib
from collections.abc import Iterator

import pytest

from tests.fakes.youtube.client import (
    FILM,
    create_session,
    film_piece,
    get_video,
    open_session,
    publish_video,
    read_json,
    refusal_reason,
    send_bytes,
    upload_video,
    video_metadata,
)
from tests.fakes.youtube.server import FakeYouTube, Member, youtube
from tests.fakes.youtube.uploads import PIECE


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with youtube() as running:
        yield running
        assert [one for one in running.spec.refused if one.startswith("answer")] == []


@pytest.fixture
def nova(fake: FakeYouTube) -> Member:
    return fake.account("nova")


def test_video_is_uploaded_in_chunks(fake: FakeYouTube, nova: Member) -> None:
    path = create_session(fake, nova)
    asks = f"bytes */{len(FILM)}"
    reply = send_bytes(fake, path, b"", asks)
    assert (reply.status, "range" in reply.headers, reply.body) == (308, False, b"")
    assert (film_piece(fake, path, 0).status, nova.videos) == (308, {})
    reply = send_bytes(fake, path, b"", asks)
    assert (reply.status, reply.headers["range"]) == (308, f"bytes=0-{PIECE - 1}")
    assert film_piece(fake, path, PIECE).headers["range"] == f"bytes=0-{2 * PIECE - 1}"
    made = read_json(film_piece(fake, path, 2 * PIECE), 201)
    assert (made["kind"], made["status"]["uploadStatus"], set(made)) == (
        "youtube#video",
        "uploaded" if fake.slow else "processed",
        {"kind", "etag", "id", "snippet", "status"},
    )
    assert read_json(send_bytes(fake, path, b"", asks)) == made
    [one] = nova.videos.values()
    digest = hashlib.sha256(FILM).hexdigest()
    assert (one.id, one.data, one.size, fake.named) == (
        made["id"],
        digest,
        len(FILM),
        {digest: made["id"]},
    )
    assert (one.title, one.description, one.privacy, one.synthetic) == (
        "A wall",
        "waves",
        "private",
        True,
    )
    assert (one.made_for_kids, one.upload_status, nova.posts, nova.taken) == (
        False,
        "processed",
        {},
        [],
    )
    assert fake.forbidden == []


def test_chunks_must_be_ordered_and_aligned(fake: FakeYouTube, nova: Member) -> None:
    path, total = create_session(fake, nova), len(FILM)
    assert (
        film_piece(fake, path, PIECE).status,
        "range" in film_piece(fake, path, PIECE).headers,
    ) == (
        308,
        False,
    )
    for data, told_range in (
        (FILM[:100], f"bytes 0-99/{total}"),
        (FILM[:PIECE], f"bytes 0-{PIECE}/{total}"),
        (FILM[:PIECE], f"bytes 0-{PIECE - 1}/{total + 1}"),
        (FILM[:PIECE], "bytes 0"),
        (FILM[:PIECE], f"bytes */{total}"),
        (b"", f"bytes 0-{PIECE - 1}/{total}"),
        (b"", f"bytes */{total - 1}"),
    ):
        assert send_bytes(fake, path, data, told_range).status == 400
    assert refusal_reason(send_bytes(fake, path, b""))[0] == 400
    fake.persists = PIECE // 2
    assert film_piece(fake, path, 0).headers["range"] == f"bytes=0-{PIECE // 2 - 1}"
    fake.persists, fake.wrong_start = None, 400
    assert film_piece(fake, path, PIECE).status == 400
    assert film_piece(fake, path, PIECE // 2).status == 308
    assert (
        send_bytes(
            fake, path, FILM[PIECE * 3 // 2 :], f"bytes {PIECE * 3 // 2}-{total - 1}/{total}"
        ).status
        == 201
    )


def test_session_url_is_the_secret(fake: FakeYouTube, nova: Member) -> None:
    path = create_session(fake, nova)
    assert (
        send_bytes(
            fake, path, b"", f"bytes */{len(FILM)}", authorization=f"Bearer {nova.token}"
        ).status
        == 308
    )
    assert fake.forbidden == ["a token shown to a session"]
    assert send_bytes(fake, path + "x", FILM).status == 404
    fake.forgets_session = True
    assert refusal_reason(send_bytes(fake, path, FILM)) == (404, "notFound")
    fake.forgets_session = False
    fake.clock.advance(7 * 24 * 3600 + 1)
    assert send_bytes(fake, path, FILM).status == 404
    fake.strays_to = "https://elsewhere.example"
    assert (
        open_session(fake, nova)
        .headers["location"]
        .startswith("https://elsewhere.example/upload/youtube/v3/videos?")
    )


def test_invalid_metadata_is_rejected(fake: FakeYouTube, nova: Member) -> None:
    for snippet, word in (
        ({"title": ""}, "invalidTitle"),
        ({"title": "x" * 101}, "invalidTitle"),
        ({"title": "a < b"}, "invalidTitle"),
        ({"description": "é" * 2501}, "invalidDescription"),
        ({"description": "a > b"}, "invalidDescription"),
        ({"categoryId": "999"}, "invalidCategoryId"),
        ({"tags": ["x" * 260, "y" * 240]}, "invalidTags"),
    ):
        assert refusal_reason(open_session(fake, nova, video_metadata(**snippet))) == (400, word)
    assert refusal_reason(open_session(fake, nova, size=0)) == (400, "mediaBodyRequired")
    assert refusal_reason(open_session(fake, nova, x_upload_content_type="image/png")) == (
        400,
        "badContent",
    )
    assert refusal_reason(open_session(fake, nova, {"snippet": {}})) == (400, "invalidTitle")
    late = {"status": {"privacyStatus": "private", "publishAt": "2030-01-01T00:00:00Z"}}
    assert refusal_reason(open_session(fake, nova, video_metadata() | late)) == (
        400,
        "invalidPublishAt",
    )
    assert (fake.forbidden, fake.sessions) == (["status.publishAt"], {})
    assert create_session(
        fake, nova, video_metadata(title="é" * 100, description="é" * 2500, tags=["a b", "c"])
    )
    assert create_session(fake, nova, {"snippet": {"title": "Only this"}, "status": {}})


def test_processing_takes_time(fake: FakeYouTube, nova: Member) -> None:
    fake.slow = 60
    number = upload_video(fake, nova, video_metadata("public"))
    shown = get_video(fake, nova, number, "status,processingDetails")
    assert (shown["status"]["uploadStatus"], shown["processingDetails"]["processingStatus"]) == (
        "uploaded",
        "processing",
    )
    assert (nova.posts, nova.taken) == ({}, [])
    fake.clock.advance(61)
    shown = get_video(fake, nova, number, "status,processingDetails")
    assert (shown["status"]["uploadStatus"], shown["processingDetails"]["processingStatus"]) == (
        "processed",
        "succeeded",
    )
    assert (list(nova.posts), nova.taken) == ([number], [(number, "waves")])


def test_video_may_be_rejected_after_upload(fake: FakeYouTube, nova: Member) -> None:
    fake.slow, fake.rejects = 10, "duplicate"
    first = upload_video(fake, nova)
    fake.rejects, fake.fails = "", "codec"
    other = upload_video(fake, nova, film=FILM + b"x")
    fake.fails = ""
    assert get_video(fake, nova, first)["status"]["uploadStatus"] == "uploaded"
    fake.clock.advance(11)
    status = get_video(fake, nova, first)["status"]
    assert (status["uploadStatus"], status["rejectionReason"]) == ("rejected", "duplicate")
    status = get_video(fake, nova, other)["status"]
    assert (status["uploadStatus"], status["failureReason"]) == ("failed", "codec")
    publish_video(fake, nova, first)
    assert (nova.posts, nova.taken) == ({}, [])


def test_file_name_is_taken_from_the_slug_header(fake: FakeYouTube, nova: Member) -> None:
    send_bytes(fake, create_session(fake, nova, slug="abcd1234.mp4"), FILM)
    other = upload_video(fake, nova)
    names = [
        get_video(fake, nova, one, "fileDetails")["fileDetails"]["fileName"] for one in nova.videos
    ]
    assert (names, list(nova.videos)[1]) == (["abcd1234.mp4", "unknown"], other)


def test_channel_has_a_daily_upload_limit(fake: FakeYouTube, nova: Member) -> None:
    fake.upload_limit = 1
    upload_video(fake, nova)
    assert refusal_reason(open_session(fake, nova)) == (400, "uploadLimitExceeded")
    assert open_session(fake, fake.account("other")).status == 200
    fake.clock.advance(24 * 3600 + 1)
    assert open_session(fake, nova).status == 200
