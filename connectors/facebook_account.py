"""Connecting a Facebook Page, by a yes at Facebook or with a token of its own that somebody pasted: whose it is, and
what it may do. Pure.

Source: https://developers.facebook.com/docs/pages-api/overview, and of what lasts
https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived,
https://developers.facebook.com/docs/graph-api/reference/debug_token
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import facebook_chats, facebook_login, following, meta_chats, meta_refusals, oauth
from connectors.answers import date_of, instant, told_by
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.enrolment import MESSAGES, POSTS, WANTED, Connected, ConnectForm, Field, Visit
from connectors.facebook_answers import meaning
from connectors.instagram_answers import id_of
from connectors.outcomes import Outcome, Reauthorize, Rejected
from foundation.sealed import Sealed
from foundation.words import Message

FORM = ConnectForm(
    fields=(
        Field("page", optional=True, example="104215…"),
        Field(WANTED, optional=True, choices=(POSTS, MESSAGES)),
        Field(oauth.ACCESS, secret=True, optional=True, example="EAA…"),
    ),
    credential=oauth.ACCESS,
    minutes=10,
    registered=True,
    pasted=oauth.ACCESS,
)
SURFACE, RIGHTS = "facebook.page", "rights"
NEEDED = ("pages_manage_posts", "pages_read_engagement")
"""Without these nothing is posted, or found again; what the others are for is said where one is missing."""

SHORTEST = timedelta(days=1)
"""A token that ends sooner was made of one that lasts an hour."""

LONGEST = timedelta(days=3650)
"""An end further away is nobody's."""

_ECHOED = ("error.message",)
"""A refusal repeats the token that nobody can read."""

_WHO = "/me?fields=id,name"
_TOKEN = "/debug_token?input_token={token}&access_token={token}"  # noqa: S105  where it is shown, not one


def connect(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Visit | Connected | Outcome:
    """The token of a Page, pasted or by a yes; what it may do, and where messages are wanted whether they may be read;
    then the account, or why not."""
    chats = form.get(WANTED) == MESSAGES
    before = tuple(one for one in answers if one.step not in (RIGHTS, meta_chats.PROBE))
    if isinstance(form.get(oauth.ACCESS), Sealed):
        found = _pasted(form, before)
        return _known(found, answers[len(before) :], chats=chats) if isinstance(found, Connected) else found
    wanted = facebook_chats.NEEDED if chats else ()
    page = facebook_login.until_page(form, before, rights=wanted, surface=SURFACE)
    if not isinstance(page, Connected):
        return page
    return facebook_login.once(_known(page, answers[len(before) :], chats=chats))


def _pasted(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Connected | Outcome:
    """The Page whose token was pasted: it says itself whose it is."""
    token, page = form.get(oauth.ACCESS), str(form.get("page") or "").strip()
    if not isinstance(token, Sealed):
        return Rejected(Message("facebook.bad_token"), permanent=False)
    if not (page.isascii() and page.isdigit() and len(page) <= 30):
        return Rejected(Message("facebook.bad_page"), permanent=False)
    if not answers:
        return Send(WireStep("me", StepKind.AUTH, "GET", _WHO, secret_fields=_ECHOED))
    who = answers[0]
    if not isinstance(who, Response) or not who.ok:
        refused = meaning(who, creates=False)
        unknown = isinstance(refused, Reauthorize)
        return Rejected(Message("facebook.bad_token"), permanent=False) if unknown else refused
    name = told_by(who).get("name")
    if id_of(who) != page or not isinstance(name, str) or not name:
        return Rejected(Message("facebook.not_the_page", {"page": page}), permanent=False)
    return Connected(page, name, SURFACE, token=token)


def _known(page: Connected, answers: tuple[Answer, ...], *, chats: bool) -> Send | Connected | Outcome:
    """What the token of a Page may do, asked of itself."""
    if not answers:
        step = WireStep(RIGHTS, StepKind.AUTH, "GET", _TOKEN, token="path", secret_fields=_ECHOED)  # noqa: S106  how it is shown
        return Send(step)
    found = _connected(page, answers[0], chats=chats)
    if not chats or not isinstance(found, Connected):
        return found
    if len(answers) == 1:
        return Send(meta_chats.probe(facebook_chats.NETWORK))
    return meta_refusals.unheard(answers[1]) or replace(found, chat_surface=facebook_chats.SURFACE)


def _connected(found: Connected, rights: Answer, *, chats: bool) -> Connected | Outcome:
    """The account, where nothing speaks against it: some tokens cannot be asked after, and still post."""
    told = told_by(rights).get("data")
    if not isinstance(told, dict):
        refused = meaning(rights, creates=False)
        silent = isinstance(rights, Response) and isinstance(refused, Rejected | Reauthorize)
        return found if silent or _is_ok(rights) else refused
    scopes, needed = told.get("scopes"), (*NEEDED, *(facebook_chats.NEEDED if chats else ()))
    missing = [right for right in needed if right not in scopes] if isinstance(scopes, list) else []
    if missing:
        return Rejected(Message("facebook.right_missing", {"rights": ", ".join(missing)}), permanent=False)
    left = _lifetime(told, rights, "expires_at")
    if left is not None and left < SHORTEST:
        return Rejected(Message("facebook.short_token"), permanent=False)
    reads = _lifetime(told, rights, "data_access_expires_at")
    ends = [one for one in (left, reads) if one is not None and timedelta(0) < one < LONGEST]
    return replace(found, lifetime=min(ends, default=None))


def _is_ok(answer: Answer) -> bool:
    return isinstance(answer, Response) and answer.ok


def _lifetime(told: Mapping[str, Any], answer: Answer, name: str) -> timedelta | None:
    """How long the token still holds by their clock, or lets us read: a Page's own never ends by itself, but after 90
    days without its person it reads nothing any more, and what was posted is not found again. None for always, or
    where nobody tells.

    Source: https://developers.facebook.com/docs/facebook-login/auth-vs-data
    """
    ends = told.get(name)
    until = instant(str(ends)) if isinstance(ends, int) and not isinstance(ends, bool) and ends > 0 else None
    now = date_of(answer)
    return until - now.astimezone(UTC) if until is not None and isinstance(now, datetime) else None


def check(account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
    """Whether the token is still this Page's."""
    if not answers:
        return Send(WireStep("look", StepKind.CONTROL, "GET", _WHO, action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.ok:
        return meaning(last, creates=False)
    return None if id_of(last) == account else Reauthorize(Message("facebook.other_page"))


def followers(answers: tuple[Answer, ...]) -> Send | int | None:
    """How many follow the Page."""
    if not answers:
        return following.asked("/{account}?fields=followers_count")
    return following.number(told_by(answers[-1]).get("followers_count"))
