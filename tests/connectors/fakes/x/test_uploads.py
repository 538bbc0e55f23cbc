"""Videos on the fake X: segmented uploads, processing, and posts with a single video."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.conformance.fake_servers import AdjustableClock
from foundation.http.http_client import HttpResponse, ResponseLost, encode_multipart
from tests.fakes.x.client import ask, create_post, describe, picture, post, send, uploaded
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.spec import Spec, load_description
from tests.fakes.x.state import NO_MEDIA, Member

QUARTER, DAY = 15 * 60, 24 * 3600
HEAD = b"\0\0\0\x18ftypmp42"
FILM = HEAD + bytes(range(256)) * 4
described = pytest.mark.skipif(
    load_description() is None, reason="X's description is missing (set GREENROOM_SHARED)"
)
both = pytest.mark.parametrize(
    "judged", [True, False], ids=["with description", "without description"]
)


@pytest.fixture
def fake() -> Iterator[FakeX]:
    with x() as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture
def rough() -> Iterator[FakeX]:
    """A server that accepts invalid test requests; its responses must still match the description."""
    with x() as running:
        yield running
        assert not [told for told in running.spec.refused if told.startswith("answer")]


@pytest.fixture
def nova(fake: FakeX) -> Member:
    return fake.account("nova")


def begin(fake: FakeX, mine: Member, length: object = len(FILM), **more: Any) -> tuple[int, Any]:
    said = {
        "media_type": "video/mp4",
        "media_category": "tweet_video",
        "total_bytes": length,
        **more,
    }
    return ask(fake, mine, "POST", "/2/media/upload/initialize", said)[:2]


def begun(fake: FakeX, mine: Member, length: int = len(FILM), **more: Any) -> str:
    status, told = begin(fake, mine, length, **more)
    assert status == 200, told
    return str(told["data"]["id"])


def append(
    fake: FakeX, mine: Member, upload: str, index: object, data: bytes, **more: str
) -> HttpResponse:
    body = encode_multipart(
        {"segment_index": str(index), **more}, {"media": ("a", data, "application/octet-stream")}
    )
    reply = send(fake, "POST", f"/2/media/upload/{upload}/append", f"Bearer {mine.token}", body)
    assert isinstance(reply, HttpResponse)
    return reply


def finish(fake: FakeX, mine: Member, upload: str) -> tuple[int, Any]:
    return ask(fake, mine, "POST", f"/2/media/upload/{upload}/finalize")[:2]


def look(fake: FakeX, mine: Member, upload: str) -> tuple[int, Any]:
    return ask(fake, mine, "GET", f"/2/media/upload?command=STATUS&media_id={upload}")[:2]


def whole(fake: FakeX, mine: Member, data: bytes = FILM, **more: Any) -> str:
    """Upload a video and finalize it. Return its ID, before processing."""
    upload = begun(fake, mine, len(data), **more)
    assert append(fake, mine, upload, 0, data).status == 200
    assert finish(fake, mine, upload)[0] == 200
    return upload


def ready(fake: FakeX, mine: Member, data: bytes = FILM) -> str:
    upload = whole(fake, mine, data)
    assert look(fake, mine, upload)[1]["data"]["processing_info"]["state"] == "succeeded"
    return upload


def shown(fake: FakeX, mine: Member, *media: str) -> int:
    return post(fake, mine, f"look at {','.join(media)}", media={"media_ids": list(media)})[0]


def message(told: Any) -> str:
    return str(told["errors"][0]["message"])


def test_video_is_uploaded_in_segments_and_posted(fake: FakeX, nova: Member) -> None:
    status, told = begin(fake, nova, shared=False, additional_owners=[])
    upload, key = told["data"]["id"], told["data"]["media_key"]
    assert (status, key, told["data"]["expires_after_secs"]) == (200, f"7_{upload}", 15 * DAY)
    reply = append(fake, nova, upload, 0, FILM[:500])
    until = json.loads(reply.body)["data"]["expires_at"]
    assert (reply.status, abs(until - fake.clock().timestamp() - 15 * DAY) < 60) == (200, True)
    assert append(fake, nova, upload, 1, FILM[500:]).status == 200
    status, told = finish(fake, nova, upload)
    pending = {"state": "pending", "check_after_secs": 1}
    assert (status, told["data"]["processing_info"], told["data"]["size"]) == (
        200,
        pending,
        len(FILM),
    )
    assert (told["data"]["id"], told["data"]["media_key"]) == (upload, key)
    assert told["data"]["expires_after_secs"] == DAY
    status, told = look(fake, nova, upload)
    assert (status, told["data"]["processing_info"]) == (200, {"state": "succeeded"})
    assert told["data"]["video"] == {"video_type": "video/mp4"}
    assert (fake.named[hashlib.sha256(FILM).hexdigest()], fake.media[upload].data) == (upload, FILM)
    one = create_post(fake, nova, "waves", media={"media_ids": [upload]})
    path = (
        f"/2/tweets/{one}?expansions=attachments.media_keys&media.fields=type&post.fields=entities"
    )
    told = ask(fake, nova, "GET", path)[1]
    assert told["includes"]["media"] == [{"media_key": key, "type": "video"}]
    assert told["data"]["entities"]["urls"][0]["expanded_url"].endswith(f"/status/{one}/video/1")


def test_segments_may_be_unordered_and_repeated(fake: FakeX, nova: Member) -> None:
    upload = begun(fake, nova)
    for index, data in ((1, FILM[500:]), (0, b"x" * 400), (0, FILM[:500]), (0, FILM[:500])):
        assert append(fake, nova, upload, index, data).status == 200
    assert finish(fake, nova, upload)[0] == 200
    assert fake.media[upload].data == FILM


def test_segment_may_be_json(fake: FakeX, nova: Member) -> None:
    upload, said = begun(fake, nova), {"media": base64.b64encode(FILM).decode(), "segment_index": 0}
    assert ask(fake, nova, "POST", f"/2/media/upload/{upload}/append", said)[0] == 200
    assert finish(fake, nova, upload)[0] == 200
    assert fake.media[upload].data == FILM


def test_media_category_is_optional(fake: FakeX, nova: Member) -> None:
    for mime, category in (
        ("video/quicktime", "tweet_video"),
        ("image/gif", "tweet_gif"),
        ("image/png", "tweet_image"),
    ):
        said = {"media_type": mime, "total_bytes": 9}
        told = ask(fake, nova, "POST", "/2/media/upload/initialize", said)[1]
        assert fake.uploads[told["data"]["id"]].category == category


@both
def test_initialize_is_validated(rough: FakeX, judged: bool) -> None:
    nova, rough.spec = rough.account("nova"), rough.spec if judged else Spec(None)
    rough.most_bytes["tweet_video"] = 1000
    assert begin(rough, nova, 1000)[0] == 200
    for length in (1001, 0, -1, "9", 9.5, True, None):
        assert (length, begin(rough, nova, length)[0]) == (length, 400)
    wrongs: list[dict[str, Any]] = [
        {"media_type": "video/webm"},
        {"media_type": "image/png"},
        {"media_type": 7},
        {"media_category": "dm_video"},
        {"media_category": ["tweet_video"]},
        {"media_category": None},
        {"shared": "yes"},
        {"additional_owners": "12"},
        {"additional_owners": ["me"]},
        {"duration": 7},
    ]
    assert [begin(rough, nova, 9, **wrong)[0] for wrong in wrongs] == [400] * len(wrongs)
    said: Any
    for said in ({"media_type": "video/mp4"}, {"total_bytes": 9}, [], "x"):
        assert ask(rough, nova, "POST", "/2/media/upload/initialize", said)[0] == 400
    assert begin(rough, nova, 5, media_type="image/gif", media_category="tweet_gif")[0] == 200
    assert len(rough.uploads) == 2
    assert FakeX(AdjustableClock()).most_bytes["tweet_video"] == 512 * 2**20


@both
def test_segments_are_validated(rough: FakeX, judged: bool) -> None:
    nova, rough.spec = rough.account("nova"), rough.spec if judged else Spec(None)
    upload = begun(rough, nova)
    for index in ("-1", "1000", "", "one", "1.0", "٣", "9" * 30):
        assert (index, append(rough, nova, upload, index, b"x").status) == (index, 400)
    assert append(rough, nova, upload, 999, b"x").status == 200
    assert append(rough, nova, upload, 0, b"").status == 400
    path, bearer = f"/2/media/upload/{upload}/append", f"Bearer {nova.token}"
    said: Any
    for said in (
        {"media": "eA=="},
        {"segment_index": 0},
        {"media": "eA==", "segment_index": "0"},
        [],
        {},
    ):
        assert (said, ask(rough, nova, "POST", path, said)[0]) == (said, 400)
    assert ask(rough, nova, "POST", path, {"media": "%", "segment_index": 0})[0] == 400
    assert (
        send(rough, "POST", path, bearer, encode_multipart({"segment_index": "0"}, {})).status
        == 400
    )
    assert send(rough, "POST", path, bearer).status == 400
    assert set(rough.uploads[upload].segments) == {999}


@described
def test_undescribed_request_is_rejected(rough: FakeX) -> None:
    nova = rough.account("nova")
    upload = begun(rough, nova)
    assert append(rough, nova, upload, 0, FILM, media_id=upload).status == 400
    assert append(rough, nova, "abc", 0, FILM).status == 400
    assert append(rough, nova, upload, 0, FILM).status == 200
    assert ask(rough, nova, "POST", f"/2/media/upload/{upload}/finalize", {})[0] == 400
    assert finish(rough, nova, upload)[0] == 200
    for query in (
        "command=STATUS",
        f"command=status&media_id={upload}",
        f"media_id={upload}&x=1",
        "media_id=a",
    ):
        assert ask(rough, nova, "GET", f"/2/media/upload?{query}")[0] == 400
    assert ask(rough, nova, "GET", f"/2/media/upload?media_id={upload}")[0] == 200
    assert ask(rough, nova, "POST", f"/2/media/upload/{upload}/status")[0] == 404


def test_segment_and_request_size_are_limited(fake: FakeX, nova: Member) -> None:
    most = 5 * 2**20
    film, upload = HEAD.ljust(most + 1, b"\0"), begun(fake, nova, most + 1)
    reply = append(fake, nova, upload, 0, film[:most])
    assert (reply.status, reply.body) == (413, b"")
    assert append(fake, nova, upload, 0, film[: most - 1000]).status == 200
    fake.most_request = 2 * most
    assert append(fake, nova, upload, 0, film).status == 400
    assert append(fake, nova, upload, 0, film[:most]).status == 200
    assert append(fake, nova, upload, 1, film[most:]).status == 200
    assert finish(fake, nova, upload)[1]["data"]["size"] == most + 1


def test_incomplete_upload_is_not_finalized(fake: FakeX, nova: Member) -> None:
    upload = begun(fake, nova)
    assert "add up" in message(finish(fake, nova, upload)[1])
    for index, data in ((0, FILM[:500]), (2, FILM[500:])):
        append(fake, nova, upload, index, data)
    assert finish(fake, nova, upload)[0] == 400  # the second of three is missing
    append(fake, nova, upload, 1, b"x")
    assert finish(fake, nova, upload)[0] == 400  # one byte too many
    append(fake, nova, upload, 1, FILM[500:600])
    append(fake, nova, upload, 2, FILM[601:])
    assert finish(fake, nova, upload)[0] == 400  # one byte is missing
    assert (fake.media, look(fake, nova, upload)[0], shown(fake, nova, upload)) == ({}, 400, 400)
    append(fake, nova, upload, 2, FILM[600:])
    assert (finish(fake, nova, upload)[0], fake.media[upload].data) == (200, FILM)


def test_finalize_may_be_repeated(fake: FakeX, nova: Member) -> None:
    upload = whole(fake, nova)
    status, told = finish(fake, nova, upload)
    assert (status, told["data"]["processing_info"]["state"]) == (200, "pending")
    assert append(fake, nova, upload, 0, FILM).status == 400
    fake.finalize_again = 400
    assert finish(fake, nova, upload)[0] == 400


def test_processing_advances_with_status_requests(fake: FakeX, nova: Member) -> None:
    fake.slow = 2
    upload = whole(fake, nova)
    assert shown(fake, nova, upload) == 400
    for _ in range(2):
        told = look(fake, nova, upload)[1]["data"]["processing_info"]
        assert told == {"state": "in_progress", "check_after_secs": 1}
        status, refused = post(fake, nova, "too early", media={"media_ids": [upload]})
        assert (status, message(refused)) == (400, NO_MEDIA)
    for _ in range(2):
        assert look(fake, nova, upload)[1]["data"]["processing_info"] == {"state": "succeeded"}
    assert (shown(fake, nova, upload), len(nova.taken)) == (201, 1)


@pytest.mark.parametrize(
    ("data", "spoils"), [(FILM, True), (b"no film at all, ftyp or not", False)]
)
def test_processing_may_fail(fake: FakeX, nova: Member, data: bytes, spoils: bool) -> None:
    fake.spoils = spoils
    upload = whole(fake, nova, data)
    status, told = look(fake, nova, upload)
    assert (status, told["data"]["processing_info"]) == (200, {"state": "failed"})
    assert (told["data"]["id"], told["errors"][0]["detail"]) == (upload, "file is invalid")
    assert shown(fake, nova, upload) == 400
    fake.spoils, fake.media_again = False, True
    assert (
        look(fake, nova, upload)[1]["data"]["processing_info"]["state"],
        shown(fake, nova, upload),
    ) == (
        "failed",
        400,
    )
    fake.failure_inside = True
    told = look(fake, nova, upload)[1]
    assert ("errors" in told, told["data"]["processing_info"]["error"]["name"]) == (
        False,
        "InvalidMedia",
    )


def test_video_is_the_only_media_of_its_post(fake: FakeX, nova: Member) -> None:
    one, other, [still] = ready(fake, nova), ready(fake, nova, FILM + b"x"), uploaded(fake, nova)
    assert "alone" in message(post(fake, nova, "both", media={"media_ids": [one, still]})[1])
    assert (
        shown(fake, nova, still, one),
        shown(fake, nova, one, other),
        shown(fake, nova, one),
    ) == (400, 400, 201)
    assert post(fake, nova, "again", media={"media_ids": [one]})[0] == 400


def test_video_accepts_metadata_after_finalize(fake: FakeX, nova: Member) -> None:
    upload = begun(fake, nova)
    assert describe(fake, nova, upload, alt_text={"text": "waves"})[0] == 400
    append(fake, nova, upload, 0, FILM)
    finish(fake, nova, upload)
    assert describe(fake, nova, upload, alt_text={"text": "waves"})[0] == 200
    look(fake, nova, upload)
    told = describe(fake, nova, upload, sensitive_media_warning={"adult_content": True})[1]["data"]
    assert told["associated_metadata"]["sensitive_media_warning"]["adult_content"] is True
    one = create_post(fake, nova, "waves", media={"media_ids": [upload]})
    told = ask(fake, nova, "GET", f"/2/tweets/{one}?post.fields=possibly_sensitive,media_metadata")[
        1
    ]["data"]
    assert (told["possibly_sensitive"], told["media_metadata"][0]["alt_text"]) == (True, "waves")


def test_upload_belongs_to_one_account(fake: FakeX, nova: Member) -> None:
    other, upload = fake.account("other"), begun(fake, nova)
    reply = append(fake, other, upload, 0, FILM)
    assert (reply.status, message(json.loads(reply.body))) == (400, NO_MEDIA)
    append(fake, nova, upload, 0, FILM)
    assert finish(fake, other, upload)[0] == 400
    finish(fake, nova, upload)
    assert (
        finish(fake, other, upload)[0],
        look(fake, other, upload)[0],
        look(fake, other, "12345")[0],
    ) == (400,) * 3
    fake.missing_upload = 404
    status, told = look(fake, other, upload)
    assert (status, told["type"].rpartition("/")[2]) == (404, "resource-not-found")
    assert look(fake, nova, upload)[0] == 200
    assert (
        describe(fake, other, upload, alt_text={"text": "x"})[0],
        shown(fake, other, upload),
    ) == (400, 400)


def test_additional_owner_may_post_the_video(fake: FakeX, nova: Member) -> None:
    other = fake.account("other")
    upload = whole(fake, nova, additional_owners=[other.id])
    look(fake, nova, upload)
    assert shown(fake, other, upload) == 201


def test_uploads_and_videos_expire(fake: FakeX, nova: Member) -> None:
    upload = begun(fake, nova)
    fake.clock.advance(14 * DAY)
    assert append(fake, nova, upload, 0, FILM).status == 200
    fake.clock.advance(DAY)
    assert (append(fake, nova, upload, 0, FILM).status, finish(fake, nova, upload)[0]) == (400, 400)
    film = ready(fake, nova)
    fake.clock.advance(DAY)
    assert (look(fake, nova, film)[0], finish(fake, nova, film)[0], shown(fake, nova, film)) == (
        400,
        400,
        400,
    )
    assert describe(fake, nova, film, alt_text={"text": "x"})[0] == 400


@pytest.mark.parametrize(("kind", "category"), [("PNG", "tweet_image"), ("GIF", "tweet_gif")])
def test_pictures_may_be_uploaded_in_segments(
    fake: FakeX, nova: Member, kind: str, category: str
) -> None:
    data, mime = picture(kind), f"image/{kind.lower()}"
    upload = whole(fake, nova, data, media_type=mime, media_category=category)
    for told in (finish(fake, nova, upload)[1]["data"], look(fake, nova, upload)[1]["data"]):
        assert ("processing_info" in told, told["image"]) == (
            False,
            {"image_type": mime, "w": 4, "h": 3},
        )
    assert shown(fake, nova, upload) == 201
    wrong = begun(fake, nova, len(FILM), media_type=mime, media_category=category)
    append(fake, nova, wrong, 0, FILM)
    assert finish(fake, nova, wrong)[0] == 400
    other = begun(fake, nova, len(data), media_type="image/webp", media_category="tweet_image")
    append(fake, nova, other, 0, data)
    assert finish(fake, nova, other)[0] == 400


def test_each_step_requires_its_scope_and_rate_window(fake: FakeX, nova: Member) -> None:
    reads = fake.account("reads", scopes=("tweet.read", "users.read"))
    assert (begin(fake, reads)[0], finish(fake, reads, "1")[0], look(fake, reads, "1")[0]) == (
        403,
        403,
        403,
    )
    said = {"media_type": "video/mp4", "total_bytes": len(FILM)}
    headers = ask(fake, nova, "POST", "/2/media/upload/initialize", said)[2]
    assert (headers["x-rate-limit-limit"], headers["x-rate-limit-remaining"]) == ("1875", "1874")
    assert "x-app-limit-24hour-limit" not in headers
    upload, fake.limits.most["append"] = begun(fake, nova), 1
    assert [append(fake, nova, upload, 0, FILM).status for _ in range(2)] == [200, 429]
    headers = ask(fake, nova, "POST", f"/2/media/upload/{upload}/finalize")[2]
    assert headers["x-rate-limit-remaining"] == "1874"
    assert (
        "x-rate-limit-limit" not in ask(fake, nova, "GET", f"/2/media/upload?media_id={upload}")[2]
    )
    assert len(uploaded(fake, nova)) == 1
    fake.clock.advance(QUARTER + 1)
    assert append(fake, nova, begun(fake, nova), 0, FILM).status == 200
    fake.out_of_credits = True
    assert (begin(fake, nova)[0], look(fake, nova, upload)[0]) == (402, 402)


def test_every_upload_step_can_fail(fake: FakeX, nova: Member) -> None:
    upload = begun(fake, nova)
    body = encode_multipart({"segment_index": "0"}, {"media": ("a", FILM, "video/mp4")})
    fake.book.schedule_fault("reset_after", on="files")
    path = f"/2/media/upload/{upload}/append"
    assert isinstance(send(fake, "POST", path, f"Bearer {nova.token}", body), ResponseLost)
    assert fake.uploads[upload].segments == {0: FILM}
    fake.book.schedule_fault("status:503_after", on="files")
    assert finish(fake, nova, upload)[0] == 503
    assert finish(fake, nova, upload)[0] == 200
    fake.book.schedule_fault("status:503", on="polls")
    assert (look(fake, nova, upload)[0], fake.media[upload].state) == (503, "pending")
    assert look(fake, nova, upload)[0] == 200
    assert [each["kind"] for each in fake.book.list_requests()] == ["files"] * 4 + ["polls"] * 2
