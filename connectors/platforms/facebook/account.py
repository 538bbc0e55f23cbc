"""Connection of a Facebook Page through OAuth or with its pasted token.

Source: https://developers.facebook.com/docs/pages-api/overview; lifetimes:
https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived,
https://developers.facebook.com/docs/graph-api/reference/debug_token
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

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
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected
from connectors.platforms.facebook import messages
from connectors.platforms.facebook.errors import outcome_of_failure
from connectors.platforms.facebook.oauth import page_token_turn, without_used_code
from connectors.platforms.meta import errors
from connectors.platforms.meta.errors import id_from_answer
from connectors.platforms.meta.messages import MESSAGES_PROBE_STEP, messages_probe_step
from connectors.shared import oauth
from connectors.shared.http_responses import from_unix_seconds, response_date, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

FORM = ConnectForm(
    fields=(
        FormField("page", optional=True, example="104215…"),
        FormField(WANTED_FIELD, optional=True, choices=(WANTED_POSTS, WANTED_MESSAGES)),
        FormField(oauth.ACCESS_TOKEN_FIELD, secret=True, optional=True, example="EAA…"),
    ),
    credential=oauth.ACCESS_TOKEN_FIELD,
    minutes=10,
    registered=True,
    pasted=oauth.ACCESS_TOKEN_FIELD,
)
SURFACE = "facebook.page"
RIGHTS = "rights"
NEEDED = ("pages_manage_posts", "pages_read_engagement")
"""Permissions without which posts cannot be published or looked up. A missing optional permission
is reported on first use."""

SHORTEST = timedelta(days=1)
"""The minimum remaining lifetime of a token. A token with a shorter one was derived from a user
token that is valid for an hour."""

MAX_TOKEN_LIFETIME = timedelta(days=3650)
"""Expiry dates further in the future are ignored."""

_ECHOED = ("error.message",)
"""The field of an error that repeats an unreadable token; it is sealed."""

_WHO = "/me?fields=id,name"
# a URL template, not a token
_TOKEN = "/debug_token?input_token={token}&access_token={token}"


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Get the Page's token, pasted or through OAuth, check its permissions, and return the account.

    If messages are wanted, also check that they can be read.
    """
    chats = form.get(WANTED_FIELD) == WANTED_MESSAGES
    before = tuple(one for one in answers if one.step not in (RIGHTS, MESSAGES_PROBE_STEP))
    if isinstance(form.get(oauth.ACCESS_TOKEN_FIELD), Sealed):
        found = _connect_pasted_token(form, before)
        return (
            _check_page_token(found, answers[len(before) :], chats=chats)
            if isinstance(found, ConnectedAccount)
            else found
        )
    wanted = messages.NEEDED_PERMISSIONS if chats else ()
    page = page_token_turn(form, before, rights=wanted, surface=SURFACE)
    if not isinstance(page, ConnectedAccount):
        return page
    return without_used_code(_check_page_token(page, answers[len(before) :], chats=chats))


def _connect_pasted_token(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | ConnectedAccount | Outcome:
    """Return the Page of a pasted token, which identifies its Page."""
    token = form.get(oauth.ACCESS_TOKEN_FIELD)
    page = str(form.get("page") or "").strip()
    if not isinstance(token, Sealed):
        return Rejected(Message("facebook.bad_token"), permanent=False)
    if not (page.isascii() and page.isdigit() and len(page) <= 30):
        return Rejected(Message("facebook.bad_page"), permanent=False)
    if not answers:
        return Send(WireStep("me", StepKind.AUTH, "GET", _WHO, secret_fields=_ECHOED))
    who = answers[0]
    if not isinstance(who, Response) or not who.is_success:
        refused = outcome_of_failure(who, creates=False)
        unknown = isinstance(refused, Reauthorize)
        return Rejected(Message("facebook.bad_token"), permanent=False) if unknown else refused
    name = success_body(who).get("name")
    if id_from_answer(who) != page or not isinstance(name, str) or not name:
        return Rejected(Message("facebook.not_the_page", {"page": page}), permanent=False)
    return ConnectedAccount(page, name, SURFACE, token=token)


def _check_page_token(
    page: ConnectedAccount, answers: tuple[StepResult, ...], *, chats: bool
) -> Send | ConnectedAccount | Outcome:
    """Check the permissions of a Page's token with the token itself."""
    if not answers:
        step = WireStep(RIGHTS, StepKind.AUTH, "GET", _TOKEN, token="path", secret_fields=_ECHOED)
        return Send(step)
    found = _build_account(page, answers[0], chats=chats)
    if not chats or not isinstance(found, ConnectedAccount):
        return found
    if len(answers) == 1:
        return Send(messages_probe_step(messages.MESSAGING_NETWORK))
    return errors.messages_unreadable_reason(answers[1]) or replace(
        found, chat_surface=messages.CHAT_SURFACE
    )


def _build_account(
    found: ConnectedAccount, rights: StepResult, *, chats: bool
) -> ConnectedAccount | Outcome:
    """Return the account unless a check failed. Some tokens cannot be inspected but can publish."""
    told = success_body(rights).get("data")
    if not isinstance(told, dict):
        refused = outcome_of_failure(rights, creates=False)
        silent = isinstance(rights, Response) and isinstance(refused, Rejected | Reauthorize)
        return found if silent or _is_ok(rights) else refused
    scopes = told.get("scopes")
    needed = (*NEEDED, *(messages.NEEDED_PERMISSIONS if chats else ()))
    missing = [right for right in needed if right not in scopes] if isinstance(scopes, list) else []
    if missing:
        return Rejected(
            Message("facebook.right_missing", {"rights": ", ".join(missing)}), permanent=False
        )
    left = _parse_lifetime(told, rights, "expires_at")
    if left is not None and left < SHORTEST:
        return Rejected(Message("facebook.short_token"), permanent=False)
    reads = _parse_lifetime(told, rights, "data_access_expires_at")
    ends = [
        one for one in (left, reads) if one is not None and timedelta(0) < one < MAX_TOKEN_LIFETIME
    ]
    return replace(found, lifetime=min(ends, default=None))


def _is_ok(answer: StepResult) -> bool:
    return isinstance(answer, Response) and answer.is_success


def _parse_lifetime(told: Mapping[str, Any], answer: StepResult, name: str) -> timedelta | None:
    """Return the remaining time of the token, or of its data access, by Meta's clock. Return None
    if it is unlimited or unknown.

    A Page's token does not expire, but after 90 days without activity of its user it can no longer
    read, so published posts are not found by look-ups. Source:
    https://developers.facebook.com/docs/facebook-login/auth-vs-data
    """
    ends = told.get(name)
    until = (
        from_unix_seconds(str(ends))
        if isinstance(ends, int) and not isinstance(ends, bool) and ends > 0
        else None
    )
    now = response_date(answer)
    return until - now.astimezone(UTC) if until is not None and isinstance(now, datetime) else None


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to the Page."""
    if not answers:
        return Send(WireStep("look", StepKind.CONTROL, "GET", _WHO, action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success:
        return outcome_of_failure(last, creates=False)
    return None if id_from_answer(last) == account else Reauthorize(Message("facebook.other_page"))


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of the Page's followers."""
    if not answers:
        return metrics.followers_request("/{account}?fields=followers_count")
    return metrics.parse_count(success_body(answers[-1]).get("followers_count"))
