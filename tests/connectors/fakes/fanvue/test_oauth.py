"""The fake Fanvue: OAuth, rate limits, faults, chats, earnings and signed webhooks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from foundation.http.http_client import HttpResponse, ResponseLost
from tests.connectors.fakes.fanvue.test_server import NOBODY, ask, post, send, uploaded
from tests.fakes.fanvue.oauth import LOGIN, App
from tests.fakes.fanvue.server import FakeFanvue, fanvue
from tests.fakes.fanvue.spec import FORM, JSON, VERSION, VERSION_HEADER, Refusal
from tests.fakes.fanvue.state import SCOPES, Member
from tests.fakes.oauth_server import challenge
from tests.fakes.webhook_receiver import receiving

HOUR = 3600
REDIRECT = "https://greenroom.example/back"
VERIFIER = "v" * 64
ASKS = (*LOGIN, "read:self", "read:post", "write:post")


@pytest.fixture
def fake() -> Iterator[FakeFanvue]:
    with fanvue() as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture
def nova(fake: FakeFanvue) -> Member:
    return fake.account("nova")


@pytest.fixture
def app(fake: FakeFanvue) -> App:
    return fake.application(REDIRECT)


def page(app: App, **more: str) -> str:
    """Return the URL of the consent page."""
    told = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": REDIRECT,
        "state": "state-of-ours",
    }
    told |= {
        "scope": " ".join(ASKS),
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return "/oauth2/auth?" + urlencode(told | more)


def basic(app: App) -> str:
    return "Basic " + base64.b64encode(f"{app.client_id}:{app.secret}".encode()).decode()


def exchange(fake: FakeFanvue, header: str, path: str = "token", **said: str) -> tuple[int, Any]:
    headers = {"content-type": FORM} | ({"authorization": header} if header else {})
    reply = send(fake, "POST", f"/oauth2/{path}", headers, urlencode(said).encode())
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body or b"null")


def back(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def code(fake: FakeFanvue, app: App, **more: str) -> str:
    return back(fake.approve(page(app, **more), "nova"))["code"]


def redeem(fake: FakeFanvue, app: App, got: str, **more: str) -> tuple[int, Any]:
    said = {
        "grant_type": "authorization_code",
        "code": got,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return exchange(fake, basic(app), **(said | more))


def refresh(fake: FakeFanvue, app: App, token: str, **more: str) -> tuple[int, Any]:
    return exchange(fake, basic(app), grant_type="refresh_token", refresh_token=token, **more)


def works(fake: FakeFanvue, told: Any) -> bool:
    return ask(fake, str(told["access_token"]), "GET", "/users/me")[0] == 200


def test_authorization_code_is_redeemed_once(fake: FakeFanvue, nova: Member, app: App) -> None:
    wrongs: tuple[dict[str, str], ...] = (
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"redirect_uri": REDIRECT + "/"},
        {"code": "ory_ac_x"},
    )
    for wrong in wrongs:
        status, told = redeem(fake, app, code(fake, app), **wrong)
        assert (wrong, status, told["error"]) == (wrong, 400, "invalid_grant")
    good = code(fake, app)
    status, told = redeem(fake, app, good)
    assert (status, told["token_type"], told["expires_in"], told["scope"]) == (
        200,
        "bearer",
        HOUR,
        " ".join(ASKS),
    )
    assert {"access_token", "refresh_token", "id_token"} <= set(told)
    assert works(fake, told)
    assert redeem(fake, app, good)[1]["error"] == "invalid_grant"
    assert not works(fake, told)  # reuse of a code revokes its tokens
    late = code(fake, app)
    fake.clock.advance(600)
    assert redeem(fake, app, late)[0] == 400
    assert redeem(fake, fake.application(REDIRECT), code(fake, app))[0] == 400


@pytest.mark.parametrize("length", [42, 129])
def test_verifier_outside_43_to_128_characters_is_rejected(
    fake: FakeFanvue, nova: Member, app: App, length: int
) -> None:
    verifier = "v" * length
    got = code(fake, app, code_challenge=challenge(verifier))
    assert redeem(fake, app, got, code_verifier=verifier)[1]["error"] == "invalid_grant"


def test_refresh_token_is_used_once(fake: FakeFanvue, nova: Member, app: App) -> None:
    _, first = redeem(fake, app, code(fake, app))
    fake.clock.advance(HOUR)
    assert not works(fake, first)
    status, second = refresh(fake, app, first["refresh_token"])
    assert (status, works(fake, second)) == (200, True)
    assert fake.oauth.refreshes[second["refresh_token"]].generation == 2
    _, other = redeem(fake, app, code(fake, app))
    assert refresh(fake, app, first["refresh_token"])[1]["error"] == "invalid_grant"
    assert not works(fake, second)  # the whole grant is revoked
    assert refresh(fake, app, second["refresh_token"])[1]["error"] == "invalid_grant"
    assert works(fake, other)  # and no other grant
    assert refresh(fake, fake.application(REDIRECT), other["refresh_token"])[0] == 400
    fake.clock.advance(30 * 24 * HOUR)
    assert refresh(fake, app, other["refresh_token"])[0] == 400


def test_refresh_may_end_the_previous_access_token(
    fake: FakeFanvue, nova: Member, app: App
) -> None:
    _, first = redeem(fake, app, code(fake, app))
    _, second = refresh(fake, app, first["refresh_token"])
    assert works(fake, first)
    fake.ends_access = True
    _, third = refresh(fake, app, second["refresh_token"])
    assert (works(fake, first), works(fake, second), works(fake, third)) == (True, False, True)


def test_reuse_after_a_lost_refresh_ends_the_grant(
    fake: FakeFanvue, nova: Member, app: App
) -> None:
    _, first = redeem(fake, app, code(fake, app))
    fake.book.schedule_fault("reset_after", on="tokens")
    body = urlencode(
        {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    ).encode()
    lost = send(
        fake, "POST", "/oauth2/token", {"authorization": basic(app), "content-type": FORM}, body
    )
    assert isinstance(lost, ResponseLost)
    assert works(fake, first)
    assert refresh(fake, app, first["refresh_token"])[1]["error"] == "invalid_grant"
    assert not works(fake, first)


def test_scopes_are_required_and_kept(fake: FakeFanvue, nova: Member, app: App) -> None:
    for scope in ("read:self", "openid offline_access read:self", "offline read:self"):
        assert "refresh_token" not in redeem(fake, app, code(fake, app, scope=scope))[1]
    _, told = redeem(fake, app, code(fake, app, scope=" ".join([*LOGIN, "read:self"])))
    assert works(fake, told)
    assert ask(fake, told["access_token"], "GET", "/posts")[0] == 403
    assert (
        refresh(fake, app, told["refresh_token"], scope="read:self read:post")[1]["error"]
        == "invalid_scope"
    )
    few = fake.application(REDIRECT, scopes=("read:self",))
    assert back(fake.approve(page(few), "nova"))["error"] == "invalid_scope"


def test_client_secret_is_required_in_the_header(fake: FakeFanvue, nova: Member, app: App) -> None:
    said = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    said["code"] = code(fake, app)
    for header in ("", basic(app)[:-4], "Basic ?", f"Bearer {app.secret}"):
        status, told = exchange(
            fake, header, **said, client_id=app.client_id, client_secret=app.secret
        )
        assert (header, status, told["error"]) == (header, 401, "invalid_client")
    assert exchange(fake, basic(app), **said, client_secret=app.secret)[0] == 401
    headers = {"authorization": basic(app), "content-type": JSON}
    assert send(fake, "POST", "/oauth2/token", headers, json.dumps(said).encode()).status == 400
    query = send(
        fake, "POST", f"/oauth2/token?{urlencode(said)}", headers | {"content-type": FORM}, b"a=b"
    )
    assert query.status == 400
    assert exchange(fake, basic(app), **said)[0] == 200
    assert exchange(fake, basic(app), grant_type="password")[1]["error"] == "unsupported_grant_type"
    assert send(fake, "GET", "/oauth2/token", headers).status == 404


def test_consent_page_redirects_with_result_or_error(
    fake: FakeFanvue, nova: Member, app: App
) -> None:
    for wrong in ({"client_id": "x"}, {"redirect_uri": REDIRECT + "/"}):
        with pytest.raises(Refusal):
            fake.approve(page(app, **wrong), "nova")
        assert send(fake, "GET", page(app, **wrong), {}).status == 400
    for wrong, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": "short"}, "invalid_state"),
        ({"scope": ""}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ):
        reply = send(fake, "GET", page(app, **wrong) + "&approve=nova", {})
        assert (reply.status, back(reply.headers["location"])["error"]) == (302, error)
    assert send(fake, "GET", page(app, prompt="login"), {}).status == 200
    location = send(fake, "GET", page(app) + "&approve=nova", {}).headers["location"]
    assert (location.startswith(REDIRECT + "?"), back(location)["state"]) == (True, "state-of-ours")
    no = back(send(fake, "GET", page(app) + "&approve=", {}).headers["location"])
    assert (no["error"], no["state"]) == ("access_denied", "state-of-ours")
    assert back(fake.approve(fake.url + page(app), ""))["error"] == "access_denied"
    nova.state = "suspended"
    with pytest.raises(Refusal):
        fake.approve(page(app), "nova")


def test_revocation_by_user_or_application_ends_tokens(
    fake: FakeFanvue, nova: Member, app: App
) -> None:
    _, told = redeem(fake, app, code(fake, app))
    assert (
        exchange(fake, basic(fake.application(REDIRECT)), "revoke", token=told["refresh_token"])[0]
        == 200
    )
    assert works(fake, told)
    for token in (told["refresh_token"], "gone already"):
        assert exchange(fake, basic(app), "revoke", token=token) == (200, None)
    assert not works(fake, told)
    _, told = redeem(fake, app, code(fake, app))
    fake.revoke(nova)
    assert not works(fake, told)
    assert refresh(fake, app, told["refresh_token"])[1]["error"] == "invalid_grant"
    assert post(fake, nova, "thrown out")[0] == 401


def test_rate_limit_bucket_is_reported_and_refilled(
    fake: FakeFanvue, nova: Member, app: App
) -> None:
    _, told = redeem(fake, app, code(fake, app))
    _, _, headers = ask(fake, nova, "GET", "/users/me")
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("200", "199")
    assert "retry-after" not in headers
    fake.limits.most = 2
    assert (post(fake, nova, "two")[0], post(fake, nova, "three")[0]) == (201, 429)
    status, body, headers = ask(fake, nova, "GET", "/users/me")
    assert (status, body, headers["x-ratelimit-remaining"]) == (
        429,
        {"error": "Too Many Requests"},
        "0",
    )
    wait = int(headers["retry-after"])
    assert 50 < wait <= 61
    assert abs(int(headers["x-ratelimit-reset"]) - fake.clock().timestamp() - wait) < 2
    assert works(fake, told)  # another application has a separate bucket
    assert post(fake, fake.account("other"), "x")[0] == 201  # and so has another user
    fake.limits.own["posts"] = 0
    fake.clock.advance(wait)
    assert (works(fake, told), post(fake, nova, "four")[0]) == (True, 429)
    del fake.limits.own["posts"]
    assert post(fake, nova, "four")[0] == 201


def test_lost_response_still_creates_the_post(fake: FakeFanvue, nova: Member) -> None:
    headers = {
        "authorization": f"Bearer {nova.token}",
        VERSION_HEADER: VERSION,
        "content-type": JSON,
    }
    headers["idempotency-key"] = "the same"  # without effect
    body = json.dumps({"audience": "subscribers", "text": "hello"}).encode()
    for mode in ("reset_before", "reset_after"):
        fake.book.schedule_fault(mode, on="posts")
        assert isinstance(send(fake, "POST", "/posts", headers, body), ResponseLost)
    assert [text for _, text in nova.taken] == ["hello"]
    fake.book.schedule_fault("status:503_after", on="posts")
    assert send(fake, "POST", "/v1/posts", headers, body).status == 503
    assert send(fake, "POST", "/posts", headers, body).status == 201
    assert len(nova.posts) == 3
    assert [(each["status"], each["accepted"]) for each in fake.book.list_requests()] == [
        (0, 0),
        *[(201, 1)] * 3,
    ]


def test_every_request_kind_can_fail(fake: FakeFanvue, nova: Member) -> None:
    one = post(fake, nova, "x")[1]["uuid"]
    for method, path, kind in (
        ("POST", "/media/uploads", "files"),
        ("GET", "/media/uploads/x/parts/1/url", "files"),
        ("PUT", "/store/x/1", "files"),
        ("PATCH", "/v1/media/uploads/x", "files"),
        ("GET", f"/media/{NOBODY}", "polls"),
        ("GET", "/posts?size=5", "lookups"),
        ("GET", f"/posts/{one}", "metrics"),
        ("DELETE", f"/posts/{one}", "deletes"),
        ("GET", "/users/me", "checks"),
        ("POST", "/oauth2/token", "tokens"),
        ("POST", f"/chats/{NOBODY}/message", "messages"),
        ("GET", f"/chats/{NOBODY}/messages", "lookups"),
        ("GET", "/insights/earnings", "other"),
    ):
        fake.book.schedule_fault("status:503", on=kind)
        assert (path, ask(fake, nova, method, path)[0]) == (path, 503)
    assert set(nova.posts) == {one}


def test_messages_reach_contactable_fans_only(fake: FakeFanvue, nova: Member) -> None:
    fan, shy, stranger = (
        fake.fan("fan", nova),
        fake.fan("shy", nova, contactable=False),
        fake.fan("stranger"),
    )
    path = f"/chats/{fan.id}/message"
    status, told, _ = ask(fake, nova, "POST", path, {"text": " hi "})
    assert (status, nova.sent) == (201, [(told["messageUuid"], " hi ")])
    for other in (shy.id, stranger.id, NOBODY):
        assert ask(fake, nova, "POST", f"/chats/{other}/message", {"text": "x"})[:2] == (
            400,
            {"message": "User is not contactable"},
        )
    assert ask(fake, nova, "POST", path, {"text": "x", "price": 300})[0] == 400
    assert ask(fake, nova, "POST", path, {"text": None})[0] == 400
    media = uploaded(fake, nova)
    bought = ask(fake, nova, "POST", path, {"mediaUuids": [media], "price": 300})[1]["messageUuid"]
    answer = fake.says(fan, nova, "thanks")
    _, told, _ = ask(fake, nova, "GET", f"/chats/{fan.id}/messages?markAsRead=false&size=2")
    assert ([each["text"] for each in told["data"]], told["pagination"]["hasMore"]) == (
        ["thanks", None],
        True,
    )
    assert (told["data"][1]["pricing"], told["data"][1]["mediaUuids"]) == (
        {"USD": {"price": 300}},
        [media],
    )
    assert (told["data"][0]["sender"]["uuid"], told["data"][1]["sender"]["uuid"]) == (
        fan.id,
        nova.id,
    )
    ask(fake, nova, "GET", f"/v1/chats/{fan.id}/messages")
    assert not nova.chats[fan.id][-1].read
    ask(fake, nova, "GET", f"/chats/{fan.id}/messages")
    assert nova.chats[fan.id][-1].read
    assert ask(fake, nova, "GET", f"/chats/{stranger.id}/messages")[0] == 404
    nova.chats[fan.id][1].bought = fake.clock()
    assert ask(fake, nova, "DELETE", f"/chats/{fan.id}/messages/{bought}")[0] == 400
    assert ask(fake, nova, "DELETE", f"/chats/{fan.id}/messages/{answer.id}")[0] == 403
    for status in (204, 404):
        assert ask(fake, nova, "DELETE", f"/chats/{fan.id}/messages/{nova.sent[0][0]}")[0] == status
    fake.days_only = True
    assert len(ask(fake, nova, "GET", f"/chats/{fan.id}/messages")[1]["data"][0]["sentAt"]) == 10


def test_earnings_are_paginated(fake: FakeFanvue, nova: Member) -> None:
    fan, now = fake.fan("fan", nova), fake.clock()
    for number, source in enumerate(("post", "tip", "message", "referral")):
        fake.till.earn(
            nova,
            1000 + number,
            800,
            source,
            fan if source != "referral" else None,
            at=now - timedelta(number),
        )
    _, first, _ = ask(fake, nova, "GET", "/insights/earnings?size=3")
    assert [each["gross"] for each in first["data"]] == [1000, 1001, 1002]
    _, rest, _ = ask(fake, nova, "GET", f"/insights/earnings?size=3&cursor={first['nextCursor']}")
    assert (rest["data"][0]["user"], rest["nextCursor"]) == (None, None)
    _, told, _ = ask(fake, nova, "GET", "/insights/earnings?source=tip,message")
    assert [each["source"] for each in told["data"]] == ["tip", "message"]
    begin, end = ((now - timedelta(days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for days in (2, 1))
    _, told, _ = ask(fake, nova, "GET", f"/insights/earnings?startDate={begin}&endDate={end}")
    assert [each["gross"] for each in told["data"]] == [1002]
    for query in ("startDate=yesterday", "size=51", "cursor=x"):
        assert ask(fake, nova, "GET", f"/insights/earnings?{query}")[0] == 400


def test_webhooks_are_signed(fake: FakeFanvue, app: App) -> None:
    with receiving() as room:
        event = {"type": "creator.follow.created", "id": "e1"}
        fake.deliver(app, room.url + "/hook", event, times=2)
        fake.deliver(app, room.url, event, late=301)
        fake.deliver(app, room.url, event, signing="somebody else's")
        room.modes.append("reset")
    taken = [(headers["x-fanvue-signature"], body) for _, headers, body in room.asked]
    assert (taken[0], len(taken)) == (taken[1], 4)
    good = []
    for header, body in taken:
        at, told = header.removeprefix("t=").split(",v0=")
        meant = hmac.new(
            app.signing.encode(), at.encode() + b"." + body, hashlib.sha256
        ).hexdigest()
        good.append((meant == told, fake.clock().timestamp() - int(at) > 300))
        assert json.loads(body) == event
    assert good == [(True, False), (True, False), (True, True), (False, False)]
    assert fake.deliver(app, room.url, event) == [0]
    assert set(SCOPES) == set(app.scopes)
