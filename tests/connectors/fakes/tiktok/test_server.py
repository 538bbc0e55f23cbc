"""Rules of the fake TikTok: codes, ordered parts, posting limits, and the data it returns."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.tiktok.server import App, FakeTikTok, Member, tiktok
from tests.fakes.tiktok.uploads import LEAST

HTTP = HttpClient()
BACK = "https://house.example/back"
FORM = {"content-type": "application/x-www-form-urlencoded"}
FILM = b"\0\0\0\x18ftypmp42" + bytes(2 * LEAST + 1000)
"""A video of two parts; the last part contains the remainder."""
SMALL = b"\0\0\0\x18ftypmp42" + bytes(1000)
PUBLISH, VIDEO = "/v2/post/publish/", "/v2/video/"


def send(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> HttpResponse:
    reply = HTTP.send(HttpRequest(method, url, headers or {}, body, 10.0))
    assert isinstance(reply, HttpResponse), reply
    return reply


def ask(
    fake: FakeTikTok, mine: Member | str, path: str, said: Any = None, method: str = "POST"
) -> tuple[int, str, Any]:
    """Return the status, error code and data of an API response."""
    token = mine if isinstance(mine, str) else mine.token
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json; charset=UTF-8",
    }
    reply = send(
        method, fake.url + path, headers, b"" if said is None else json.dumps(said).encode()
    )
    told = json.loads(reply.body)
    assert set(told["error"]) == {"code", "message", "log_id"}
    return reply.status, told["error"]["code"], told["data"]


def init(fake: FakeTikTok, mine: Member, film: bytes = FILM, **post: Any) -> tuple[int, str, Any]:
    size = len(film)
    chunk = min(size, LEAST)
    parts = {
        "source": "FILE_UPLOAD",
        "video_size": size,
        "chunk_size": chunk,
        "total_chunk_count": size // chunk,
    }
    said = {"title": "waves", "privacy_level": "PUBLIC_TO_EVERYONE", "is_aigc": True} | post
    said = {name: value for name, value in said.items() if value is not None}
    return ask(fake, mine, f"{PUBLISH}video/init/", {"post_info": said, "source_info": parts})


def begun(fake: FakeTikTok, mine: Member, film: bytes = FILM, **post: Any) -> tuple[str, str]:
    """Start an upload. Return its ID and URL."""
    assert ask(fake, mine, f"{PUBLISH}creator_info/query/")[:2] == (200, "ok")
    status, word, told = init(fake, mine, film, **post)
    assert (status, word) == (200, "ok")
    return told["publish_id"], told["upload_url"]


def put(url: str, first: int, end: int, film: bytes = FILM, **more: Any) -> HttpResponse:
    headers = {"content-type": "video/mp4", "content-range": f"bytes {first}-{end - 1}/{len(film)}"}
    return send(
        "PUT",
        url,
        headers | {name.replace("_", "-"): one for name, one in more.items()},
        film[first:end],
    )


def published(fake: FakeTikTok, mine: Member, film: bytes = SMALL, **post: Any) -> str:
    number, url = begun(fake, mine, film, **post)
    assert put(url, 0, len(film), film).status == 201
    return number


def status(fake: FakeTikTok, mine: Member, number: str) -> Any:
    told = ask(fake, mine, f"{PUBLISH}status/fetch/", {"publish_id": number})
    assert told[:2] == (200, "ok")
    return told[2]


def shown(fake: FakeTikTok, mine: Member, *ids: str, fields: str = "id,title") -> Any:
    told = ask(fake, mine, f"{VIDEO}query/?fields={fields}", {"filters": {"video_ids": list(ids)}})
    assert told[:2] == (200, "ok")
    return told[2]["videos"]


@pytest.fixture
def fake() -> Iterator[FakeTikTok]:
    with tiktok() as running:
        yield running


@pytest.fixture
def mia(fake: FakeTikTok) -> Member:
    return fake.account("mia")


def came_back(fake: FakeTikTok, app: App, **changes: str) -> dict[str, str]:
    asked = {
        "client_key": app.client_key,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "st&te",
    }
    more = {"scope": "video.publish,video.list", "code_challenge": "x", "approve": "mia"}
    reply = send("GET", f"{fake.url}/v2/auth/authorize/?{urlencode({**asked, **more, **changes})}")
    assert reply.status == 302, reply.body
    assert reply.headers["location"].startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(reply.headers["location"]).query))


def tokens(fake: FakeTikTok, app: App, **said: str) -> tuple[int, Any]:
    form = {"client_key": app.client_key, "client_secret": app.client_secret, **said}
    reply = send("POST", f"{fake.url}/v2/oauth/token/", FORM, urlencode(form).encode())
    return reply.status, json.loads(reply.body)


def test_authorization_code_is_redeemed_once(fake: FakeTikTok, mia: Member) -> None:
    app, how = fake.application(BACK), {"grant_type": "authorization_code", "redirect_uri": BACK}
    back = came_back(fake, app)
    assert (back["scopes"], back["state"]) == ("user.info.basic,video.publish,video.list", "st&te")
    elsewhere = how | {"redirect_uri": BACK + "x"}
    assert tokens(fake, app, **elsewhere, code=back["code"])[1]["error"] == "invalid_grant"
    assert tokens(fake, app, **how, code=quote(back["code"]))[1]["error"] == "invalid_grant", (
        "it was escaped twice"
    )
    code, told = tokens(fake, app, **how, code=back["code"])
    assert (code, told["open_id"], told["expires_in"], told["token_type"]) == (
        200,
        mia.open_id,
        7200,
        "Bearer",
    )
    assert (told["scope"], told["refresh_expires_in"]) == (back["scopes"], 15552000)
    assert (
        ask(fake, told["access_token"], f"{PUBLISH}creator_info/query/", {})[2]["creator_username"]
        == "mia"
    )
    again = tokens(fake, app, **how, code=back["code"])
    assert (again[0], set(again[1])) == (400, {"error", "error_description", "log_id"})
    late = came_back(fake, app)["code"]
    fake.clock.advance(600)
    assert tokens(fake, app, **how, code=late)[1]["error"] == "invalid_grant"
    assert came_back(fake, app, approve="")["error"] == "access_denied"
    assert fake.broken == []
    for form, header in (
        ({"client_id": app.client_key}, {}),
        ({}, {"authorization": "Basic eDp5"}),
    ):
        said = {
            "client_key": app.client_key,
            "client_secret": app.client_secret,
            **how,
            "code": "x",
            **form,
        }
        reply = send("POST", f"{fake.url}/v2/oauth/token/", FORM | header, urlencode(said).encode())
        assert reply.status in (400, 401)
    assert len(fake.broken) == 2


def test_refresh_token_is_replaced_on_use(fake: FakeTikTok, mia: Member) -> None:
    app = fake.application(BACK)
    how = {"grant_type": "authorization_code", "redirect_uri": BACK}
    first = tokens(fake, app, **how, code=came_back(fake, app)["code"])[1]
    fake.clock.advance(7200)
    assert ask(fake, first["access_token"], f"{PUBLISH}creator_info/query/")[:2] == (
        401,
        "access_token_invalid",
    )
    code, second = tokens(
        fake, app, grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    assert (code, second["open_id"], second["expires_in"]) == (200, mia.open_id, 7200)
    assert second["refresh_token"] != first["refresh_token"]
    assert (
        tokens(fake, app, grant_type="refresh_token", refresh_token=first["refresh_token"])[0]
        == 400
    )
    assert ask(fake, second["access_token"], f"{PUBLISH}creator_info/query/")[:2] == (200, "ok")
    fake.revoke(mia)
    for token in (second["access_token"], mia.token):
        assert ask(fake, token, f"{PUBLISH}creator_info/query/")[:2] == (
            401,
            "access_token_invalid",
        )
    assert (
        tokens(fake, app, grant_type="refresh_token", refresh_token=second["refresh_token"])[0]
        == 400
    )


def test_video_is_uploaded_in_two_parts(fake: FakeTikTok, mia: Member) -> None:
    number, url = begun(fake, mia)
    assert (
        number.startswith("v_pub_file~v2-1."),
        url.startswith(f"{fake.url}/video/?upload_id="),
    ) == (True, True)
    part = put(url, 0, LEAST)
    assert (part.status, part.headers["content-range"], part.body) == (
        206,
        f"bytes 0-{LEAST - 1}/{len(FILM)}",
        b"",
    )
    assert status(fake, mia, number) == {"status": "PROCESSING_UPLOAD", "uploaded_bytes": LEAST}
    assert mia.taken == []
    assert put(url, LEAST, len(FILM)).status == 201
    told, [post] = status(fake, mia, number), mia.posts.values()
    assert (told["status"], told["publicaly_available_post_id"]) == (
        "PUBLISH_COMPLETE",
        [int(post.id)],
    )
    assert (mia.taken, post.ai, fake.named) == (
        [(post.id, "waves")],
        True,
        {hashlib.sha256(FILM).hexdigest(): number},
    )
    [video] = shown(fake, mia, post.id, fields="id,title,share_url,view_count")
    assert (video["id"], video["title"], video["view_count"]) == (post.id, "waves", 0)
    assert f"/@mia/video/{post.id}" in video["share_url"]
    assert shown(fake, fake.account("other"), post.id) == []
    assert [one["kind"] for one in fake.book.list_requests()] == [
        *("lookups", "files", "files", "lookups", "posts", "lookups", "metrics", "lookups")
    ]
    assert {one["account"] for one in fake.book.list_requests()} == {"mia", "other"}
    assert fake.broken == []


def test_parts_are_accepted_once_and_in_order(fake: FakeTikTok, mia: Member) -> None:
    number, url = begun(fake, mia)
    assert put(url, LEAST, len(FILM)).status == 416
    assert put(url, 0, LEAST).status == 206
    assert put(url, 0, LEAST).status == 416
    assert put(f"{url}x", LEAST, len(FILM)).status == 404
    assert fake.broken == []
    assert put(url, LEAST, 2 * LEAST).status == 416
    assert put(url, LEAST, len(FILM), content_type="text/plain").status == 400
    assert put(url, LEAST, len(FILM), authorization=f"Bearer {mia.token}").status == 400
    assert len(fake.broken) == 3
    assert [put(url, LEAST, len(FILM)).status for _ in range(2)] == [201, 404]
    assert (status(fake, mia, number)["uploaded_bytes"], len(mia.taken)) == (len(FILM), 1)


def test_upload_url_expires_after_an_hour(fake: FakeTikTok, mia: Member) -> None:
    number, url = begun(fake, mia)
    fake.clock.advance(3599)
    assert put(url, 0, LEAST).status == 206
    fake.clock.advance(1)
    assert put(url, LEAST, len(FILM)).status == 403
    assert (status(fake, mia, number)["status"], mia.taken) == ("PROCESSING_UPLOAD", [])


def test_post_requires_a_creator_info_query(fake: FakeTikTok, mia: Member) -> None:
    assert init(fake, mia)[:2] == (400, "invalid_params")
    assert ask(fake, mia, f"{PUBLISH}creator_info/query/", {})[0] == 200
    fake.clock.advance(601)
    assert init(fake, mia)[:2] == (400, "invalid_params")
    assert fake.broken == ["creator_info was not asked for before the post"] * 2


def test_privacy_options_are_those_of_the_account(fake: FakeTikTok, mia: Member) -> None:
    lea = fake.account("lea", private=True, comment_disabled=True)
    for mine, first in ((mia, "PUBLIC_TO_EVERYONE"), (lea, "FOLLOWER_OF_CREATOR")):
        told = ask(fake, mine, f"{PUBLISH}creator_info/query/")[2]
        assert told["privacy_level_options"] == [first, "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
        assert (told["comment_disabled"], told["duet_disabled"]) == (mine is lea, mine is lea)
    assert init(fake, mia, privacy_level="FOLLOWER_OF_CREATOR")[:2] == (
        400,
        "privacy_level_option_mismatch",
    )
    assert init(fake, lea)[:2] == (400, "privacy_level_option_mismatch")
    assert fake.broken == []
    assert init(fake, lea, privacy_level="SELF_ONLY")[:2] == (400, "invalid_params")
    assert init(fake, mia, privacy_level=None)[1] == "privacy_level_option_mismatch"
    assert len(fake.broken) == 2
    published(fake, lea, privacy_level="SELF_ONLY", disable_comment=True)
    assert [(one.no_comments, one.no_duets) for one in lea.posts.values()] == [(True, True)]
    fake.audited, word = False, "unaudited_client_can_only_post_to_private_accounts"
    assert init(fake, lea, privacy_level="FOLLOWER_OF_CREATOR", disable_comment=True)[:2] == (
        403,
        word,
    )
    assert init(fake, mia, privacy_level="SELF_ONLY")[:2] == (403, word)
    number = published(fake, lea, privacy_level="SELF_ONLY", disable_comment=True)
    assert status(fake, lea, number)["publicaly_available_post_id"] == []
    assert len(lea.posts) == 2


def test_undescribed_request_is_rejected(fake: FakeTikTok, mia: Member) -> None:
    begun(fake, mia)
    for post in ({"more": 1}, {"title": 1}, {"title": "🌊" * 1101}, {"disable_duet": 1}):
        assert init(fake, mia, **post)[:2] == (400, "invalid_params")
    assert len(fake.broken) == 4
    for size, chunk, count in (
        (1000, 500, 2),
        (LEAST * 2, LEAST, 1),
        (LEAST * 2, LEAST - 1, 2),
        (LEAST, LEAST + 1, 0),
    ):
        fake.clock.advance(61)
        source = {
            "source": "FILE_UPLOAD",
            "video_size": size,
            "chunk_size": chunk,
            "total_chunk_count": count,
        }
        said = {"post_info": {"privacy_level": "SELF_ONLY"}, "source_info": source}
        assert ask(fake, mia, f"{PUBLISH}video/init/", said)[:2] == (400, "invalid_params")
    pulled = {"source": "PULL_FROM_URL", "video_url": "https://house.example/film.mp4"}
    said = {"post_info": {"privacy_level": "SELF_ONLY"}, "source_info": pulled}
    assert ask(fake, mia, f"{PUBLISH}video/init/", said)[:2] == (403, "url_ownership_unverified")
    assert ask(fake, mia, f"{PUBLISH}status/fetch/", {"publish_id": "x"})[:2] == (
        400,
        "invalid_publish_id",
    )
    assert begun(fake, mia, title="🌊" * 1100)


def test_repeated_request_creates_a_second_post(fake: FakeTikTok, mia: Member) -> None:
    fake.book.schedule_fault("status:503_after", on="posts", account="mia")
    number, url = begun(fake, mia, SMALL)
    assert [put(url, 0, len(SMALL), SMALL).status for _ in range(2)] == [503, 404]
    assert (status(fake, mia, number)["status"], len(mia.taken)) == ("PUBLISH_COMPLETE", 1)
    numbers = {number, published(fake, mia)}
    assert (len(numbers), [title for _, title in mia.taken], len(mia.posts)) == (
        2,
        ["waves"] * 2,
        2,
    )


def test_processing_and_moderation_take_time(fake: FakeTikTok, mia: Member) -> None:
    fake.processing_seconds, fake.moderation_seconds = 60, 3600
    number = published(fake, mia)
    assert status(fake, mia, number) == {
        "status": "PROCESSING_UPLOAD",
        "uploaded_bytes": len(SMALL),
    }
    assert (mia.posts, mia.taken) == ({}, [])
    fake.clock.advance(60)
    assert status(fake, mia, number)["status"] == "PUBLISH_COMPLETE"
    assert status(fake, mia, number)["publicaly_available_post_id"] == []
    [post] = mia.posts
    assert shown(fake, mia, post) == []
    fake.clock.advance(3600)
    assert status(fake, mia, number)["publicaly_available_post_id"] == [int(post)]
    fake.book.schedule_fault("lag", lookup_lag=100)
    assert (shown(fake, mia, post), status(fake, mia, number)["publicaly_available_post_id"]) == (
        [],
        [],
    )
    assert ask(fake, fake.account("o"), f"{PUBLISH}status/fetch/", {"publish_id": number})[0] == 403


def test_processing_may_fail(fake: FakeTikTok, mia: Member) -> None:
    fake.fails("duration_check_failed")
    failed, bare = published(fake, mia), published(fake, mia, film=bytes(1000))
    assert status(fake, mia, failed)["fail_reason"] == "duration_check_failed"
    told = status(fake, mia, bare)
    assert (told["status"], told["fail_reason"]) == ("FAILED", "file_format_check_failed")
    assert (mia.taken, mia.posts) == ([], {})
    assert status(fake, mia, published(fake, mia))["status"] == "PUBLISH_COMPLETE"


def test_rate_and_daily_limits_are_enforced(fake: FakeTikTok, mia: Member) -> None:
    for _ in range(6):
        begun(fake, mia)
    assert init(fake, mia)[:2] == (429, "rate_limit_exceeded")
    begun(fake, fake.account("other"))
    fake.clock.advance(61)
    fake.posts_per_day = 1
    published(fake, mia)
    assert init(fake, mia)[:2] == (403, "spam_risk_too_many_posts")
    assert ask(fake, mia, f"{PUBLISH}creator_info/query/")[:2] == (200, "spam_risk_too_many_posts")
    fake.clock.advance(timedelta(days=1).total_seconds())
    begun(fake, mia)
    mia.banned, fake.tells_early = True, False
    assert ask(fake, mia, f"{PUBLISH}creator_info/query/")[1] == "ok"
    assert init(fake, mia)[:2] == (403, "spam_risk_user_banned_from_posting")


def test_unaudited_app_is_limited_to_five_users_a_day(fake: FakeTikTok) -> None:
    how: dict[str, Any] = {"privacy_level": "SELF_ONLY"}
    fake.audited = False
    people = [fake.account(f"p{place}", private=True) for place in range(6)]
    for one in people[:5]:
        published(fake, one, **how)
    assert init(fake, people[5], **how)[:2] == (403, "reached_active_user_cap")
    published(fake, people[0], **how)
    fake.clock.advance(timedelta(days=1).total_seconds())
    published(fake, people[5], **how)


def test_removed_post_has_no_public_id(fake: FakeTikTok, mia: Member) -> None:
    number = published(fake, mia, title="é" * 200)
    [post] = mia.posts
    assert shown(fake, mia, post) == [{"id": post, "title": "é" * 150}]
    fake.takes_down(mia, int(post))
    told = status(fake, mia, number)
    assert (told["status"], told["publicaly_available_post_id"]) == ("PUBLISH_COMPLETE", [])
    assert (shown(fake, mia, post), mia.posts, mia.taken) == ([], {}, [(post, "é" * 200)])


def test_account_videos_and_profile_are_returned(fake: FakeTikTok, mia: Member) -> None:
    for place in range(3):
        published(fake, mia, title=f"n. {place}")
        fake.clock.advance(1)
    published(fake, mia, privacy_level="SELF_ONLY")
    path = f"{VIDEO}list/?fields=title,create_time"
    page = ask(fake, mia, path, {"max_count": 2})[2]
    assert ([one["title"] for one in page["videos"]], page["has_more"]) == (["n. 2", "n. 1"], True)
    rest = ask(fake, mia, path, {"max_count": 2, "cursor": page["cursor"]})[2]
    assert ([one["title"] for one in rest["videos"]], rest["has_more"]) == (["n. 0"], False)
    told = ask(fake, mia, "/v2/user/info/?fields=open_id,display_name", method="GET")
    assert told[2] == {"user": {"open_id": mia.open_id, "display_name": "Mia"}}
    denied = ask(fake, mia, "/v2/user/info/?fields=username", method="GET")
    assert denied[:2] == (401, "scope_not_authorized")
    mia.followers = 12
    counted = "/v2/user/info/?fields=follower_count"
    assert ask(fake, mia, counted, method="GET")[2] == {"user": {"follower_count": 12}}
    mia.scopes = ("user.info.basic",)
    assert ask(fake, mia, counted, method="GET")[:2] == (401, "scope_not_authorized")
    mia.scopes = ("video.list",)
    assert init(fake, mia)[:2] == (401, "scope_not_authorized")
    assert (
        ask(fake, mia, f"{VIDEO}query/?fields=id,nothing", {"filters": {"video_ids": ["1"]}})[0]
        == 400
    )
    assert ask(fake, mia, "/v2/post/publish/content/init/", {})[0] == 404
