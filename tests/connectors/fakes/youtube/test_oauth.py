"""Codes and tokens of the fake Google: issuing refresh tokens, single use, and expiry."""

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.oauth_server import challenge
from tests.fakes.youtube.server import SCOPES, App, FakeYouTube, Member, youtube

HTTP = HttpClient()
BACK = "https://house.example/back?from=google"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Flow:
    """An OAuth client, an account, and the requests between them."""

    fake: FakeYouTube
    app: App
    member: Member
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asks(self, **changes: str | None) -> dict[str, str]:
        asked: dict[str, str | None] = {
            "client_id": self.app.client_id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": "st&te",
            "access_type": "offline",
            "prompt": "consent",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**asked, **changes}.items() if value is not None}

    def page(self, **changes: str | None) -> HttpResponse:
        return exchange(
            HttpRequest(
                "GET", f"{self.fake.url}/o/oauth2/v2/auth?{urlencode(self.asks(**changes))}"
            )
        )

    def back(self, **changes: str | None) -> dict[str, str]:
        reply = self.page(**{"approve": self.member.name, **changes})
        assert reply.status == 302, reply.body
        where = urlsplit(reply.headers["location"])
        assert f"{where.scheme}://{where.netloc}{where.path}" == BACK.partition("?")[0]
        return dict(parse_qsl(where.query))

    def token(self, *, basic: bool = False, **said: str) -> tuple[int, Any]:
        headers = dict(FORM)
        if basic:
            pair = base64.b64encode(f"{self.app.client_id}:{self.app.secret}".encode()).decode()
            headers["authorization"] = f"Basic {pair}"
        else:
            said = {"client_id": self.app.client_id, "client_secret": self.app.secret} | said
        reply = exchange(
            HttpRequest("POST", f"{self.fake.url}/token", headers, urlencode(said).encode())
        )
        return reply.status, json.loads(reply.body)

    def redeem(self, code: str, **more: Any) -> tuple[int, Any]:
        said = {
            "grant_type": "authorization_code",
            "redirect_uri": BACK,
            "code_verifier": self.verifier,
        } | more
        return self.token(code=code, **said)

    def given(self, **changes: str | None) -> dict[str, Any]:
        status, told = self.redeem(self.back(**changes)["code"])
        assert status == 200, told
        return dict(told)

    def renew(self, refresh: str, **more: Any) -> tuple[int, Any]:
        return self.token(grant_type="refresh_token", refresh_token=refresh, **more)

    def works(self, token: str) -> int:
        path = f"{self.fake.url}/youtube/v3/channels?part=id&mine=true"
        return exchange(HttpRequest("GET", path, {"authorization": f"Bearer {token}"})).status


def exchange(request: HttpRequest) -> HttpResponse:
    reply = HTTP.send(request)
    assert isinstance(reply, HttpResponse), reply
    return reply


@pytest.fixture
def flow() -> Iterator[Flow]:
    with youtube() as fake:
        yield Flow(fake, fake.application(BACK), fake.account("nova"))


def test_consent_grants_tokens(flow: Flow) -> None:
    back = flow.back()
    assert (back["from"], back["state"], back["scope"]) == ("google", "st&te", " ".join(SCOPES))
    status, told = flow.redeem(back["code"])
    assert (status, told["expires_in"], told["token_type"], told["scope"]) == (
        200,
        3599,
        "Bearer",
        " ".join(SCOPES),
    )
    assert flow.works(told["access_token"]) == 200
    flow.fake.clock.advance(3599)
    assert flow.works(told["access_token"]) == 401
    status, again = flow.renew(told["refresh_token"], basic=True)
    assert (status, "refresh_token" in again, flow.works(again["access_token"])) == (
        200,
        False,
        200,
    )
    assert flow.renew(told["refresh_token"])[0] == 200


def test_refresh_token_requires_offline_access_and_consent(flow: Flow) -> None:
    assert "refresh_token" in flow.given(prompt="select_account consent")
    for changes in (
        {"access_type": "online"},
        {"access_type": None},
        {"prompt": None},
        {"prompt": "none"},
    ):
        assert "refresh_token" not in flow.given(**changes)


def test_denial_redirects_with_an_error(flow: Flow) -> None:
    assert flow.back(approve="") == {"from": "google", "error": "access_denied", "state": "st&te"}
    assert flow.page(approve="nobody").status == 400
    page = flow.page()
    assert (page.status, b"st&amp;te" in page.body) == (200, True)
    said = urlencode(flow.asks(approve="nova")).encode()
    reply = exchange(HttpRequest("POST", f"{flow.fake.url}/o/oauth2/v2/auth", FORM, said))
    assert (reply.status, "code" in parse_qs(urlsplit(reply.headers["location"]).query)) == (
        302,
        True,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "x"},
        {"redirect_uri": BACK + "x"},
        {"response_type": "token"},
        {"scope": None},
        {"scope": "https://www.googleapis.com/auth/everything"},
        {"access_type": "always"},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_invalid_consent_request_is_rejected(flow: Flow, changes: dict[str, str | None]) -> None:
    assert flow.page(approve="nova", **changes).status in {400, 401}


def test_code_is_redeemed_once_within_ten_minutes(flow: Flow) -> None:
    code = flow.back()["code"]
    for more, word in (
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "https://house.example/other"}, "redirect_uri_mismatch"),
    ):
        status, told = flow.redeem(code, **more)
        assert (status, told["error"], bool(told["error_description"])) == (400, word, True)
    assert flow.redeem(code)[0] == 200
    assert (flow.redeem(code)[0], flow.redeem(code)[1]["error"]) == (400, "invalid_grant")
    late = flow.back()["code"]
    flow.fake.clock.advance(600)
    assert flow.redeem(late)[1]["error"] == "invalid_grant"
    assert flow.redeem("4/none")[1]["error"] == "invalid_grant"
    bare = flow.back(code_challenge=None, code_challenge_method=None)["code"]
    assert flow.redeem(bare)[0] == 200


def test_token_endpoint_requires_client_authentication(flow: Flow) -> None:
    code = flow.back()["code"]
    for more in ({"client_secret": "x"}, {"client_id": "x"}):
        status, told = flow.redeem(code, **more)
        assert (status, told["error"]) == (401, "invalid_client")
    assert flow.token(grant_type="password")[1]["error"] == "unsupported_grant_type"
    assert flow.token()[1]["error"] == "invalid_request"
    other = Flow(flow.fake, flow.fake.application(BACK), flow.member)
    assert other.redeem(code, code_verifier=flow.verifier)[1]["error"] == "invalid_grant"
    told = flow.given()
    assert other.renew(told["refresh_token"])[1]["error"] == "invalid_grant"


def test_revocation_or_expiry_ends_a_refresh_token(flow: Flow) -> None:
    first = flow.given()
    flow.fake.revoke(flow.member)
    assert flow.works(first["access_token"]) == flow.works(flow.member.token) == 401
    assert flow.renew(first["refresh_token"]) == (
        400,
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
    )
    second = flow.given()
    said = urlencode({"token": second["refresh_token"]}).encode()
    revoke = HttpRequest("POST", f"{flow.fake.url}/revoke", FORM, said)
    assert [exchange(revoke).status, exchange(revoke).status] == [200, 400]
    assert (flow.works(second["access_token"]), flow.renew(second["refresh_token"])[0]) == (
        401,
        400,
    )
    third = flow.given()
    flow.fake.oauth.refresh_lives = timedelta(days=7)
    flow.fake.clock.advance(7 * 24 * 3600)
    assert flow.renew(third["refresh_token"])[0] == 400


def test_user_may_deselect_scopes(flow: Flow) -> None:
    flow.fake.oauth.unticks = frozenset(SCOPES[1:])
    told = flow.given()
    assert (told["scope"], flow.works(told["access_token"])) == (SCOPES[0], 403)


def test_oldest_refresh_token_over_the_limit_ends(flow: Flow) -> None:
    flow.fake.oauth.most_refreshes = 2
    given = [flow.given()["refresh_token"] for _ in range(3)]
    assert [flow.renew(one)[0] for one in given] == [400, 200, 200]
