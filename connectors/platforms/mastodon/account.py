"""Accounts on Mastodon: OAuth on the chosen server, the server's rules, verification and the
meaning of failures.

Source: https://docs.joinmastodon.org/client/authorized/,
https://docs.joinmastodon.org/methods/oauth/
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.contract import metrics
from connectors.contract.account_setup import (
    WANTED_FIELD,
    WANTED_MESSAGES,
    WANTED_POSTS,
    ConnectedAccount,
    ConnectForm,
    FormField,
    OAuthVisit,
)
from connectors.contract.connector import (
    Response,
    Send,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.platforms.mastodon.limits import INSTANCE, instance_step, limits_from_server
from connectors.shared import http_responses
from foundation.canonical_json import canonical_json
from foundation.http.address_policy import parse_origin
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SURFACE = "mastodon.registered"
CHAT_SURFACE = "mastodon.message"
APP = "app"
TOKEN = "token"
ME = "me"
ACCESS = "access_token"
SCOPES = (
    "read:accounts read:statuses read:notifications"
    " write:statuses write:media write:blocks write:favourites write:reports"
)
ADULT = "adult"
GENERAL = "general"
"""Form values by which a member who has read the server's rules states whether they allow content
above General (`ADULT`) or not."""

REGISTER_PREDICATE = (
    "instance register entry: adult yes/no, ai yes/no, automation yes/no, rules digest"
)
RULES_UNCHANGED_PREDICATE = "live rules digest equals the register, else H"
"""The policy's conditions, in the policy's own syntax, for a server with content above General."""

FORM = ConnectForm(
    fields=(
        FormField("server", example="https://mastodon.social"),
        FormField("rules", choices=(GENERAL, ADULT)),
        FormField(WANTED_FIELD, optional=True, choices=(WANTED_POSTS, WANTED_MESSAGES)),
    ),
    credential=ACCESS,
    minutes=2,
    server="server",
)
_GONE = ("disabled", "suspended", "deleted", "moved", "pending approval")
"""Words in a 403 error for an account that cannot publish."""

RECORD_NOT_FOUND = "Record not found"
"""The error for a missing object. It is also returned if the post with this idempotency key was
deleted."""

ID_PATTERN = re.compile(r"\w{1,64}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9.-]{1,250}(:\d{1,5})?", re.ASCII)


def account_id(account: str) -> str:
    """Return the account's ID on its server, quoted as a path segment."""
    return http_responses.quote_segment(account.partition("@")[0])


def id_of(answer: StepResult) -> str:
    """Return the ID in a successful answer, or ""."""
    told = http_responses.success_body(answer).get("id")
    return (
        told
        if isinstance(told, str) and 0 < len(told) <= 64 and told.isascii() and told.isalnum()
        else ""
    )


def post_url(post: Mapping[str, Any]) -> str:
    """Return the public URL of a post, or ""."""
    url = post.get("url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def refusal_text(answer: Response) -> str:
    """Return the text of an error: one sentence, in English on most servers."""
    told = answer.body.get("error") if isinstance(answer.body, dict) else ""
    return told if isinstance(told, str) else ""


def is_missing(answer: StepResult) -> bool:
    """Return True if the server reports that the object does not exist. A 404 page of another
    program does not count."""
    return isinstance(answer, Response) and (
        (answer.status == 404 and refusal_text(answer) == RECORD_NOT_FOUND) or answer.status == 410
    )


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure.

    Source: https://docs.joinmastodon.org/client/authorized/ and the documentation of each API
    method
    """
    if isinstance(answer, Response) and answer.status == 403:
        said = refusal_text(answer).lower()
        if "scope" in said:
            return Reauthorize(Message("oauth.scopes"))
        if any(word in said for word in _GONE):
            return Disconnected(Message("connectors.account_gone", {"word": "http_403"}))
    return http_responses.outcome_of_status(answer, creates=creates)


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Return the next step of the connection.

    Before OAuth, check the server and register an application on it. Afterwards, exchange the code
    for a token, identify the account and read the server's rules.
    """
    if form.get("rules") not in (ADULT, GENERAL):
        return Rejected(Message("mastodon.rules_unread"), permanent=False)
    if not _server_host(form):
        return Rejected(Message("mastodon.no_server"), permanent=False)
    return _finish_sign_in(form, answers) if "code" in form else _start_sign_in(form, answers)


def _server_host(form: Mapping[str, str | Sealed]) -> str:
    return urlsplit(parse_origin(str(form.get("server", "")))).netloc


def _start_sign_in(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | Outcome:
    """Register an application on the server. Each account has a separate one, since registrations
    are valid on one server only."""
    if not answers:
        return Send(instance_step(StepKind.AUTH))
    last = answers[-1]
    if last.step == INSTANCE:
        return (
            Send(_build_app_step(str(form["redirect_uri"])))
            if _parse_domain(http_responses.success_body(last))
            else _missing_server_outcome(last)
        )
    client = http_responses.success_body(last).get("client_id")
    secret = last.sealed.get("client_secret") if isinstance(last, Response) else None
    if not isinstance(client, str) or secret is None:
        return _sign_in_failure_outcome(last)
    asked = {"response_type": "code", "client_id": client, "scope": SCOPES}
    return OAuthVisit("/oauth/authorize", asked, {"client_id": client, "client_secret": secret})


def _finish_sign_in(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | ConnectedAccount | Outcome:
    """Exchange the code. It is valid once, so the user must authorize again if the answer is
    lost."""
    if not answers:
        return Send(_build_token_step(form))
    last = answers[-1]
    said = {answer.step: http_responses.success_body(answer) for answer in answers}
    if last.step == TOKEN:
        if isinstance(last, Response) and ACCESS in last.sealed:
            return Send(WireStep(ME, StepKind.AUTH, "GET", "/api/v1/accounts/verify_credentials"))
        never = isinstance(last, StepNotSent)
        return (
            outcome_of_failure(last, creates=False)
            if never
            else Rejected(Message("oauth.again"), permanent=False)
        )
    if not http_responses.success_body(last):
        return _sign_in_failure_outcome(last)
    if last.step == ME:
        return Send(instance_step(StepKind.AUTH))
    return _build_account(form, said[INSTANCE], said[ME], _parse_token(answers))


def _build_app_step(returns_to: str) -> WireStep:
    said = {"client_name": "Greenroom", "redirect_uris": returns_to, "scopes": SCOPES}
    hidden = ("client_secret",)
    return WireStep(
        APP, StepKind.AUTH, "POST", "/api/v1/apps", said, token="none", secret_fields=hidden
    )


def _build_token_step(form: Mapping[str, str | Sealed]) -> WireStep:
    said = {
        "grant_type": "authorization_code",
        "client_id": form.get("client_id", ""),
        "client_secret": form.get("client_secret", ""),
        "redirect_uri": form["redirect_uri"],
        "code": form["code"],
        "code_verifier": form.get("verifier", ""),
    }
    hidden = (ACCESS, "refresh_token")
    return WireStep(
        TOKEN, StepKind.AUTH, "POST", "/oauth/token", said, token="none", secret_fields=hidden
    )


def _parse_token(answers: tuple[StepResult, ...]) -> Sealed | None:
    return next(
        (
            one.sealed[ACCESS]
            for one in answers
            if isinstance(one, Response) and ACCESS in one.sealed
        ),
        None,
    )


def _missing_server_outcome(answer: StepResult) -> Outcome:
    """Return the rejection of a host that is not a Mastodon server, or a retry if the server is
    busy."""
    later = outcome_of_failure(answer, creates=False)
    waits = isinstance(answer, Response) and isinstance(later, Retry) and not answer.is_success
    return later if waits else Rejected(Message("mastodon.no_server"), permanent=False)


def _parse_domain(server: Any) -> str:
    named = server.get("domain") if isinstance(server, dict) else ""
    return named.lower() if isinstance(named, str) and _DOMAIN.fullmatch(named.lower()) else ""


def _sign_in_failure_outcome(answer: StepResult) -> Outcome:
    outcome = outcome_of_failure(answer, creates=False)
    if isinstance(outcome, Reauthorize):
        known = outcome.reason.code == "oauth.scopes"
        return Rejected(
            outcome.reason if known else Message("mastodon.not_let_in"), permanent=False
        )
    return outcome


def _build_account(
    form: Mapping[str, str | Sealed],
    server: Mapping[str, Any],
    me: Mapping[str, Any],
    token: Sealed | None,
) -> ConnectedAccount | Outcome:
    number = str(me.get("id", ""))
    name = str(me.get("username", ""))
    host = _server_host(form)
    if not ID_PATTERN.fullmatch(number) or not name or not _parse_domain(server):
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if isinstance(me.get("moved"), dict):
        return Rejected(Message("mastodon.moved"), permanent=False)
    return ConnectedAccount(
        account=f"{number}@{host}",
        name=f"@{name}@{_parse_domain(server)}",
        surface=SURFACE,
        chat_surface=CHAT_SURFACE if form.get(WANTED_FIELD) == WANTED_MESSAGES else "",
        token=token,
        options={
            "can_be_seen": True,
            "register": {"adult": form["rules"] == ADULT, "rules": rules_digest(server)},
        },
        app_key=host,
        limits=limits_from_server(server).json(),
    )


def rules_digest(server: Any) -> str:
    """Return a digest of a server's rules, independent of their order and IDs."""
    rules = server.get("rules") if isinstance(server, dict) else None
    told = [
        {"text": str(rule.get("text", "")).strip(), "hint": str(rule.get("hint", "")).strip()}
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict)
    ]
    return hashlib.sha256(canonical_json(sorted(told, key=lambda rule: rule["text"]))).hexdigest()


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to the account and that the account has not moved."""
    if not answers:
        return Send(
            WireStep(
                ME, StepKind.CONTROL, "GET", "/api/v1/accounts/verify_credentials", action="look"
            )
        )
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
        return outcome_of_failure(last, creates=False)
    if str(last.body.get("id")) != account.partition("@")[0]:
        return Reauthorize(Message("connectors.token_refused"))
    return (
        Disconnected(Message("mastodon.moved"))
        if isinstance(last.body.get("moved"), dict)
        else None
    )


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers known to this server."""
    if not answers:
        return metrics.followers_request("/api/v1/accounts/verify_credentials")
    return metrics.parse_count(http_responses.success_body(answers[-1]).get("followers_count"))


def inspect_destination(
    place: Destination, answers: tuple[StepResult, ...]
) -> Send | DestinationReport | Outcome:
    """Report the member's statement about the server's rules, and check that the rules have not
    changed since."""
    if not place.register.get("adult"):
        return DestinationReport(fails=(REGISTER_PREDICATE,))
    if not answers:
        return Send(instance_step(StepKind.CONTROL))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
        return outcome_of_failure(last, creates=False)
    same = rules_digest(last.body) == place.register.get("rules")
    return (
        DestinationReport((REGISTER_PREDICATE, RULES_UNCHANGED_PREDICATE))
        if same
        else DestinationReport((REGISTER_PREDICATE,), (RULES_UNCHANGED_PREDICATE,))
    )
