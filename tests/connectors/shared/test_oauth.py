"""OAuth 2 with a registered client: client authentication, code exchange, and uncertain refresh
tokens."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.connector import (
    OAuthClient,
    RefreshGrant,
    RenewedTokens,
    Response,
    StepAnswerLost,
    StepNotSent,
    StepResult,
)
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry, Uncertain
from connectors.platforms.x.publisher import X
from connectors.shared import oauth
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SECRET = Sealed(b"secret")
FORM: dict[str, str | Sealed] = {
    "client_id": "id-1",
    "client_secret": SECRET,
    "redirect_uri": "https://here/auth/account",
}
BACK: dict[str, str | Sealed] = {**FORM, "code": Sealed(b"code"), "verifier": Sealed(b"verifier")}
PAIR = {"access_token": Sealed(b"a"), "refresh_token": Sealed(b"r")}
GRANT = RefreshGrant("42", Sealed(b"r"), OAuthClient("id-1", SECRET))
AGAIN = Message("oauth.again")


def given(status: int = 200, body: Any = None, **sealed: Sealed) -> Response:
    return Response(
        oauth.TOKEN_STEP, status, {}, body if body is not None else {"expires_in": 7200}, sealed
    )


def test_client_secret_is_sent_in_one_place_only() -> None:
    step = oauth.code_exchange_step("/2/oauth2/token", BACK)
    assert (step.client, step.encoding, step.token) == (OAuthClient("id-1", SECRET), "form", "none")
    assert "client_id" not in (step.json or {})
    assert SECRET not in (step.json or {}).values()
    public = oauth.code_exchange_step("/2/oauth2/token", BACK | {"client_secret": ""})
    assert public.client is None
    assert (public.json or {})["client_id"] == "id-1"


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (given(**PAIR), RenewedTokens),
        (given(body={}, **PAIR), RenewedTokens),
        (given(), Uncertain),
        (StepAnswerLost(oauth.TOKEN_STEP, "ReadTimeout"), Uncertain),
        (given(503, {}), Uncertain),
        (StepNotSent(oauth.TOKEN_STEP, "ConnectError"), Retry),
        (given(429, {}), Retry),
        (given(400, {"error": "invalid_grant"}), Reauthorize),
        (given(400, {"error": "invalid_request"}), Retry),
        (given(401, {"error": "invalid_client"}), Retry),
        (Response(oauth.TOKEN_STEP, 403, {}, None), Retry),
    ],
)
def test_possibly_used_refresh_token_is_uncertain(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(oauth.renewal_outcome(answer, "x"), meant)


VALUE_WAS = "Value passed for the "
STATUSES = st.integers(100, 599)
WORDS = st.sampled_from(
    [
        "invalid_grant",
        "invalid_request",
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
        "access_denied",
        "unsupported_grant_type",
        "server_error",
        "temporarily_unavailable",
    ]
)
BODIES = st.one_of(
    st.none(),
    st.sampled_from(["", "<html>Bad gateway</html>", "invalid_grant", [], {}, {"error": 400}]),
    st.builds(lambda word, text: {"error": word, "error_description": text}, WORDS, st.text()),
)
PLATFORMS = st.sampled_from(["x", "reddit", "tiktok", "youtube", "fanvue"])


@generated(STATUSES, BODIES, PLATFORMS)
def test_only_an_invalid_grant_ends_a_connection(status: int, body: Any, platform: str) -> None:
    outcome = oauth.renewal_outcome(Response(oauth.TOKEN_STEP, status, {}, body), platform)
    ended = isinstance(body, dict) and body.get("error") == "invalid_grant"
    if ended and status in (200, 400, 401, 403):
        assert outcome == Reauthorize(Message("connectors.token_refused"))
    else:
        assert isinstance(outcome, Retry | Uncertain)


@pytest.mark.parametrize(
    ("platform", "body"),
    [
        ("x", {"error": "invalid_request", "error_description": f"{VALUE_WAS}token was invalid."}),
        ("reddit", {"message": "Bad Request", "error": 400}),
    ],
)
def test_documented_ends_of_a_grant_are_known(platform: str, body: Any) -> None:
    answer = Response(oauth.TOKEN_STEP, 400, {}, body)
    assert isinstance(oauth.renewal_outcome(answer, platform), Reauthorize)
    assert isinstance(oauth.renewal_outcome(answer, "youtube"), Retry)


def test_refused_client_is_named() -> None:
    refused = oauth.renewal_outcome(given(401, {"error": "invalid_client"}), "x")
    assert isinstance(refused, Retry)
    assert refused.reason == Message("oauth.client_refused")


@pytest.mark.parametrize("seconds", [None, -1, 0, "7200", 10**30, True])
def test_invalid_token_lifetime_is_ignored(seconds: Any) -> None:
    found = oauth.parse_tokens(given(body={"expires_in": seconds}, **PAIR))
    assert found is not None
    assert found.lifetime is None or timedelta(0) < found.lifetime <= oauth.MAX_TOKEN_LIFETIME


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (given(400, {"error": "invalid_grant"}), Rejected(AGAIN, permanent=False)),
        (StepAnswerLost(oauth.TOKEN_STEP, "ReadTimeout"), Rejected(AGAIN, permanent=False)),
        (given(503, {}), Rejected(AGAIN, permanent=False)),
        (
            given(401, {"error": "invalid_client"}),
            Rejected(Message("oauth.client_refused"), permanent=False),
        ),
    ],
)
def test_authorization_code_is_never_reused(answer: StepResult, meant: Outcome) -> None:
    assert oauth.code_refusal_outcome(answer, again=AGAIN) == meant
    assert X().connect(BACK, (answer,)) == meant


def test_unsent_code_exchange_is_retried() -> None:
    assert isinstance(X().connect(BACK, (StepNotSent(oauth.TOKEN_STEP, "ConnectError"),)), Retry)


def test_oauth_flow_requires_a_client_id() -> None:
    assert X().connect(FORM | {"client_id": ""}, ()) == Rejected(
        Message("oauth.no_client"), permanent=False
    )
    visit = X().connect(FORM, ())
    assert isinstance(visit, OAuthVisit)
    assert SECRET not in visit.asked.values()
    assert visit.asked["client_id"] == "id-1"


def test_token_owner_is_read_from_the_platform() -> None:
    me = Response("me", 200, {}, {"data": {"id": "42", "username": "mia", "name": "Mia"}})
    found = X().connect(BACK, (given(**PAIR), me))
    assert isinstance(found, ConnectedAccount)
    assert (found.account, found.name, found.token, found.refresh) == ("42", "@mia", *PAIR.values())
    assert found.lifetime == timedelta(hours=2)
    for strange in (
        {"data": {"id": "../4", "username": "mia"}},
        {"data": {"id": "42"}},
        {"data": []},
    ):
        assert isinstance(
            X().connect(BACK, (given(**PAIR), Response("me", 200, {}, strange))), Rejected
        )


def test_renewal_uses_the_client_of_the_account() -> None:
    step = oauth.token_renewal_step("/2/oauth2/token", GRANT)
    assert step.client == GRANT.client
    assert (step.json or {}) == {"grant_type": "refresh_token", "refresh_token": GRANT.refresh}
