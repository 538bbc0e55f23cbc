"""An account on Mastodon: a server somebody named and says yes on, its rules, what its refusals mean. Pure.

Source: https://docs.joinmastodon.org/client/authorized/, https://docs.joinmastodon.org/methods/oauth/
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors import answers as http
from connectors import following
from connectors.contract import Answer, Response, Send, StepKind, StepNotSent, WireStep
from connectors.enrolment import MESSAGES, POSTS, WANTED, Connected, ConnectForm, Field, Visit
from connectors.mastodon_limits import INSTANCE, instance, told
from connectors.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.places import Destination, Seen
from foundation.addresses import origin
from foundation.sealed import Sealed
from foundation.words import Message, canonical

SURFACE, CHAT_SURFACE = "mastodon.registered", "mastodon.message"
APP, TOKEN, ME = "app", "token", "me"
ACCESS = "access_token"
SCOPES = (
    "read:accounts read:statuses read:notifications"
    " write:statuses write:media write:blocks write:favourites write:reports"
)
ADULT, GENERAL = "adult", "general"
"""What somebody who read a server's rules says of them."""

REGISTER = "instance register entry: adult yes/no, ai yes/no, automation yes/no, rules digest"
UNCHANGED = "live rules digest equals the register, else H"
"""What the policy asks of a server for more than General, in its own words."""

FORM = ConnectForm(
    fields=(
        Field("server", example="https://mastodon.social"),
        Field("rules", choices=(GENERAL, ADULT)),
        Field(WANTED, optional=True, choices=(POSTS, MESSAGES)),
    ),
    credential=ACCESS,
    minutes=2,
    server="server",
)
_GONE = ("disabled", "suspended", "deleted", "moved", "pending approval")
"""What a 403 says of an account nobody can post from."""

NO_MORE = "Record not found"
"""All a server says of what is not there; also where the post of this very key was deleted since."""

ID = re.compile(r"\w{1,64}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9.-]{1,250}(:\d{1,5})?", re.ASCII)


def number_of(account: str) -> str:
    """The id of an account on its own server, as a segment of a path."""
    return http.segment(account.partition("@")[0])


def id_of(answer: Answer) -> str:
    """The id an answer gave; "" for none."""
    told = http.told_by(answer).get("id")
    return told if isinstance(told, str) and 0 < len(told) <= 64 and told.isascii() and told.isalnum() else ""


def url_of(post: Mapping[str, Any]) -> str:
    """Where people find a post; "" where that is not told."""
    url = post.get("url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def sentence(answer: Response) -> str:
    """What the server says of a refusal: one sentence, in English on most servers."""
    told = answer.body.get("error") if isinstance(answer.body, dict) else ""
    return told if isinstance(told, str) else ""


def is_gone(answer: Answer) -> bool:
    """Whether the server itself says that it has no such thing: another's 404 page proves nothing."""
    return isinstance(answer, Response) and (
        (answer.status == 404 and sentence(answer) == NO_MORE) or answer.status == 410
    )


def meaning(answer: Answer, *, creates: bool) -> Outcome:
    """Say what an answer that is not a success meant.

    Source: https://docs.joinmastodon.org/client/authorized/ and the entities' methods
    """
    if isinstance(answer, Response) and answer.status == 403:
        said = sentence(answer).lower()
        if "scope" in said:
            return Reauthorize(Message("oauth.scopes"))
        if any(word in said for word in _GONE):
            return Disconnected(Message("connectors.account_gone", {"word": "http_403"}))
    return http.meaning(answer, creates=creates)


def connect(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Visit | Connected | Outcome:
    """Before the visit: is there a server, and may we call ourselves an application of it. After it: the token, whose
    it is, and the server's rules."""
    if form.get("rules") not in (ADULT, GENERAL):
        return Rejected(Message("mastodon.rules_unread"), permanent=False)
    if not _host(form):
        return Rejected(Message("mastodon.no_server"), permanent=False)
    return _admitted(form, answers) if "code" in form else _introduced(form, answers)


def _host(form: Mapping[str, str | Sealed]) -> str:
    return urlsplit(origin(str(form.get("server", "")))).netloc


def _introduced(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Visit | Outcome:
    """Each account is let in by an application of its own: what one server told is worth nothing on another."""
    if not answers:
        return Send(instance(StepKind.AUTH))
    last = answers[-1]
    if last.step == INSTANCE:
        return Send(_register(str(form["redirect_uri"]))) if _domain(http.told_by(last)) else _nobody(last)
    client = http.told_by(last).get("client_id")
    secret = last.sealed.get("client_secret") if isinstance(last, Response) else None
    if not isinstance(client, str) or secret is None:
        return _not_let_in(last)
    asked = {"response_type": "code", "client_id": client, "scope": SCOPES}
    return Visit("/oauth/authorize", asked, {"client_id": client, "client_secret": secret})


def _admitted(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Connected | Outcome:
    """A code is good once: where what came of it is lost, the person says yes once more."""
    if not answers:
        return Send(_exchange(form))
    last, said = answers[-1], {answer.step: http.told_by(answer) for answer in answers}
    if last.step == TOKEN:
        if isinstance(last, Response) and ACCESS in last.sealed:
            return Send(WireStep(ME, StepKind.AUTH, "GET", "/api/v1/accounts/verify_credentials"))
        never = isinstance(last, StepNotSent)
        return meaning(last, creates=False) if never else Rejected(Message("oauth.again"), permanent=False)
    if not http.told_by(last):
        return _not_let_in(last)
    if last.step == ME:
        return Send(instance(StepKind.AUTH))
    return _connected(form, said[INSTANCE], said[ME], _token(answers))


def _register(returns_to: str) -> WireStep:
    said = {"client_name": "Greenroom", "redirect_uris": returns_to, "scopes": SCOPES}
    hidden = ("client_secret",)
    return WireStep(APP, StepKind.AUTH, "POST", "/api/v1/apps", said, token="none", secret_fields=hidden)  # noqa: S106  no secret


def _exchange(form: Mapping[str, str | Sealed]) -> WireStep:
    said = {
        "grant_type": "authorization_code",
        "client_id": form.get("client_id", ""),
        "client_secret": form.get("client_secret", ""),
        "redirect_uri": form["redirect_uri"],
        "code": form["code"],
        "code_verifier": form.get("verifier", ""),
    }
    hidden = (ACCESS, "refresh_token")
    return WireStep(TOKEN, StepKind.AUTH, "POST", "/oauth/token", said, token="none", secret_fields=hidden)  # noqa: S106  no secret


def _token(answers: tuple[Answer, ...]) -> Sealed | None:
    return next((one.sealed[ACCESS] for one in answers if isinstance(one, Response) and ACCESS in one.sealed), None)


def _nobody(answer: Answer) -> Outcome:
    """No server of theirs, or one that is busy."""
    later = meaning(answer, creates=False)
    waits = isinstance(answer, Response) and isinstance(later, Retry) and not answer.ok
    return later if waits else Rejected(Message("mastodon.no_server"), permanent=False)


def _domain(server: Any) -> str:
    named = server.get("domain") if isinstance(server, dict) else ""
    return named.lower() if isinstance(named, str) and _DOMAIN.fullmatch(named.lower()) else ""


def _not_let_in(answer: Answer) -> Outcome:
    outcome = meaning(answer, creates=False)
    if isinstance(outcome, Reauthorize):
        known = outcome.reason.code == "oauth.scopes"
        return Rejected(outcome.reason if known else Message("mastodon.not_let_in"), permanent=False)
    return outcome


def _connected(
    form: Mapping[str, str | Sealed], server: Mapping[str, Any], me: Mapping[str, Any], token: Sealed | None
) -> Connected | Outcome:
    number, name, host = str(me.get("id", "")), str(me.get("username", "")), _host(form)
    if not ID.fullmatch(number) or not name or not _domain(server):
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if isinstance(me.get("moved"), dict):
        return Rejected(Message("mastodon.moved"), permanent=False)
    return Connected(
        account=f"{number}@{host}",
        name=f"@{name}@{_domain(server)}",
        surface=SURFACE,
        chat_surface=CHAT_SURFACE if form.get(WANTED) == MESSAGES else "",
        token=token,
        options={"can_be_seen": True, "register": {"adult": form["rules"] == ADULT, "rules": rules_digest(server)}},
        app_key=host,
        limits=told(server).json(),
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


def followers(answers: tuple[Answer, ...]) -> Send | int | None:
    """How many follow whoever the token belongs to, as far as this server heard of them."""
    if not answers:
        return following.asked("/api/v1/accounts/verify_credentials")
    return following.number(http.told_by(answers[-1]).get("followers_count"))


def see(place: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
    """What somebody said of the server's rules when they connected, and whether these are its rules still."""
    if not place.register.get("adult"):
        return Seen(fails=(REGISTER,))
    if not answers:
        return Send(instance(StepKind.CONTROL))
    last = answers[-1]
    if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
        return meaning(last, creates=False)
    same = rules_digest(last.body) == place.register.get("rules")
    return Seen((REGISTER, UNCHANGED)) if same else Seen((REGISTER,), (UNCHANGED,))
