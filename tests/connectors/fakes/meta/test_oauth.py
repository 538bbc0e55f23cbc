"""The fake Instagram and the fake Threads issue tokens under the documented conditions only."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.instagram.server import instagram
from tests.fakes.oauth_server import App
from tests.fakes.threads.server import threads

HTTP = HttpClient()
BACK = "https://agency.example/auth/account"
DAY, MONTH = 86400.0, 30 * 86400.0


@pytest.fixture(params=[instagram, threads], ids=["instagram", "threads"])
def fake(request: pytest.FixtureRequest) -> Iterator[Any]:
    with request.param() as running:
        running.mine = running.profile("mia")
        yield running


def asked(fake: Any, method: str, path: str, **said: str) -> Any:
    """Return the response to parameters in the query, or in a form for POST."""
    posted = method == "POST"
    url = f"{fake.url}/{path}" + ("" if posted else f"?{urlencode(said)}")
    reply = HTTP.send(HttpRequest(method, url, {}, urlencode(said).encode() if posted else b""))
    assert isinstance(reply, HttpResponse)
    if reply.status == 302:
        return reply.headers["location"]
    return json.loads(reply.body) if reply.body[:1] == b"{" else reply.body.decode()


def says(fake: Any, method: str, path: str, **said: str) -> Any:
    """Return the code and subcode of a rejection, or its message."""
    told = asked(fake, method, path, **said)
    error = told.get("error")
    return (error["code"], error.get("error_subcode", 0)) if error else told["error_message"]


def page(fake: Any, app: App, **more: str) -> dict[str, str]:
    scope = ",".join(sorted(fake.oauth.scopes))
    return {
        "client_id": app.client_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": scope,
        "state": "s",
        **more,
    }


def code(fake: Any, app: App) -> str:
    back = asked(fake, "GET", "oauth/authorize", **page(fake, app, approve="mia"))
    assert back.endswith("#_")
    said = dict(parse_qsl(urlsplit(back).query))
    assert said["state"] == "s"
    return said["code"]


def form(app: App, by: str, **more: str) -> dict[str, str]:
    said = {
        "client_id": app.client_id,
        "client_secret": app.secret,
        "grant_type": "authorization_code",
    }
    return {**said, "redirect_uri": BACK, "code": by, **more}


def redeemed(fake: Any, app: App, by: str) -> str:
    told = asked(fake, "POST", "oauth/access_token", **form(app, by))
    return str((told["data"][0] if "data" in told else told)["access_token"])


def grant(fake: Any, what: str) -> str:
    return f"{fake.oauth.grant_prefix}_{what}_token"


def test_consent_page_requires_the_registered_parameters(fake: Any) -> None:
    app = fake.oauth.application(BACK)
    assert app.client_id in asked(fake, "GET", "oauth/authorize", **page(fake, app))
    wrong = {"client_id": "1", "redirect_uri": f"{BACK}/", "scope": "all", "response_type": "token"}
    for name, value in wrong.items():
        assert "Invalid" in says(fake, "GET", "oauth/authorize", **page(fake, app, **{name: value}))
    assert "error=access_denied" in asked(
        fake, "GET", "oauth/authorize", **page(fake, app, approve="")
    )


def test_code_is_redeemed_once_within_an_hour(fake: Any) -> None:
    app = fake.oauth.application(BACK)
    used = code(fake, app)
    for name, words in (
        ("redirect_uri", "redirect_uri"),
        ("client_secret", "client secret"),
        ("code", "already used"),
    ):
        assert words in says(fake, "POST", "oauth/access_token", **form(app, used, **{name: "x"}))
    assert not fake.oauth.known(redeemed(fake, app, used)).long
    assert "already used" in says(fake, "POST", "oauth/access_token", **form(app, used))
    late = code(fake, app)
    fake.clock.advance(3601)
    assert "already used" in says(fake, "POST", "oauth/access_token", **form(app, late))
    assert says(fake, "GET", "oauth/access_token", **form(app, late))[0] == 100


def test_short_token_is_exchanged_with_the_secret(fake: Any) -> None:
    app = fake.oauth.application(BACK)
    said = {
        "grant_type": grant(fake, "exchange"),
        "access_token": redeemed(fake, app, code(fake, app)),
    }
    assert says(fake, "GET", "access_token", **said, client_secret="x") == (100, 0)
    assert says(fake, "POST", "access_token", **said, client_secret=app.secret) == (100, 0)
    told = asked(fake, "GET", "access_token", **said, client_secret=app.secret)
    assert told["expires_in"] == 60 * DAY
    fake.clock.advance(3601)
    assert says(fake, "GET", "access_token", **said, client_secret=app.secret) == (190, 463)
    fake.oauth.known(told["access_token"])


def test_long_token_is_renewable_after_a_day_until_it_expires(fake: Any) -> None:
    said = {"grant_type": grant(fake, "refresh"), "access_token": fake.mine.token}
    assert says(fake, "GET", "refresh_access_token", **said) == (100, 0)
    fake.clock.advance(DAY + 1)
    for path in ("v23.0/refresh_access_token", "v1.0/refresh_access_token"):
        assert says(fake, "GET", path, **said)[0] == 190, "the path has no version prefix"
    assert says(fake, "POST", "refresh_access_token", **said) == (100, 0)
    follower = asked(fake, "GET", "refresh_access_token", **said)["access_token"]
    fake.clock.advance(MONTH)
    fake.oauth.known(fake.mine.token)
    fake.clock.advance(MONTH - DAY)
    assert says(fake, "GET", "refresh_access_token", **said) == (190, 463)
    fake.mine.rights = frozenset()
    assert says(fake, "GET", "refresh_access_token", **{**said, "access_token": follower}) == (
        10,
        0,
    )
    fake.oauth.end(fake.mine)
    assert says(fake, "GET", "refresh_access_token", **{**said, "access_token": follower}) == (
        190,
        458,
    )
