"""Access to the fake Reddit: consent pages, codes, tokens, scopes, user agents, and one rate limit
for each application."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.fakes.reddit.client import AGENT, ask, send
from tests.fakes.reddit.server import OPERATIONS, FakeReddit, reddit
from tests.fakes.reddit.spec import FORM
from tests.fakes.reddit.state import Member

BACK = "https://house.example/back"


@pytest.fixture
def fake() -> Iterator[FakeReddit]:
    with reddit() as running:
        yield running


@pytest.fixture
def nova(fake: FakeReddit) -> Member:
    return fake.account("nova")


def test_request_requires_a_user_agent_and_a_token(fake: FakeReddit, nova: Member) -> None:
    for agent in ("python-requests/2.34", "greenroom", "python:greenroom:1.0", ""):
        headers = {"authorization": f"Bearer {nova.token}", "user-agent": agent}
        assert send(fake, "GET", "/api/v1/me", headers).status == 429
    status, told, headers = ask(fake, "nobody", "GET", "/api/v1/me")
    assert (status, told) == (401, {"message": "Unauthorized", "error": 401})
    assert "invalid_token" in headers["www-authenticate"]
    assert ask(fake, nova, "GET", "/api/v1/nothing")[0] == 404
    nova.suspended = True
    assert ask(fake, nova, "GET", "/api/v1/me")[:2] == (403, {"message": "Forbidden", "error": 403})
    fake.tells_suspended = True
    assert ask(fake, nova, "GET", "/api/v1/me")[1]["is_suspended"] is True
    assert ask(fake, nova, "GET", "/user/nova/submitted")[0] == 403
    nova.suspended = False
    fake.revoke(nova)
    assert ask(fake, nova, "GET", "/api/v1/me")[0] == 401


def test_each_request_requires_its_scope(fake: FakeReddit) -> None:
    for method, path, scope, _ in OPERATIONS:
        mine = fake.account(path.replace("/", "-"), scopes=("vote",))
        status, told, headers = ask(fake, mine, method, "/" + path.replace("*", "Pictures"))
        assert (status, told["message"], "insufficient_scope" in headers["www-authenticate"]) == (
            403,
            "Forbidden",
            True,
        )
        mine.scopes = (scope,)
        headers = ask(fake, mine, method, "/" + path.replace("*", "Pictures"))[2]
        assert "www-authenticate" not in headers


def test_rate_limit_is_shared_by_an_application(fake: FakeReddit, nova: Member) -> None:
    fake.limits.most = 2
    other, stranger = fake.account("other", client="house"), fake.account("stranger")
    nova.client = "house"
    _, _, headers = ask(fake, nova, "GET", "/api/v1/me")
    told = {name: headers[f"x-ratelimit-{name}"] for name in ("used", "remaining", "reset")}
    assert told == {"used": "1", "remaining": "1.0", "reset": "600"}
    assert ask(fake, other, "GET", "/api/v1/me")[0] == 200
    status, _, headers = ask(fake, nova, "GET", "/api/v1/me")
    assert (status, headers["x-ratelimit-remaining"], "retry-after" in headers) == (
        429,
        "0.0",
        False,
    )
    assert 590 <= int(headers["x-ratelimit-reset"]) <= 600
    assert ask(fake, stranger, "GET", "/api/v1/me")[0] == 200
    fake.clock.advance(int(headers["x-ratelimit-reset"]))
    assert ask(fake, nova, "GET", "/api/v1/me")[0] == 200


def page(fake: FakeReddit, client_id: str, **more: str) -> str:
    said = {"client_id": client_id, "response_type": "code", "state": "s", "redirect_uri": BACK}
    said |= {"duration": "permanent", "scope": "identity submit", **more}
    return f"/api/v1/authorize?{urlencode(said)}"


def came_back(fake: FakeReddit, path: str) -> dict[str, str]:
    reply = send(fake, "GET", path, {})
    assert reply.status == 302, reply
    back = urlsplit(reply.headers["location"])
    assert (f"{back.scheme}://{back.netloc}{back.path}", back.fragment) == (BACK, "_")
    return dict(parse_qsl(back.query))


def signing_in(
    fake: FakeReddit, app: Any, path: str = "access_token", **said: str
) -> tuple[int, Any]:
    basic = base64.b64encode(f"{app.client_id}:{app.secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": FORM, "user-agent": AGENT}
    reply = send(fake, "POST", f"/api/v1/{path}", headers, urlencode(said).encode())
    return reply.status, json.loads(reply.body or b"null")


def test_consent_page_validates_the_request(fake: FakeReddit, nova: Member) -> None:
    app = fake.application(BACK)
    assert send(fake, "GET", page(fake, "unknown"), {}).status == 400
    assert send(fake, "GET", page(fake, app.client_id, redirect_uri=BACK + "/"), {}).status == 400
    reply = send(fake, "GET", page(fake, app.client_id), {})
    assert (reply.status, b"<form method" in reply.body) == (200, True)
    for more, word in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"state": ""}, "invalid_request"),
        ({"duration": "ever"}, "invalid_request"),
    ):
        assert came_back(fake, page(fake, app.client_id, **more))["error"] == word
    no = came_back(fake, page(fake, app.client_id) + "&approve=")
    assert no == {"state": "s", "error": "access_denied"}
    assert set(came_back(fake, page(fake, app.client_id) + "&approve=nova")) == {"state", "code"}
    form = dict(parse_qsl(urlsplit(page(fake, app.client_id)).query)) | {"approve": "nova"}
    reply = send(
        fake, "POST", "/api/v1/authorize", {"content-type": FORM}, urlencode(form).encode()
    )
    assert (reply.status, "code=" in reply.headers["location"]) == (302, True)
    reply = send(
        fake,
        "POST",
        "/api/v1/authorize",
        {"content-type": FORM},
        urlencode(form | {"decline": "1"}).encode(),
    )
    assert "error=access_denied" in reply.headers["location"]
    nova.suspended = True
    assert send(fake, "GET", page(fake, app.client_id) + "&approve=nova", {}).status == 403


def code_of(fake: FakeReddit, app: Any, **more: str) -> dict[str, str]:
    code = came_back(fake, page(fake, app.client_id, **more) + "&approve=nova")["code"]
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}


def test_codes_and_tokens_follow_the_documentation(fake: FakeReddit, nova: Member) -> None:
    app, other, bad = (
        fake.application(BACK),
        fake.application(BACK),
        (200, {"error": "invalid_grant"}),
    )
    said = code_of(fake, app, code_challenge="x")
    assert (
        signing_in(fake, other, **said)
        == signing_in(fake, app, **said | {"redirect_uri": "x"})
        == bad
    )
    status, told = signing_in(fake, app, **said)
    assert (status, told["scope"], told["expires_in"], told["token_type"]) == (
        200,
        "identity submit",
        86400,
        "bearer",
    )
    assert ask(fake, told["access_token"], "GET", "/api/v1/me")[1]["name"] == "nova"
    twice = code_of(fake, app)
    ended = signing_in(fake, app, **twice)[1]
    assert signing_in(fake, app, **twice) == bad
    assert ask(fake, ended["access_token"], "GET", "/api/v1/me")[0] == 401
    late = code_of(fake, app)
    fake.clock.advance(600)
    assert signing_in(fake, app, **late) == bad
    assert signing_in(fake, app, grant_type="password") == (
        200,
        {"error": "unsupported_grant_type"},
    )
    assert (
        "refresh_token" not in signing_in(fake, app, **code_of(fake, app, duration="temporary"))[1]
    )
    fake.clock.advance(86400)
    assert ask(fake, told["access_token"], "GET", "/api/v1/me")[0] == 401
    wrong = type(app)(app.client_id, "wrong", BACK)
    assert signing_in(fake, wrong, **said) == (401, {"message": "Unauthorized", "error": 401})


def test_refresh_token_is_permanent_unless_rotated(fake: FakeReddit, nova: Member) -> None:
    app = fake.application(BACK)
    refresh = signing_in(fake, app, **code_of(fake, app))[1]["refresh_token"]
    fake.clock.advance(400 * 86400)
    status, told = signing_in(fake, app, grant_type="refresh_token", refresh_token=refresh)
    assert (status, told["refresh_token"]) == (200, refresh)
    assert ask(fake, told["access_token"], "GET", "/api/v1/me")[0] == 200
    fake.oauth.rotates = True
    newer = signing_in(fake, app, grant_type="refresh_token", refresh_token=refresh)[1][
        "refresh_token"
    ]
    gone = (400, {"message": "Bad Request", "error": 400})
    assert signing_in(fake, app, grant_type="refresh_token", refresh_token=refresh) == gone
    token = signing_in(fake, app, grant_type="refresh_token", refresh_token=newer)[1]
    assert signing_in(fake, app, "revoke_token", token="unknown")[0] == 200
    assert signing_in(fake, app, "revoke_token", token=token["refresh_token"])[0] == 200
    assert ask(fake, token["access_token"], "GET", "/api/v1/me")[0] == 401
    newest = signing_in(fake, app, **code_of(fake, app))[1]["refresh_token"]
    fake.oauth.refresh_lives = timedelta(days=365)
    fake.clock.advance(365 * 86400)
    assert signing_in(fake, app, grant_type="refresh_token", refresh_token=newest) == gone
    assert (
        signing_in(fake, app, grant_type="refresh_token", refresh_token=token["refresh_token"])
        == gone
    )
