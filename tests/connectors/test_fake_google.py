"""The fake YouTube keeps to its rules: parts replaced whole, lists, quotas, projects without an
audit."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fakes.google import OPERATIONS, FakeYouTube, Member, youtube
from tests.fakes.google_asking import (
    API,
    FILM,
    ask,
    opened,
    public,
    put,
    reason,
    send,
    session,
    told,
    update,
    uploaded,
    video,
    wanted,
)
from tests.fakes.google_limits import PACIFIC


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with youtube() as running:
        yield running
        assert [one for one in running.spec.refused if one.startswith("answer")] == []


@pytest.fixture
def nova(fake: FakeYouTube) -> Member:
    return fake.account("nova")


def test_what_is_not_described_is_refused(fake: FakeYouTube, nova: Member) -> None:
    if fake.spec.path is None:
        pytest.skip("no discovery document here")
    assert reason(opened(fake, nova, wanted() | {"more": 1})) == (400, "badRequest")
    assert reason(opened(fake, nova, wanted(privacyStatus="private"))) == (400, "badRequest")
    assert reason(ask(fake, nova, "GET", f"{API}videos?part=id&id=x&more=1")) == (400, "badRequest")
    assert reason(ask(fake, nova, "DELETE", f"{API}videos")) == (400, "required")
    assert len(fake.spec.refused) == 4
    for operation in (
        "videos.insert",
        "videos.list",
        "videos.update",
        "videos.delete",
        "channels.list",
    ):
        assert fake.spec.scopes(operation)


def test_scopes_are_those_described(fake: FakeYouTube) -> None:
    for one in OPERATIONS.values():
        assert fake.spec.path is None or one.scopes == fake.spec.scopes(one.name)


def test_publishing_is_an_update(fake: FakeYouTube, nova: Member) -> None:
    number, other = uploaded(fake, nova), fake.account("other")
    before = video(fake, nova, number)["snippet"]["publishedAt"]
    assert video(fake, other, number) is None
    fake.clock.advance(3600)
    assert told(public(fake, nova, number))["status"]["privacyStatus"] == "public"
    assert told(public(fake, nova, number))["status"]["privacyStatus"] == "public"
    assert (nova.taken, list(nova.posts)) == ([(number, "waves")], [number])
    shown = video(fake, other, number)
    assert shown["snippet"]["publishedAt"] > before
    assert "selfDeclaredMadeForKids" not in shown["status"]
    assert reason(ask(fake, other, "GET", f"{API}videos?part=fileDetails&id={number}")) == (
        403,
        "forbidden",
    )
    assert (
        told(update(fake, nova, number, status={"privacyStatus": "unlisted"}))["status"][
            "embeddable"
        ]
        is True
    )
    assert (nova.posts, len(nova.taken)) == ({}, 1)


def test_parts_are_replaced_whole(fake: FakeYouTube, nova: Member) -> None:
    number = uploaded(fake, nova, wanted(tags=["sea"]))
    one = nova.videos[number]
    assert (
        told(update(fake, nova, number, status={"embeddable": False}))["status"]["privacyStatus"]
        == "public"
    )
    assert (one.privacy, one.synthetic, one.made_for_kids, one.tags) == (
        "public",
        None,
        None,
        ("sea",),
    )
    assert reason(update(fake, nova, number, "snippet", snippet={"title": "New"})) == (
        400,
        "invalidCategoryId",
    )
    assert reason(update(fake, nova, number, "snippet", snippet={"categoryId": "22"})) == (
        400,
        "invalidTitle",
    )
    shown = told(
        update(fake, nova, number, "snippet", snippet={"title": "New", "categoryId": "24"})
    )
    assert set(shown) == {"kind", "etag", "id", "snippet"}
    assert (one.title, one.description, one.tags, one.category, one.embeddable) == (
        "New",
        "",
        (),
        "24",
        False,
    )
    assert reason(update(fake, nova, number, "nothing", status={})) == (400, "unknownPart")
    assert reason(update(fake, nova, number, "statistics")) == (400, "invalidPart")
    assert reason(update(fake, nova, "none", status={})) == (404, "videoNotFound")
    other = fake.account("other")
    assert reason(update(fake, other, number, status={})) == (403, "forbidden")
    told(update(fake, nova, number, status={"privacyStatus": "private"}))
    assert reason(update(fake, other, number, status={})) == (404, "videoNotFound")


def test_a_project_without_an_audit_stays_private(fake: FakeYouTube, nova: Member) -> None:
    fake.app.verified = False
    number = uploaded(fake, nova, wanted("public"))
    assert told(public(fake, nova, number))["status"]["privacyStatus"] == "private"
    fake.app.verified = True
    assert told(public(fake, nova, number))["status"]["privacyStatus"] == "private"
    other = uploaded(fake, nova)
    fake.app.verified = False
    assert told(public(fake, nova, other))["status"]["privacyStatus"] == "private"
    assert (nova.posts, nova.taken) == ({}, [])
    fake.app.verified = True
    third = uploaded(fake, nova, wanted("public"))
    fake.app.verified = False
    told(update(fake, nova, third, "snippet", snippet={"title": "New", "categoryId": "22"}))
    assert list(nova.posts) == [third]


def test_deleting(fake: FakeYouTube, nova: Member) -> None:
    number, other = uploaded(fake, nova, wanted("public")), fake.account("other")
    assert reason(ask(fake, other, "DELETE", f"{API}videos?id={number}")) == (403, "forbidden")
    reply = ask(fake, nova, "DELETE", f"{API}videos?id={number}")
    assert (reply.status, reply.body) == (204, b"")
    assert reason(ask(fake, nova, "DELETE", f"{API}videos?id={number}")) == (404, "videoNotFound")
    assert (video(fake, nova, number), nova.videos, nova.taken) == (None, {}, [(number, "waves")])


def test_statistics_are_words(fake: FakeYouTube, nova: Member) -> None:
    number = uploaded(fake, nova, wanted("public"))
    nova.videos[number].statistics |= {"viewCount": 12, "likeCount": 3}
    shown = video(fake, nova, number, "statistics,contentDetails")
    assert (shown["statistics"]["viewCount"], shown["statistics"]["likeCount"]) == ("12", "3")
    assert (shown["statistics"]["dislikeCount"], set(shown)) == (
        "0",
        {"kind", "etag", "id", "statistics", "contentDetails"},
    )
    assert (
        "dislikeCount" not in video(fake, fake.account("other"), number, "statistics")["statistics"]
    )
    assert reason(ask(fake, nova, "GET", f"{API}videos?part=id")) == (
        400,
        "missingRequiredParameter",
    )
    assert reason(ask(fake, nova, "GET", f"{API}videos?id=x")) == (400, "required")
    many = ",".join(f"v{place}" for place in range(51))
    assert reason(ask(fake, nova, "GET", f"{API}videos?part=id&id={many}")) == (
        400,
        "invalidFilters",
    )


def test_the_channel(fake: FakeYouTube, nova: Member) -> None:
    [mine] = told(
        ask(fake, nova, "GET", f"{API}channels?part=id,snippet,status,contentDetails&mine=true")
    )["items"]
    assert (mine["id"], mine["snippet"]["title"], len(mine["id"])) == (nova.channel_id, "nova", 24)
    assert mine["contentDetails"]["relatedPlaylists"]["uploads"] == "UU" + nova.channel_id[2:]
    [mine] = told(
        ask(fake, fake.account("o"), "GET", f"{API}channels?part=statistics&id={nova.channel_id}")
    )["items"]
    assert mine["statistics"]["subscriberCount"] == "0"
    nobody = fake.account("nobody", channel=False)
    assert "items" not in told(ask(fake, nobody, "GET", f"{API}channels?part=id&mine=true"))
    assert nobody.channel_id == ""
    assert reason(opened(fake, nobody)) == (401, "youtubeSignupRequired")
    assert reason(ask(fake, nova, "GET", f"{API}channels?part=id")) == (
        400,
        "missingRequiredParameter",
    )


def test_the_list_of_uploads(fake: FakeYouTube, nova: Member) -> None:
    numbers = []
    for place in range(4):
        numbers.append(
            uploaded(fake, nova, wanted("private" if place == 1 else "public", title=f"n. {place}"))
        )
        fake.clock.advance(60)
    path = (
        f"{API}playlistItems?part=snippet,status,contentDetails&playlistId={nova.uploads_playlist}"
    )

    def items(mine: Member, more: str = "&maxResults=50") -> Any:
        return told(ask(fake, mine, "GET", path + more))

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
    assert reason(ask(fake, nova, "GET", path + "&pageToken=x")) == (400, "invalidPageToken")
    assert reason(ask(fake, nova, "GET", path + "x")) == (404, "playlistNotFound")


def test_quotas_are_the_projects(fake: FakeYouTube, nova: Member) -> None:
    day = fake.clock().astimezone(PACIFIC).replace(hour=12, minute=0) + timedelta(days=1)
    fake.clock.advance((day.astimezone(UTC) - fake.clock()).total_seconds())
    fake.uploads_per_day, fake.units_per_day, other = 2, 102, fake.account("other")
    number = uploaded(fake, nova)
    assert opened(fake, other, wanted(title="")).status == 400
    assert reason(opened(fake, other)) == reason(opened(fake, nova)) == (403, "quotaExceeded")
    assert video(fake, nova, number)
    assert public(fake, nova, number).status == update(fake, nova, number, status={}).status == 200
    assert reason(public(fake, nova, number)) == (403, "quotaExceeded")
    assert video(fake, other, number)
    assert reason(ask(fake, other, "GET", f"{API}videos?part=id&id={number}")) == (
        403,
        "quotaExceeded",
    )
    nova.app = fake.application("https://house.example/back")
    assert video(fake, nova, number)
    fake.clock.advance(11 * 3600)
    assert reason(opened(fake, other)) == (403, "quotaExceeded")
    fake.clock.advance(3600 + 60)
    assert opened(fake, other).status == 200
    fake.rate_limited = 1
    assert [reason(opened(fake, other)), opened(fake, other).status] == [
        (403, "rateLimitExceeded"),
        200,
    ]


def test_who_may_ask(fake: FakeYouTube, nova: Member) -> None:
    assert reason(opened(fake, "ya29.none")) == (401, "authError")
    assert reason(send(fake, "GET", f"{API}videos?part=id&id=x")) == (401, "required")
    number = uploaded(fake, nova)
    nova.scopes = nova.scopes[:1]
    assert opened(fake, nova).status == 200
    assert reason(ask(fake, nova, "GET", f"{API}videos?part=id&id=x")) == (
        403,
        "insufficientPermissions",
    )
    nova.scopes = ("https://www.googleapis.com/auth/youtube.readonly",)
    assert video(fake, nova, number)
    for reply in (
        opened(fake, nova),
        public(fake, nova, number),
        ask(fake, nova, "DELETE", f"{API}videos?id=x"),
    ):
        assert reason(reply) == (403, "insufficientPermissions")
    nova.suspended = True
    assert reason(ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")) == (
        403,
        "channelSuspended",
    )
    nova.suspended_word = "accountClosed"
    assert reason(ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")) == (
        403,
        "accountClosed",
    )
    fake.revoke(nova)
    assert reason(ask(fake, nova, "GET", f"{API}channels?part=id&mine=true")) == (401, "authError")
    assert ask(fake, nova, "GET", f"{API}search?part=id").status == 404


def test_subscribers_are_told_to_three_digits(fake: FakeYouTube, nova: Member) -> None:
    path = f"{API}channels?part=statistics&id={nova.channel_id}"
    for many, shown in ((0, "0"), (999, "999"), (1239, "1230"), (123_999, "123000")):
        nova.subscribers = many
        assert (
            told(ask(fake, nova, "GET", path))["items"][0]["statistics"]["subscriberCount"] == shown
        )
    nova.hides_subscribers = True
    statistics = told(ask(fake, nova, "GET", path))["items"][0]["statistics"]
    assert (statistics["hiddenSubscriberCount"], statistics["subscriberCount"]) == (True, "0")


def test_bad_days(fake: FakeYouTube, nova: Member) -> None:
    path = session(fake, nova)
    fake.book.schedule_fault("status:503_after", on="files", account="nova")
    assert put(fake, path, FILM).status == 503
    [number] = nova.videos
    assert told(put(fake, path, b"", f"bytes */{len(FILM)}"))["id"] == number
    for part in ("statistics", "status", "status,statistics"):
        video(fake, nova, number, part)
    public(fake, nova, number)
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
