"""Token endpoints of Meta: meaning of responses, hostile ones included."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.contract.account_setup import OAuthVisit
from connectors.contract.connector import (
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepAnswerLost,
    StepNotSent,
    StepResult,
)
from connectors.contract.outcomes import Disconnected, Reauthorize, Rejected, Retry
from connectors.platforms.instagram.publisher import Instagram
from connectors.platforms.meta.oauth import LONG, MAX_REQUESTED, TRIED
from connectors.platforms.threads.publisher import Threads
from foundation.sealed import Sealed

OLD, NEW = Sealed(b"old"), Sealed(b"new")
GRANT = RefreshGrant("17", OLD)
FORM: dict[str, str | Sealed] = {
    "client_id": "1",
    "client_secret": Sealed(b"s"),
    "redirect_uri": "https://a.example",
}
BACK = {**FORM, "code": Sealed(b"c"), "verifier": Sealed(b"v")}


def gave(step: str, **body: Any) -> Response:
    return Response(step, 200, {}, body, {"access_token": NEW})


def wrong(step: str, code: int, sub: int = 0, status: int = 400) -> Response:
    return Response(
        step, status, {}, {"error": {"code": code, "error_subcode": sub, "message": "no"}}
    )


def renewed(*answers: StepResult) -> Any:
    return Threads().refresh(GRANT, answers)


def test_renewal_sends_the_token_in_the_query_only() -> None:
    turn = renewed()
    assert isinstance(turn, Send)
    step = turn.step
    assert (step.method, step.path, step.encoding, step.host) == (
        "GET",
        "/refresh_access_token",
        "query",
        "origin",
    )
    assert step.json == {"grant_type": "th_refresh_token", "access_token": OLD}
    assert step.token == "none"


@pytest.mark.parametrize(
    ("told", "lifetime"),
    [
        (5183944, timedelta(seconds=5183944)),
        (None, TRIED),
        (0, TRIED),
        (-5, TRIED),
        ("x", TRIED),
        (10**30, None),
    ],
)
def test_implausible_lifetime_is_renewed_soon(told: object, lifetime: timedelta | None) -> None:
    found = renewed(gave("renewal", expires_in=told))
    assert isinstance(found, RenewedTokens)
    assert (found.token, found.refresh) == (NEW, NEW)
    assert (
        found.lifetime == lifetime
        if lifetime is not None
        else found.lifetime <= timedelta(days=400)
    )


@pytest.mark.parametrize(
    "lost",
    [
        StepAnswerLost("renewal", "reset"),
        StepNotSent("renewal", "refused"),
        Response("renewal", 503, {}, None),
        Response("renewal", 200, {}, {}),
        Response("renewal", 429, {"retry-after": "60"}, {}),
        wrong("renewal", 4),
        wrong("renewal", 2),
    ],
)
def test_unclear_renewal_is_retried_not_uncertain(lost: StepResult) -> None:
    assert isinstance(renewed(lost), Retry)


@pytest.mark.parametrize(
    "refused", [wrong("renewal", 190, 463), wrong("renewal", 100), wrong("renewal", 10)]
)
def test_refused_renewal_is_confirmed_with_the_token(refused: Response) -> None:
    turn = renewed(refused)
    assert isinstance(turn, Send)
    assert (turn.step.path, turn.step.token) == ("/me?fields=id,username", "bearer")
    assert renewed(refused, Response("me", 200, {}, {"id": "17"})) == RenewedTokens(OLD, OLD, TRIED)
    assert isinstance(renewed(refused, wrong("me", 190, 463)), Reauthorize)
    assert isinstance(renewed(refused, wrong("me", 368, 2207050)), Disconnected)
    for unclear in (wrong("me", 100), StepAnswerLost("me", "reset"), Response("me", 502, {}, None)):
        assert isinstance(renewed(refused, unclear), Retry)


def test_oauth_flow_requests_the_required_scopes() -> None:
    page = Instagram().connect(FORM, ())
    assert isinstance(page, OAuthVisit)
    assert page.asked["scope"].split(",")[0] == "instagram_business_basic"
    exchange = Instagram().connect(BACK, ())
    assert isinstance(exchange, Send)
    assert exchange.step.json is not None
    assert (exchange.step.client, exchange.step.json["client_secret"]) == (
        None,
        FORM["client_secret"],
    )
    assert (exchange.step.encoding, exchange.step.host) == ("form", "auth")


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": [7]},
        {"data": {"permissions": "x"}},
        {"permissions": ""},
        {"permissions": 7},
        {"permissions": ["instagram_business_content_publish"]},
    ],
)
def test_granted_permissions_are_checked_if_reported(body: dict[str, Any]) -> None:
    turn = Instagram().connect(BACK, (gave("token", **body),))
    assert isinstance(turn, Send)
    other = Instagram().connect(BACK, (gave("token", permissions="instagram_business_basic"),))
    assert isinstance(other, Rejected)
    assert other.reason.code == "oauth.scopes"


def test_long_token_is_requested_a_few_times() -> None:
    first, lost = gave("token"), StepAnswerLost(LONG, "reset")
    for many in range(MAX_REQUESTED):
        turn = Threads().connect(BACK, (first, *[lost] * many))
        assert isinstance(turn, Send)
        assert turn.step.json == {
            "grant_type": "th_exchange_token",
            "client_secret": FORM["client_secret"],
            "access_token": NEW,
        }
    for answers in ((first, *[lost] * MAX_REQUESTED), (first, wrong(LONG, 190))):
        ended = Threads().connect(BACK, answers)
        assert isinstance(ended, Rejected)
        assert ended.reason.code == "oauth.again"
