"""OAuth of the fake X: codes valid for 30 seconds, single-use refresh tokens, client secrets in the
header."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import tweepy  # type: ignore[import-untyped]  # ships no types

from foundation.http.http_client import HttpResponse, ResponseLost
from tests.fakes.oauth_server import App, challenge
from tests.fakes.x.client import FakeRoutingAdapter, ask, post, send, tweepy_client
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.spec import FORM, JSON
from tests.fakes.x.state import SCOPES, Member, Refusal

DAY = 24 * 3600
REDIRECT = "https://greenroom.example/back"
VERIFIER = "v" * 64


@pytest.fixture
def fake() -> Iterator[FakeX]:
    with x() as running:
        yield running
        assert running.spec.refused == []


@pytest.fixture
def nova(fake: FakeX) -> Member:
    return fake.account("nova")


def page(app: App, **more: str) -> str:
    """Return the URL of the consent page."""
    told = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": REDIRECT,
        "state": "s1",
    }
    told |= {
        "scope": " ".join(SCOPES),
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return "/i/oauth2/authorize?" + urlencode(told | more)


def basic(app: App) -> str:
    return "Basic " + base64.b64encode(f"{app.client_id}:{app.secret}".encode()).decode()


def exchange(fake: FakeX, header: str, path: str = "token", **said: str) -> tuple[int, Any]:
    reply = send(fake, "POST", f"/2/oauth2/{path}", header, (FORM, urlencode(said).encode()))
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body)


def code(fake: FakeX, app: App, **more: str) -> str:
    return parse_qs(urlsplit(fake.approve(page(app, **more), "nova")).query)["code"][0]


def redeem(fake: FakeX, app: App, got: str, **more: str) -> tuple[int, Any]:
    said = {
        "grant_type": "authorization_code",
        "code": got,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return exchange(fake, basic(app), **(said | more))


def refresh(fake: FakeX, app: App, token: str) -> tuple[int, Any]:
    return exchange(fake, basic(app), grant_type="refresh_token", refresh_token=token)


def test_tweepy_signs_in(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    scope, secret = ["tweet.read", "users.read", "offline.access"], app.secret
    handler = tweepy.OAuth2UserHandler(
        client_id=app.client_id, redirect_uri=REDIRECT, scope=scope, client_secret=secret
    )
    handler.mount("https://api.twitter.com", FakeRoutingAdapter(fake.url))
    back = fake.approve(handler.get_authorization_url(), "nova")
    token = handler.fetch_token(back)
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("bearer", 7200, scope)
    assert (
        tweepy_client(fake, token["access_token"]).get_me(user_auth=False).data.username == "nova"
    )
    with pytest.raises(tweepy.Forbidden):
        tweepy_client(fake, token["access_token"]).create_tweet(text="no right to", user_auth=False)


def test_code_is_redeemed_once_within_30_seconds(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    for wrong in (
        {"code_verifier": "w" * 64},
        {"redirect_uri": REDIRECT + "/"},
        {"client_id": "x"},
    ):
        assert redeem(fake, app, code(fake, app), **wrong)[0] == 400
    late = code(fake, app)
    fake.clock.advance(30)
    assert redeem(fake, app, late) == (
        400,
        {
            "error": "invalid_request",
            "error_description": "Value passed for the authorization code was invalid.",
        },
    )
    good = code(fake, app)
    fake.clock.advance(28)
    status, told = redeem(fake, app, good)
    assert (status, told["scope"].split(), "refresh_token" in told) == (200, list(SCOPES), True)
    assert redeem(fake, app, good)[0] == 400
    other = fake.application(REDIRECT)
    assert redeem(fake, other, code(fake, app))[0] == 400


def test_refresh_token_is_used_once(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    _, first = redeem(fake, app, code(fake, app))
    assert ask(fake, first["access_token"], "GET", "/2/users/me")[0] == 200
    fake.clock.advance(7200)
    assert ask(fake, first["access_token"], "GET", "/2/users/me")[0] == 401
    status, second = refresh(fake, app, first["refresh_token"])
    assert (status, ask(fake, second["access_token"], "GET", "/2/users/me")[0]) == (200, 200)
    assert fake.oauth.refreshes[second["refresh_token"]].generation == 2
    refused = {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    assert refresh(fake, app, first["refresh_token"]) == (400, refused)
    fake.oauth.word = "invalid_grant"
    assert refresh(fake, app, "never")[1]["error"] == "invalid_grant"
    fake.clock.advance(183 * DAY)
    assert refresh(fake, app, second["refresh_token"])[0] == 400


def test_no_refresh_token_without_offline_access(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    assert (
        "refresh_token" not in redeem(fake, app, code(fake, app, scope="tweet.read users.read"))[1]
    )


def test_lost_refresh_uses_up_the_token(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    _, first = redeem(fake, app, code(fake, app))
    fake.book.schedule_fault("reset_after", on="tokens")
    body = urlencode(
        {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    ).encode()
    assert isinstance(send(fake, "POST", "/2/oauth2/token", basic(app), (FORM, body)), ResponseLost)
    assert refresh(fake, app, first["refresh_token"])[0] == 400


def test_confidential_client_sends_its_secret_in_the_header(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    said = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    said |= {"client_id": app.client_id, "client_secret": str(app.secret), "code": code(fake, app)}
    assert exchange(fake, "", **said) == (
        401,
        {"error": "unauthorized_client", "error_description": "Missing valid authorization header"},
    )
    for header in (basic(app)[:-4], "Basic ?", f"Bearer {app.secret}"):
        assert exchange(fake, header, **said)[0] == 401
    as_json = send(fake, "POST", "/2/oauth2/token", basic(app), (JSON, json.dumps(said).encode()))
    assert as_json.status == 400
    assert exchange(fake, basic(app), **said)[0] == 200
    public = fake.application(REDIRECT, secret=False)
    said |= {"code": code(fake, public), "client_id": public.client_id}
    assert exchange(fake, "", **(said | {"client_id": "?"}))[0] == 401
    assert exchange(fake, "", **said)[0] == 200
    assert exchange(fake, basic(app), grant_type="password")[1]["error"] == "unsupported_grant_type"


def test_consent_page_reports_its_errors_itself(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    wrongs = (
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    )
    for name in wrongs:
        for value in ("", "plain"):
            if (name, value) != ("state", "plain"):
                with pytest.raises(Refusal):
                    fake.approve(page(app, **{name: value}), "nova")
                assert send(fake, "GET", page(app, **{name: value}), "").status == 400
    assert send(fake, "GET", page(app), "").status == 200
    back = send(fake, "GET", page(app) + "&approve=nova", "").headers["location"]
    assert back.startswith(REDIRECT + "?state=s1&code=")
    assert fake.approve(fake.url + page(app), "") == f"{REDIRECT}?error=access_denied&state=s1"


def test_revoked_token_returns_401(fake: FakeX, nova: Member) -> None:
    app = fake.application(REDIRECT)
    _, told = redeem(fake, app, code(fake, app))
    assert exchange(fake, basic(app), "revoke", token=told["refresh_token"]) == (
        200,
        {"revoked": True},
    )
    unauthorized = {
        "title": "Unauthorized",
        "detail": "Unauthorized",
        "type": "about:blank",
        "status": 401,
    }
    assert ask(fake, told["access_token"], "GET", "/2/users/me")[:2] == (401, unauthorized)
    assert refresh(fake, app, told["refresh_token"])[0] == 400
    assert exchange(fake, basic(app), "revoke", token="gone already")[0] == 200
    assert post(fake, "", "nobody")[0] == 401
    fake.revoke(nova)
    assert post(fake, nova, "thrown out")[0] == 401
