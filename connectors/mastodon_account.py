"""An account on Mastodon: a server somebody named, a token made there, the server's rules, what refusals mean. Pure."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors import answers as http
from connectors.contract import Answer, Connected, ConnectForm, Field, Response, Send, StepKind, WireStep
from connectors.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.places import Destination, Seen
from foundation.addresses import origin
from foundation.sealed import Sealed
from foundation.words import Message, canonical

SURFACE = "mastodon.registered"
INSTANCE, ME = "instance", "me"
ADULT, GENERAL = "adult", "general"
"""What somebody who read a server's rules says of them."""

REGISTER = "instance register entry: adult yes/no, ai yes/no, automation yes/no, rules digest"
UNCHANGED = "live rules digest equals the register, else H"
"""What the policy asks of a server for more than General, in its own words."""

FORM = ConnectForm(
    fields=(
        Field("server", example="https://mastodon.social"),
        Field("token", secret=True),
        Field("rules", choices=(GENERAL, ADULT)),
    ),
    credential="token",
    minutes=4,
    server="server",
)
_GONE = ("disabled", "suspended", "deleted", "moved", "pending approval")
"""What a 403 says of an account nobody can post from."""

_ID = re.compile(r"\w{1,64}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9.-]{1,250}(:\d{1,5})?", re.ASCII)


def number_of(account: str) -> str:
    """The id of an account on its own server, as a segment of a path."""
    return http.segment(account.partition("@")[0])


def sentence(answer: Response) -> str:
    """What the server says of a refusal: one sentence, in English on most servers."""
    told = answer.body.get("error") if isinstance(answer.body, dict) else ""
    return told if isinstance(told, str) else ""


def meaning(answer: Answer, *, creates: bool) -> Outcome:
    """Say what an answer that is not a success meant.

    Source: https://docs.joinmastodon.org/client/authorized/ and the entities' methods
    """
    if isinstance(answer, Response) and answer.status == 403:
        said = sentence(answer).lower()
        if "scope" in said:
            return Reauthorize(Message("mastodon.scopes"))
        if any(word in said for word in _GONE):
            return Disconnected(Message("connectors.account_gone", {"word": "http_403"}))
    return http.meaning(answer, creates=creates)


def connect(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Connected | Outcome:
    """Ask the server who it is and what its rules are, then whose the token is."""
    if form.get("rules") not in (ADULT, GENERAL):
        return Rejected(Message("mastodon.rules_unread"), permanent=False)
    host = urlsplit(origin(str(form.get("server", "")))).netloc
    if not host:
        return Rejected(Message("mastodon.no_server"), permanent=False)
    if not answers:
        return Send(_instance(StepKind.AUTH))
    told = {answer.step: answer.body for answer in answers if isinstance(answer, Response) and answer.ok}
    server, me = told.get(INSTANCE), told.get(ME)
    if answers[-1].step == INSTANCE and not _domain(server):
        later = meaning(answers[-1], creates=False)
        waits = isinstance(answers[-1], Response) and isinstance(later, Retry) and not answers[-1].ok
        return later if waits else Rejected(Message("mastodon.no_server"), permanent=False)
    if len(answers) == 1:
        return Send(WireStep(ME, StepKind.AUTH, "GET", "/api/v1/accounts/verify_credentials"))
    if not isinstance(me, dict):
        return _not_let_in(answers[-1])
    return _connected(str(form["rules"]), host, server, me, form.get("token"))


def _instance(kind: StepKind) -> WireStep:
    """Anybody may read it."""
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(INSTANCE, kind, "GET", "/api/v2/instance", token="none", action=action)  # noqa: S106  no secret


def _domain(server: Any) -> str:
    told = server.get("domain") if isinstance(server, dict) else ""
    return told.lower() if isinstance(told, str) and _DOMAIN.fullmatch(told.lower()) else ""


def _not_let_in(answer: Answer) -> Outcome:
    outcome = meaning(answer, creates=False)
    if isinstance(outcome, Reauthorize):
        known = outcome.reason.code == "mastodon.scopes"
        return Rejected(outcome.reason if known else Message("mastodon.not_let_in"), permanent=False)
    return outcome


def _connected(rules: str, host: str, server: Any, me: Mapping[str, Any], token: object) -> Connected | Outcome:
    number, name = str(me.get("id", "")), str(me.get("username", ""))
    if not _ID.fullmatch(number) or not name:
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if isinstance(me.get("moved"), dict):
        return Rejected(Message("mastodon.moved"), permanent=False)
    return Connected(
        account=f"{number}@{host}",
        name=f"@{name}@{_domain(server)}",
        surface=SURFACE,
        token=token if isinstance(token, Sealed) else None,
        options={"can_be_seen": True, "register": {"adult": rules == ADULT, "rules": rules_digest(server)}},
        app_key=host,
    )


def rules_digest(server: Any) -> str:
    """A digest of a server's rules as it tells them, whatever their order and numbers."""
    rules = server.get("rules") if isinstance(server, dict) else None
    told = [
        {"text": str(rule.get("text", "")).strip(), "hint": str(rule.get("hint", "")).strip()}
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict)
    ]
    return hashlib.sha256(canonical(sorted(told, key=lambda rule: rule["text"]))).hexdigest()


def check(account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
    """Whether the token is this account's, and the account still lives here."""
    if not answers:
        return Send(WireStep(ME, StepKind.CONTROL, "GET", "/api/v1/accounts/verify_credentials", action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
        return meaning(last, creates=False)
    if str(last.body.get("id")) != account.partition("@")[0]:
        return Reauthorize(Message("connectors.token_refused"))
    return Disconnected(Message("mastodon.moved")) if isinstance(last.body.get("moved"), dict) else None


def see(place: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
    """What somebody said of the server's rules when they connected, and whether these are its rules still."""
    if not place.register.get("adult"):
        return Seen(fails=(REGISTER,))
    if not answers:
        return Send(_instance(StepKind.CONTROL))
    last = answers[-1]
    if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
        return meaning(last, creates=False)
    same = rules_digest(last.body) == place.register.get("rules")
    return Seen((REGISTER, UNCHANGED)) if same else Seen((REGISTER,), (UNCHANGED,))
