"""Signing in by OAuth 2 as a client that somebody registered: a code for tokens, new tokens for the old. Pure.

Source: RFC 6749, 4.1.3 and 6; the challenge is the house's (`channels.visiting`).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors import answers as http
from connectors.contract import (
    Answer,
    Grant,
    OAuthClient,
    Renewed,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    WireStep,
)
from connectors.enrolment import CLIENT_ID, CLIENT_SECRET, Visit
from connectors.outcomes import Outcome, Reauthorize, Rejected, Retry, Uncertain
from foundation.sealed import Sealed
from foundation.words import Message

TOKEN = "token"  # noqa: S105  a step's name
ACCESS, REFRESH = "access_token", "refresh_token"
LONGEST_LIFE = timedelta(days=400)
_DEAD = frozenset({"invalid_grant", "invalid_request"})
"""What a token endpoint says of a token that is used up, revoked or unknown; X says the second."""


def client_of(form: Mapping[str, str | Sealed]) -> OAuthClient:
    """The client a form names."""
    secret = form.get(CLIENT_SECRET)
    return OAuthClient(str(form.get(CLIENT_ID, "")), secret if isinstance(secret, Sealed) else None)


def until_known(
    form: Mapping[str, str | Sealed],
    answers: tuple[Answer, ...],
    *,
    page: Visit,
    path: str,
    me: WireStep,
    named: str = CLIENT_ID,
) -> Send | Visit | Outcome | None:
    """The way of an account through a visit: `page` without its client, tokens at `path`, then `me`, which says whose
    they are. None once that was answered. `named`: what the platform calls a client's id."""
    client = client_of(form)
    if not client.client_id:
        return Rejected(Message("oauth.no_client"), permanent=False)
    if "code" not in form:
        return replace(page, asked={"response_type": "code", named: client.client_id, **page.asked})
    if not answers:
        return Send(exchange(path, form, named))
    if answers[-1].step != TOKEN:
        return None
    return Send(me) if tokens(answers[-1]) else refused(answers[-1], again=Message("oauth.again"))


def exchange(path: str, form: Mapping[str, str | Sealed], named: str = CLIENT_ID, *, basic: bool = True) -> WireStep:
    """The request that gives the code of a visit for tokens; `basic`: a client whose id is called so shows it there."""
    said = {
        "grant_type": "authorization_code",
        "code": form["code"],
        "redirect_uri": form["redirect_uri"],
        "code_verifier": form["verifier"],
    }
    return _asked(path, said, client_of(form), named, basic=basic)


def renewal(path: str, grant: Grant, named: str = CLIENT_ID) -> WireStep:
    """The request that gives a refresh token for new tokens."""
    client = grant.client or OAuthClient("")
    return _asked(path, {"grant_type": REFRESH, REFRESH: grant.refresh}, client, named)


def showing(path: str, said: Mapping[str, Any], client: OAuthClient, named: str = CLIENT_ID) -> WireStep:
    """A request to an endpoint for tokens that shows the client as this one does when it renews."""
    return _asked(path, said, client, named)


def _asked(path: str, said: Mapping[str, Any], client: OAuthClient, named: str, *, basic: bool = True) -> WireStep:
    """A client with a secret shows it by Basic and nowhere else; one without names itself. Where the id has a name of
    its own, or Basic is not known, both stand among the fields (RFC 6749, 2.3.1)."""
    shown = client if client.secret is not None and named == CLIENT_ID and basic else None
    secret = {CLIENT_SECRET: client.secret} if client.secret is not None and shown is None else {}
    return WireStep(
        TOKEN,
        StepKind.AUTH,
        "POST",
        path,
        said if shown else {**said, named: client.client_id, **secret},
        token="none",  # noqa: S106  no secret
        secret_fields=(ACCESS, REFRESH),
        deadline=20.0,
        encoding="form",
        client=shown,
        host="auth",
    )


def tokens(answer: Answer) -> Renewed | None:
    """The tokens an answer gave; None for none."""
    if not isinstance(answer, Response) or not answer.ok or ACCESS not in answer.sealed:
        return None
    return Renewed(answer.sealed[ACCESS], answer.sealed.get(REFRESH), _lifetime(http.body_of(answer)))


def _lifetime(body: Mapping[str, Any]) -> timedelta | None:
    seconds = body.get("expires_in")
    if not isinstance(seconds, int) or seconds <= 0:
        return None
    return min(timedelta(seconds=min(seconds, 10**9)), LONGEST_LIFE)


def refused(answer: Answer, *, again: Message) -> Outcome:
    """Why a code gave no tokens. It is good once: where what came of it is not known, the person says yes `again`."""
    if isinstance(answer, Response) and http.error_word(answer) in ("invalid_client", "unauthorized_client"):
        return Rejected(Message("oauth.client_refused"), permanent=False)
    if isinstance(answer, StepNotSent) or (isinstance(answer, Response) and answer.status == 429):
        return http.meaning(answer, creates=False)
    return Rejected(again, permanent=False)


def renewed(answer: Answer) -> Renewed | Outcome:
    """The new tokens, or why there are none; whatever may have used the refresh token up is a doubt."""
    if found := tokens(answer):
        return found
    if isinstance(answer, Response) and answer.ok and http.error_word(answer) in _DEAD:  # as Reddit has it
        return Reauthorize(Message("connectors.token_refused"))
    if isinstance(answer, StepAnswerLost) or (isinstance(answer, Response) and not 400 <= answer.status < 500):
        detail = answer.detail if isinstance(answer, StepAnswerLost) else f"http_{answer.status}"
        return Uncertain(Message("connectors.answer_lost", {"detail": detail}))
    if isinstance(answer, Response) and answer.status == 403 and not isinstance(answer.body, dict):
        return Retry(http.RATE_WINDOW, "account", Message("connectors.unclear_answer", {"status": 403}))
    if isinstance(answer, Response) and answer.status in (400, 401, 403):
        ended = http.error_word(answer) in _DEAD
        return Reauthorize(Message("connectors.token_refused" if ended else "oauth.client_refused"))
    return http.meaning(answer, creates=False)
