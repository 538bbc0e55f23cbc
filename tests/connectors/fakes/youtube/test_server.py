"""Rules of the fake YouTube: whole-part updates, lists, quotas, and unaudited projects."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fakes.youtube.client import (
    API,
    FILM,
    ask,
    create_session,
    get_video,
    open_session,
    publish_video,
    read_json,
    refusal_reason,
    send,
    send_bytes,
    update_video,
    upload_video,
    video_metadata,
)
from tests.fakes.youtube.limits import PACIFIC
from tests.fakes.youtube.server import OPERATIONS, FakeYouTube, Member, youtube


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with youtube() as running:
        yield running
        assert [one for one in running.spec.refused if one.startswith("answer")] == []


@pytest.fixture
def nova(fake: FakeYouTube) -> Member:
    return fake.account("nova")


def test_undescribed_request_is_rejected(fake: FakeYouTube, nova: Member) -> None:
    if fake.spec.path is None:
        pytest.skip("Google's discovery document is missing (set GREENROOM_SHARED)")
    assert refusal_reason(open_session(fake, nova, video_metadata() | {"more": 1})) == (
        400,
        "badRequest",
    )
    assert refusal_reason(open_session(fake, nova, video_metadata(privacyStatus="private"))) == (
        400,
        "badRequest",
    )
    assert refusal_reason(ask(fake, nova, "GET", f"{API}videos?part=id&id=x&more=1")) == (
        400,
        "badRequest",
    )
    assert refusal_reason(ask(fake, nova, "DELETE", f"{API}videos")) == (400, "required")
    assert len(fake.spec.refused) == 4
    for operation in (
        "videos.insert",
        "videos.list",
        "videos.update",
        "videos.delete",
        "channels.list",
    ):
        assert fake.spec.scopes(operation)


def test_scopes_match_the_description(fake: FakeYouTube) -> None:
    for one in OPERATIONS.values():
        assert fake.spec.path is None or one.scopes == fake.spec.scopes(one.name)


def test_publishing_is_an_update(fake: FakeYouTube, nova: Member) -> None:
    number, other = upload_video(fake, nova), fake.account("other")
    before = get_video(fake, nova, number)["snippet"]["publishedAt"]
    assert get_video(fake, other, number) is None
    fake.clock.advance(3600)
    assert read_json(publish_video(fake, nova, number))["status"]["privacyStatus"] == "public"
    assert read_json(publish_video(fake, nova, number))["status"]["privacyStatus"] == "public"
    assert (nova.taken, list(nova.posts)) == ([(number, "waves")], [number])
    shown = get_video(fake, other, number)
    assert shown["snippet"]["publishedAt"] > before
    assert "selfDeclaredMadeForKids" not in shown["status"]
    assert refusal_reason(ask(fake, other, "GET", f"{API}videos?part=fileDetails&id={number}")) == (
        403,
        "forbidden",
    )
    assert (
        read_json(update_video(fake, nova, number, status={"privacyStatus": "unlisted"}))["status"][
            "embeddable"
        ]
        is True
    )
    assert (nova.posts, len(nova.taken)) == ({}, 1)


def test_update_replaces_whole_parts(fake: FakeYouTube, nova: Member) -> None:
    number = upload_video(fake, nova, video_metadata(tags=["sea"]))
    one = nova.videos[number]
    assert (
        read_json(update_video(fake, nova, number, status={"embeddable": False}))["status"][
            "privacyStatus"
        ]
        == "public"
    )
    assert (one.privacy, one.synthetic, one.made_for_kids, one.tags) == (
        "public",
        None,
        None,
        ("sea",),
    )
    assert refusal_reason(
        update_video(fake, nova, number, "snippet", snippet={"title": "New"})
    ) == (
        400,
        "invalidCategoryId",
    )
    assert refusal_reason(
        update_video(fake, nova, number, "snippet", snippet={"categoryId": "22"})
    ) == (
        400,
        "invalidTitle",
    )
    shown = read_json(
        update_video(fake, nova, number, "snippet", snippet={"title": "New", "categoryId": "24"})
    )
    assert set(shown) == {"kind", "etag", "id", "snippet"}
    assert (one.title, one.description, one.tags, one.category, one.embeddable) == (
        "New",
        "",
        (),
        "24",
        False,
    )
    assert refusal_reason(update_video(fake, nova, number, "nothing", status={})) == (
        400,
        "unknownPart",
    )
    assert refusal_reason(update_video(fake, nova, number, "statistics")) == (400, "invalidPart")
    assert refusal_reason(update_video(fake, nova, "none", status={})) == (404, "videoNotFound")
    other = fake.account("other")
    assert refusal_reason(update_video(fake, other, number, status={})) == (403, "forbidden")
    read_json(update_video(fake, nova, number, status={"privacyStatus": "private"}))
    assert refusal_reason(update_video(fake, other, number, status={})) == (404, "videoNotFound")


def test_video_of_an_unaudited_project_stays_private(fake: FakeYouTube, nova: Member) -> None:
    fake.app.verified = False
    number = upload_video(fake, nova, video_metadata("public"))
    assert read_json(publish_video(fake, nova, number))["status"]["privacyStatus"] == "private"
    fake.app.verified = True
    assert read_json(publish_video(fake, nova, number))["status"]["privacyStatus"] == "private"
    other = upload_video(fake, nova)
    fake.app.verified = False
    assert read_json(publish_video(fake, nova, other))["status"]["privacyStatus"] == "private"
    assert (nova.posts, nova.taken) == ({}, [])
    fake.app.verified = True
    third = upload_video(fake, nova, video_metadata("public"))
    fake.app.verified = False
    read_json(
        update_video(fake, nova, third, "snippet", snippet={"title": "New", "categoryId": "22"})
    )
    assert list(nova.posts) == [third]


def test_video_is_deleted_by_its_owner_only(fake: FakeYouTube, nova: Member) -> None:
    number, other = upload_video(fake, nova, video_metadata("public")), fake.account("other")
    assert refusal_reason(ask(fake, other, "DELETE", f"{API}videos?id={number}")) == (
        403,
        "forbidden",
    )
    reply = ask(fake, nova, "DELETE", f"{API}videos?id={number}")
    assert (reply.status, reply.body) == (204, b"")
    assert refusal_reason(ask(fake, nova, "DELETE", f"{API}videos?id={number}")) == (
        404,
        "videoNotFound",
    )
    assert (get_video(fake, nova, number), nova.videos, nova.taken) == (
        None,
        {},
        [(number, "waves")],
    )


def test_statistics_are_strings(fake: FakeYouTube, nova: Member) -> None:
    number = upload_video(fake, nova, video_metadata("public"))
    nova.videos[number].statistics |= {"viewCount": 12, "likeCount": 3}
    shown = get_video(fake, nova, number, "statistics,contentDetails")
    assert (shown["statistics"]["viewCount"], shown["statistics"]["likeCount"]) == ("12", "3")
    assert (shown["statistics"]["dislikeCount"], set(shown)) == (
        "0",
        {"kind", "etag", "id", "statistics", "contentDetails"},
    )
    assert (
        "dislikeCount"
        not in get_video(fake, fake.account("other"), number, "statistics")["statistics"]
    )
    assert refusal_reason(ask(fake, nova, "GET", f"{API}videos?part=id")) == (
        400,
        "missingRequiredParameter",
    )
    assert refusal_reason(ask(fake, nova, "GET", f"{API}videos?id=x")) == (400, "required")
    many = ",".join(f"v{place}" for place in range(51))
    assert refusal_reason(ask(fake, nova, "GET", f"{API}videos?part=id&id={many}")) == (
        400,
        "invalidFilters",
    )


def test_channel_is_returned(fake: FakeYouTube, nova: Member) -> None:
    [mine] = read_json(
        ask(fake, nova, "GET", f"{API}channels?part=id,snippet,status,contentDetails&mine=true")
    )["items"]
    assert (mine["id"], mine["snippet"]["title"], len(mine["id"])) == (nova.channel_id, "nova", 24)
    assert mine["contentDetails"]["relatedPlaylists"]["uploads"] == "UU" + nova.channel_id[2:]
    [mine] = read_json(
        ask(fake, fake.account("o"), "GET", f"{API}channels?part=statistics&id={nova.channel_id}")
    )["items"]
    assert mine["statistics"]["subscriberCount"] == "0"
    nobody = fake.account("nobody", channel=False)
    assert "items" not in read_json(ask(fake, nobody, "GET", f"{API}channels?part=id&mine=true"))
    assert nobody.channel_id == ""
    assert refusal_reason(open_session(fake, nobody)) == (401, "youtubeSignupRequired")
    assert refusal_reason(ask(fake, nova, "GET", f"{API}channels?part=id")) == (
        400,
        "missingRequiredParameter",
    )


def test_uploads_playlist_is_paginated_and_lags(fake: FakeYouTube, nova: Member) -> None:
    numbers = []
    for place in range(4):
        numbers.append(
            upload_video(
                fake,
                nova,
                video_metadata("private" if place == 1 else "public", title=f"n. {place}"),
            )
        )
        fake.clock.advance(60)
    path = (
        f"{API}playlistItems?part=snippet,status,contentDetails&playlistId={nova.uploads_playlist}"
    )

    def items(mine: Member, more: str = "&maxResults=50") -> Any:
        return read_json(ask(fake, mine, "GET", path + more))

    page = items(nova, "&maxResults=3")
    names = [one["snippet"]["resourceId"]["videoId"] for one in page["items"]]
    assert (names, page["items"][0]["snippet"]["title"]) == (numbers[:0:-1], "n. 3")
    assert [one["status"]["privacyStatus"] for one in page["items"]] == [
        "public",
        "public",
        "private",
    ]
    rest = items(nova, f"&maxResults=3&{urlencode({'pageToken': page['nextPageToken']})}")
    assert (
        [one["contentDetails"]["videoId"] for one in rest["items"]],
        "nextPageToken" in rest,
    ) == (
        numbers[:1],
        False,
    )
    assert len(items(fake.account("other"))["items"]) == 3
    fake.book.schedule_fault("lag", lookup_lag=100)
    assert len(items(nova)["items"]) == 3
    fake.book.clear_faults()
    assert len(items(nova)["items"]) == 4
    assert ask(fake, nova, "GET", path + "&maxResults=51").status == 400
    assert refusal_reason(ask(fake, nova, "GET", path + "&pageToken=x")) == (
        400,
        "invalidPageToken",
    )
    assert refusal_reason(ask(fake, nova, "GET", path + "x")) == (404, "playlistNotFound")


def test_quotas_belong_to_the_project(fake: FakeYouTube, nova: Member) -> None:
    day = fake.clock().astimezone(PACIFIC).replace(hour=12, minute=0) + timedelta(days=1)
    fake.clock.advance((day.astimezone(UTC) - fake.clock()).total_seconds())
    fake.uploads_per_day, fake.units_per_day, other = 2, 102, fake.account("other")
    number = upload_video(fake, nova)
    assert open_session(fake, other, video_metadata(title="")).status == 400
    assert (
        refusal_reason(open_session(fake, other))
        == refusal_reason(open_session(fake, nova))
        == (403, "quotaExceeded")
    )
    assert get_video(fake, nova, number)
    assert (
        publish_video(fake, nova, number).status
        == update_video(fake, nova, number, status={}).status
        == 200
    )
    assert refusal_reason(publish_video(fake, nova, number)) == (403, "quotaExceeded")
    assert get_video(fake, other, number)
    assert refusal_reason(ask(fake, other, "GET", f"{API}videos?part=id&id={number}")) == (
        403,
        "quotaExceeded",
    )
    nova.app = fake.application("https://house.example/back")
    assert get_video(fake, nova, number)
    fake.clock.advance(11 * 3600)
    assert refusal_reason(open_session(fake, other)) == (403, "quotaExceeded")
    fake.clock.advance(3600 + 60)
    assert open_session(fake, other).status == 200
    fake.rate_limited = 1
    assert [refusal_reason(open_session(fake, other)), open_session(fake, other).status] == [
        (403, "rateLimitExceeded"),
        200,
    ]


def test_missing_token_or_scope_is_refused(fake: FakeYouTube, nova: Member) -> None:
    assert refusal_reason(open_session(fake, "ya29.none")) == (401, "authError")
    assert refusal_reason(send(fake, "GET", f"{API}videos?part=id&id=x")) == (401, "required")
    number = upload_video(fake, nova)
    nova.scopes = nova.scopes[:1]
    assert open_session(fake, nova).status == 200
    assert refusal_reason(ask(fake, nova, "GET", f"{API}videos?part=id&id=x")) == (
        403,
        "insufficientPermissions",
    )
    nova.scopes = ("https://www.googleapis.com/auth/youtube.readonly",)
    assert get_video(fake, nova, number)
    for reply in (
        open_session(fake, nova),
        publish_video(fake, nova, number),
        ask(fake, nova, "DELETE", f"{API}videos?id=x"),
    ):
        assert refusal_reason(reply) == (403, "insufficientPermissions")
    nova.suspended = True
    assert refusal_reason(ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")) == (
        403,
        "channelSuspended",
    )
    nova.suspended_word = "accountClosed"
    assert refusal_reason(ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")) == (
        403,
        "accountClosed",
    )
    fake.revoke(nova)
    assert refusal_reason(ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")) == (
        401,
        "authError",
    )
    assert ask(fake, nova, "GET", f"{API}search?part=id").status == 404


def test_subscriber_count_has_three_significant_digits(fake: FakeYouTube, nova: Member) -> None:
    path = f"{API}channels?part=statistics&id={nova.channel_id}"
    for many, shown in ((0, "0"), (999, "999"), (1239, "1230"), (123_999, "123000")):
        nova.subscribers = many
        assert (
            read_json(ask(fake, nova, "GET", path))["items"][0]["statistics"]["subscriberCount"]
            == shown
        )
    nova.hides_subscribers = True
    statistics = read_json(ask(fake, nova, "GET", path))["items"][0]["statistics"]
    assert (statistics["hiddenSubscriberCount"], statistics["subscriberCount"]) == (True, "0")


def test_faults_are_injected_by_request_kind(fake: FakeYouTube, nova: Member) -> None:
    path = create_session(fake, nova)
    fake.book.schedule_fault("status:503_after", on="files", account="nova")
    assert send_bytes(fake, path, FILM).status == 503
    [number] = nova.videos
    assert read_json(send_bytes(fake, path, b"", f"bytes */{len(FILM)}"))["id"] == number
    for part in ("statistics", "status", "status,statistics"):
        get_video(fake, nova, number, part)
    publish_video(fake, nova, number)
    ask(fake, nova, "GET", f"{API}playlistItems?part=id&playlistId={nova.uploads_playlist}")
    ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")
    ask(fake, nova, "DELETE", f"{API}videos?id={number}")
    send(fake, "POST", "/token")
    kinds = [row["kind"] for row in fake.book.list_requests()]
    assert kinds[:3] == ["files"] * 3
    assert kinds[3:] == [
        "metrics",
        "polls",
        "polls",
        "posts",
        "lookups",
        "checks",
        "deletes",
        "tokens",
    ]
    assert {row["account"] for row in fake.book.list_requests()} == {"nova", ""}
