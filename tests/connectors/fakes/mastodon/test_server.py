"""The fake Mastodon follows the published description and works with the common client library."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from mastodon import Mastodon
from mastodon.errors import MastodonAPIError, MastodonUnauthorizedError
from PIL import Image

from foundation.http.http_client import (
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
    encode_multipart,
)
from tests.fakes.mastodon.responses import VERSION
from tests.fakes.mastodon.server import FakeMastodon, mastodon
from tests.fakes.mastodon.state import Member
from tests.fakes.oauth_server import challenge

HTTP = HttpClient()
HOUR, DAY = 3600, 24 * 3600
REDIRECT = "https://greenroom.example/back"


@pytest.fixture
def fake() -> Iterator[FakeMastodon]:
    with mastodon() as running:
        yield running
        assert running.spec.refused == []
        assert running.forbidden == []


def picture(kind: str = "PNG", size: tuple[int, int] = (4, 3)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind)
    return file.getvalue()


def exchange(
    fake: FakeMastodon, method: str, path: str, token: str, content: tuple[str, bytes] = ("", b"")
) -> HttpResponse:
    """Send one request. `content` is a media type and a body."""
    headers = {"authorization": f"Bearer {token}" if token else "", "content-type": content[0]}
    sent = {name: value for name, value in headers.items() if value}
    reply = HTTP.send(HttpRequest(method, fake.url + path, sent, content[1], 5.0))
    assert isinstance(reply, HttpResponse)
    return reply


def call(fake: FakeMastodon, who: Member | str, method: str, path: str, said: Any = None) -> Any:
    """Return the status and JSON body of one request."""
    content = ("", b"") if said is None else ("application/json", json.dumps(said).encode())
    reply = exchange(fake, method, path, who if isinstance(who, str) else who.token, content)
    return reply.status, json.loads(reply.body)


def upload(
    fake: FakeMastodon, mine: Member, data: bytes, mime: str = "image/png", **fields: str
) -> Any:
    reply = exchange(
        fake,
        "POST",
        "/api/v2/media",
        mine.token,
        encode_multipart(fields, {"file": ("a", data, mime)}),
    )
    return reply.status, json.loads(reply.body)


def send(
    fake: FakeMastodon, mine: Member, key: str, said: Any
) -> HttpResponse | RequestNotSent | ResponseLost:
    """Post a status; the response may be lost."""
    headers = {
        "authorization": f"Bearer {mine.token}",
        "content-type": "application/json",
        "idempotency-key": key,
    }
    return HTTP.send(
        HttpRequest("POST", fake.url + "/api/v1/statuses", headers, json.dumps(said).encode(), 5.0)
    )


def post(fake: FakeMastodon, mine: Member, text: str, key: str = "", **more: Any) -> Any:
    reply = send(fake, mine, key, {"status": text, **more})
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body)


def library(fake: FakeMastodon, token: str = "", **more: str) -> Any:
    """Return Mastodon.py, the client library of most Python programs."""
    how = {
        "mastodon_version": VERSION,
        "version_check_mode": "created",
        "ratelimit_method": "throw",
    }
    return Mastodon(access_token=token or None, api_base_url=fake.url, **how, **more)


def test_mastodon_py_posts_and_deletes(fake: FakeMastodon) -> None:
    mine = fake.account("nova")
    api = library(fake, mine.token)
    assert api.account_verify_credentials().id == mine.id
    assert api.instance_v2().configuration.statuses.max_characters == fake.max_characters
    medium = api.media_post(picture(), "image/png", description="a wall", focus=(0.5, -0.5))
    told = {
        "media_ids": [medium],
        "sensitive": True,
        "spoiler_text": "paint",
        "visibility": "unlisted",
    }
    made = api.status_post("hello <you>\nhttps://example.com", idempotency_key="k", **told)
    assert api.status_post("hello again", idempotency_key="k").id == made.id
    assert (made.media_attachments[0].description, made.sensitive, made.visibility) == (
        "a wall",
        True,
        "unlisted",
    )
    assert [one.id for one in api.account_statuses(mine.id, limit=5)] == [made.id]
    assert api.status_source(made.id).text == "hello <you>\nhttps://example.com"
    assert api.status_delete(made.id).text == "hello <you>\nhttps://example.com"
    # the reported limit is the one closest to its end, here that of deletions
    assert api.ratelimit_limit == 30
    assert api.account_statuses(mine.id) == []
    assert (mine.repeats, len(mine.taken), mine.statuses) == (1, 1, {})


def test_mastodon_py_waits_for_media(fake: FakeMastodon) -> None:
    api = library(fake, fake.account("nova").token)
    fake.slow = 1
    medium = api.media_post(picture(), "image/png")
    assert medium.url is None
    with pytest.raises(MastodonAPIError, match="not finished processing"):
        api.status_post("", media_ids=[medium])
    assert api.media(medium).url is None
    assert api.media(medium).url is not None
    assert len(api.status_post("", media_ids=[medium]).media_attachments) == 1


def test_mastodon_py_signs_in_and_revokes(fake: FakeMastodon) -> None:
    client, secret = library(fake).create_app(
        "house", ["read", "write"], REDIRECT, api_base_url=fake.url
    )
    api = library(fake, client_id=client, client_secret=secret)
    url = api.auth_request_url(
        redirect_uris=REDIRECT, scopes=["read", "write"], state="s", allow_http=True
    )
    fake.account("nova")
    path = url.removeprefix(fake.url).replace(
        "=False", "=false"
    )  # the library formats booleans as Python does
    back = exchange(fake, "GET", f"{path}&approve=nova", "").headers["location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    api.log_in(code=code, redirect_uri=REDIRECT, scopes=["read", "write"], allow_http=True)
    assert api.account_verify_credentials().username == "nova"
    token = api.access_token
    api.revoke_access_token(allow_http=True)
    with pytest.raises(MastodonUnauthorizedError, match="revoked"):
        library(fake, token).account_verify_credentials()


def test_media_processing_ends_after_a_while_or_fails(fake: FakeMastodon) -> None:
    mine, fake.slow = fake.account("nova"), 2
    status, told = upload(fake, mine, picture(), description="x")
    assert (status, told["url"]) == (202, None)
    path = f"/api/v1/media/{told['id']}"
    assert post(fake, mine, "early", media_ids=[told["id"]])[0] == 422
    assert [call(fake, mine, "GET", path)[0] for _ in range(3)] == [206, 206, 200]
    assert post(fake, mine, "now", media_ids=[told["id"]])[0] == 200
    assert call(fake, mine, "GET", path)[0] == 404  # it is attached to a status now
    fake.slow, fake.fails_media = 0, True
    status, told = upload(fake, mine, picture())
    assert (status, call(fake, mine, "GET", f"/api/v1/media/{told['id']}")[0]) == (202, 422)
    assert "not finished" in post(fake, mine, "x", media_ids=[told["id"]])[1]["error"]


def test_animated_media_are_processed_later(fake: FakeMastodon) -> None:
    mine, film = fake.account("nova"), io.BytesIO()
    frames = [Image.new("RGB", (4, 3), color) for color in ("red", "blue")]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:])
    status, moving = upload(fake, mine, film.getvalue(), "image/gif")
    assert (status, moving["type"], moving["url"]) == (202, "gifv", None)
    assert upload(fake, mine, picture("GIF"), "image/gif")[0] == 200
    status, video = upload(fake, mine, b"frames", "video/mp4")
    assert (status, video["type"]) == (202, "video")
    both = [moving["id"], video["id"]]
    assert "Cannot attach a video" in post(fake, mine, "x", media_ids=both)[1]["error"]


def test_invalid_media_are_rejected_and_unused_ones_expire(fake: FakeMastodon) -> None:
    mine, fake.matrix = fake.account("nova"), 100
    assert upload(fake, mine, b"not a picture") == (
        422,
        {"error": "File type of uploaded media could not be verified"},
    )
    assert upload(fake, mine, b"x", "text/plain")[0] == 422
    assert upload(fake, mine, picture(size=(11, 10))) == (
        422,
        {"error": "11x10 images are not supported"},
    )
    assert upload(fake, mine, picture()[:-8])[0] == 422  # the end of the file is missing
    data = picture("JPEG")
    status, told = upload(fake, mine, data, "image/jpeg", focus="0.1,0.2")
    assert (status, told["meta"]["focus"]) == (200, {"x": 0.1, "y": 0.2})
    assert fake.media[told["id"]].data == data
    assert fake.named[hashlib.sha256(data).hexdigest()] == told["id"]
    fake.clock.advance(DAY)
    assert call(fake, mine, "GET", f"/api/v1/media/{told['id']}")[0] == 404
    error = f"Media {told['id']} not found or already attached to another post"
    assert post(fake, mine, "late", media_ids=[told["id"]]) == (422, {"error": error})


def test_dropped_media_are_missing_and_deleted_ones_reusable(
    fake: FakeMastodon,
) -> None:
    mine = fake.account("nova")
    medium = upload(fake, mine, picture())[1]["id"]
    fake.drops_media = True
    assert post(fake, mine, "bare", media_ids=[medium])[1]["media_attachments"] == []
    fake.drops_media = False
    made = post(fake, mine, "whole", media_ids=[medium])[1]
    assert [one["id"] for one in made["media_attachments"]] == [medium]
    assert post(fake, mine, "twice", media_ids=[medium])[0] == 422
    assert "content" not in call(fake, mine, "DELETE", f"/api/v1/statuses/{made['id']}")[1]
    redrafted = post(fake, mine, "again", media_ids=[medium])[1]["id"]
    assert call(fake, mine, "DELETE", f"/api/v1/statuses/{redrafted}?delete_media=true")[0] == 200
    assert post(fake, mine, "gone", media_ids=[medium])[0] == 422


def test_idempotency_key_lasts_an_hour_per_account(fake: FakeMastodon) -> None:
    mine, other = fake.account("nova"), fake.account("vega")
    first = post(fake, mine, "hello", "k")[1]["id"]
    assert post(fake, mine, "hello", "k")[1]["id"] == first
    assert post(fake, other, "hello", "k")[1]["id"] != first
    fake.clock.advance(HOUR)
    second = post(fake, mine, "hello", "k")[1]["id"]
    assert [one for one, _ in mine.taken] == [first, second]
    assert call(fake, mine, "DELETE", f"/api/v1/statuses/{second}")[1]["text"] == "hello"
    assert post(fake, mine, "hello", "k") == (404, {"error": "Record not found"})
    fake.ignores_keys = True
    assert post(fake, mine, "hello", "k")[0] == 200
    assert (mine.repeats, list(mine.statuses)) == (1, [first, mine.taken[-1][0]])


def test_lost_response_still_creates_the_status(fake: FakeMastodon) -> None:
    mine = fake.account("nova")
    fake.book.schedule_fault("status:500_after", on="posts")
    assert post(fake, mine, "hello", "k")[0] == 500
    fake.book.schedule_fault("reset_after", on="posts")
    assert isinstance(send(fake, mine, "k", {"status": "hello"}), ResponseLost)
    assert post(fake, mine, "hello", "k")[1]["id"] == mine.taken[0][0]
    assert (len(mine.taken), mine.repeats) == (1, 2)
    fake.book.schedule_fault("lag", on="lookups", lookup_lag=60)
    path = f"/api/v1/accounts/{mine.id}/statuses"
    assert call(fake, mine, "GET", path) == (200, [])
    fake.clock.advance(61)
    assert len(call(fake, mine, "GET", path)[1]) == 1


def test_text_limit_counts_displayed_characters(fake: FakeMastodon) -> None:
    mine, url = fake.account("nova"), "https://example.com/" + "a" * 100
    full = f"{url} @bob@remote.example " + "é" * (500 - 23 - 1 - 4 - 1 - 2)
    assert post(fake, mine, full, spoiler_text="cw")[0] == 200
    error = "Validation failed: Text character limit of 500 exceeded"
    assert post(fake, mine, full + "é", spoiler_text="cw") == (422, {"error": error})
    assert post(fake, mine, " ") == (422, {"error": "Validation failed: Text can't be blank"})
    assert post(fake, mine, "x", media_ids=list("12345")) == (
        422,
        {"error": "Cannot attach more than 4 files"},
    )
    assert post(fake, mine, "x", in_reply_to_id="1")[0] == 404
    told = post(fake, mine, "", spoiler_text=" only a warning ")[1]
    assert (told["content"], told["spoiler_text"], told["sensitive"]) == (
        "<p>only a warning</p>",
        "",
        True,
    )


def test_text_is_rendered_as_html(fake: FakeMastodon) -> None:
    mine, _ = fake.account("nova"), fake.account("vega")
    long = "https://www.example.com/" + "a" * 40
    told = post(fake, mine, f" 1 < 2 & 3\nnext\n\n\n\n{long}. @vega @who@else.example #art ")[1]
    assert told["content"] == (
        "<p>1 &lt; 2 &amp; 3<br />next</p>"
        f'<p><a href="{long}" target="_blank" rel="nofollow noopener" translate="no">'
        '<span class="invisible">https://www.</span>'
        f'<span class="ellipsis">example.com/{"a" * 18}</span><span '
        f'class="invisible">{"a" * 22}</span></a>. '
        f'<span class="h-card" translate="no"><a href="{fake.url}/@vega" class="u-url '
        'mention">@<span>vega</span></a>'
        "</span> @who@else.example "
        f'<a href="{fake.url}/tags/art" class="mention hashtag" rel="tag">#<span>art</span></a></p>'
    )
    assert [one["username"] for one in told["mentions"]] == ["vega"]
    assert [one["name"] for one in told["tags"]] == ["art"]
    assert fake.shown(mine.statuses[told["id"]]) == told


def test_statuses_are_paginated_and_filtered_by_visibility(fake: FakeMastodon) -> None:
    mine, other = fake.account("nova"), fake.account("vega")
    ids = [
        post(fake, mine, f"n{n}", visibility="private" if n == 3 else "public")[1]["id"]
        for n in range(4)
    ]
    path = f"/api/v1/accounts/{mine.id}/statuses?limit=2&exclude_reblogs=true"

    def page(who: Member, more: str = "") -> list[str]:
        return [one["id"] for one in call(fake, who, "GET", path + more)[1]]

    assert page(mine) == [ids[3], ids[2]]
    assert page(other) == [ids[2], ids[1]]
    assert page(mine, f"&max_id={ids[2]}") == [ids[1], ids[0]]
    assert page(mine, f"&min_id={ids[0]}") == [ids[2], ids[1]]
    assert page(mine, f"&since_id={ids[0]}") == [ids[3], ids[2]]
    assert call(fake, other, "GET", f"/api/v1/statuses/{ids[3]}")[0] == 404
    assert call(fake, "", "GET", f"/api/v1/statuses/{ids[0]}")[1]["favourites_count"] == 3
    assert call(fake, other, "DELETE", f"/api/v1/statuses/{ids[0]}")[0] == 404
    post(fake, other, f"look @{mine.username}", in_reply_to_id=ids[0])
    (notice,) = call(fake, mine, "GET", "/api/v1/notifications?types[]=mention&limit=5")[1]
    assert (notice["type"], notice["account"]["username"]) == ("mention", "vega")
    assert call(fake, mine, "GET", f"/api/v1/statuses/{ids[0]}")[1]["replies_count"] == 1


def test_missing_scope_or_invalid_token_is_refused(fake: FakeMastodon) -> None:
    reader, check = (
        fake.account("nova", scopes="profile read:statuses"),
        "/api/v1/accounts/verify_credentials",
    )
    assert call(fake, reader, "GET", check)[0] == 200
    outside = (403, {"error": "This action is outside the authorized scopes"})
    assert (post(fake, reader, "x"), upload(fake, reader, picture())) == (outside, outside)
    assert call(fake, "wrong", "GET", check) == (401, {"error": "The access token is invalid"})
    assert call(fake, "", "GET", check)[0] == 401
    for state in ("disabled", "suspended"):
        frozen = fake.account(state, state=state)
        assert call(fake, frozen, "GET", check) == (
            403,
            {"error": "Your login is currently disabled"},
        )
        assert post(fake, frozen, "x")[0] == 403
    old, reader.token = reader.token, "a newer one"
    assert call(fake, old, "GET", check)[0] == 401
    reader.moved = fake.account("elsewhere")
    assert call(fake, reader, "GET", check)[1]["moved"]["username"] == "elsewhere"
    fake.revoke(reader)
    assert call(fake, reader, "GET", check) == (401, {"error": "The access token was revoked"})


def test_rate_limits_report_their_reset(fake: FakeMastodon) -> None:
    mine = fake.account("nova")
    # the start of all rate limit windows
    fake.clock.advance(3 * HOUR - fake.clock().timestamp() % (3 * HOUR))
    fake.rules.append("Be kind")
    reply = exchange(fake, "GET", "/api/v2/instance", mine.token)
    assert [rule["text"] for rule in json.loads(reply.body)["rules"]] == [
        *fake.usual_rules,
        "Be kind",
    ]
    assert (reply.headers["x-ratelimit-limit"], reply.headers["x-ratelimit-remaining"]) == (
        "300",
        "299",
    )
    for _ in range(30):
        assert call(fake, mine, "DELETE", "/api/v1/statuses/1")[0] == 404
    last = exchange(fake, "DELETE", "/api/v1/statuses/1", mine.token)
    assert (last.status, json.loads(last.body)) == (429, {"error": "Too many requests"})
    assert (last.headers["x-ratelimit-limit"], last.headers["x-ratelimit-remaining"]) == ("30", "0")
    assert last.headers["x-ratelimit-reset"].endswith("Z")
    assert post(fake, mine, "others are not concerned")[0] == 200
    fake.clock.advance(HOUR / 2)
    second = send(fake, mine, "", {"status": "statuses are counted over three hours"})
    assert isinstance(second, HttpResponse)
    assert second.headers["x-ratelimit-remaining"] == "298"
    assert call(fake, mine, "DELETE", "/api/v1/statuses/1")[0] == 404
    fake.ip_limited = True
    assert call(fake, mine, "GET", "/api/v2/instance")[0] == 429


def app(fake: FakeMastodon) -> dict[str, str]:
    told = {"client_name": "house", "redirect_uris": [REDIRECT], "scopes": "profile write:statuses"}
    made = call(fake, "", "POST", "/api/v1/apps", told)[1]
    return {"client_id": made["client_id"], "client_secret": made["client_secret"]}


def authorize(fake: FakeMastodon, client: dict[str, str], **more: str) -> dict[str, str]:
    """Return the parameters of the redirect after consent."""
    asked = {
        "client_id": client["client_id"],
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "state": "s",
    }
    asked |= {
        "scope": "profile write:statuses",
        "code_challenge": challenge("v" * 43),
        "code_challenge_method": "S256",
    }
    reply = exchange(
        fake, "GET", "/oauth/authorize?" + urlencode(asked | {"approve": "nova"} | more), ""
    )
    assert reply.status == 302
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()
    }


def test_code_is_redeemed_once_with_its_verifier(fake: FakeMastodon) -> None:
    fake.account("nova")
    told = call(fake, "", "GET", "/.well-known/oauth-authorization-server")[1]
    assert told["code_challenge_methods_supported"] == ["S256"]
    client = app(fake)
    brought = authorize(fake, client)
    assert brought["state"] == "s"
    asked = client | {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT,
        "code": brought["code"],
    }

    def token(**more: str) -> tuple[int, dict[str, Any]]:
        found: tuple[int, dict[str, Any]] = call(fake, "", "POST", "/oauth/token", asked | more)
        return found

    assert token()[1]["error"] == "invalid_request"
    assert token(code_verifier="w" * 43)[1]["error"] == "invalid_grant"
    assert token(code_verifier="v" * 43, client_secret="x")[0] == 401
    status, told = token(code_verifier="v" * 43)
    assert (status, told["token_type"], told["scope"]) == (200, "Bearer", "profile write:statuses")
    assert token(code_verifier="v" * 43)[1]["error"] == "invalid_grant"
    again = token(code=authorize(fake, client)["code"], code_verifier="v" * 43)[1]
    assert again["access_token"] == told["access_token"]
    late = authorize(fake, client)["code"]
    fake.clock.advance(600)
    assert token(code=late, code_verifier="v" * 43)[1]["error"] == "invalid_grant"
    assert call(fake, told["access_token"], "POST", "/api/v1/statuses", {"status": "x"})[0] == 200
    assert call(fake, "", "POST", "/oauth/revoke", client | {"token": told["access_token"]}) == (
        200,
        {},
    )
    assert call(fake, told["access_token"], "POST", "/api/v1/statuses", {"status": "x"})[0] == 401


def test_denial_or_excess_scope_redirects_with_error(fake: FakeMastodon) -> None:
    fake.account("nova")
    client = app(fake)
    assert authorize(fake, client, approve="")["error"] == "access_denied"
    assert authorize(fake, client, scope="write")["error"] == "invalid_scope"
    assert (
        authorize(fake, client, code_challenge_method="plain")["error"]
        == "invalid_code_challenge_method"
    )
    asked = {
        "client_id": client["client_id"],
        "redirect_uri": "https://elsewhere.example",
        "response_type": "code",
    }
    assert (
        exchange(
            fake, "GET", "/oauth/authorize?" + urlencode(asked | {"approve": "nova"}), ""
        ).status
        == 400
    )


def test_undescribed_request_is_rejected(fake: FakeMastodon) -> None:
    if fake.spec.path is None:
        pytest.skip("Mastodon's description is missing (set GREENROOM_SHARED)")
    mine = fake.account("nova")
    for wrong in (
        {"status": 5},
        {"status": "x", "visiblity": "public"},
        {"visibility": "public"},
        {"status": ["x"]},
    ):
        assert call(fake, mine, "POST", "/api/v1/statuses", wrong)[0] == 422
    assert post(fake, mine, "x", visibility="secret")[0] == 422
    assert call(fake, mine, "GET", f"/api/v1/accounts/{mine.id}/statuses?limit=many")[0] == 422
    assert call(fake, mine, "GET", "/api/v1/nowhere")[0] == 404
    assert upload(fake, mine, picture(), alt="x")[0] == 422
    assert (len(fake.spec.refused), mine.taken) == (8, [])
    fake.spec.refused.clear()


def test_native_scheduling_is_rejected_and_recorded(fake: FakeMastodon) -> None:
    mine = fake.account("nova")
    assert post(fake, mine, "x", scheduled_at="2030-01-01T00:00:00Z")[0] == 422
    assert (len(fake.forbidden), mine.taken) == (1, [])
    fake.forbidden.clear()
