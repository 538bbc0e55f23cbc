"""The OAuth flow of Facebook: code, user token for two months, list of Pages, token of one Page.

A Page token obtained with a long-lived user token does not expire; the user token is not stored.
Facebook requires both in the URL of the next request. Source:
https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow,
https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived,
https://developers.facebook.com/docs/pages/getting-started
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.contract.account_setup import CLIENT_ID, CLIENT_SECRET, ConnectedAccount, OAuthVisit
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry
from connectors.platforms.facebook.errors import outcome_of_failure
from connectors.platforms.meta.errors import id_from_answer, next_cursor
from connectors.shared import oauth
from connectors.shared.http_responses import json_body, quote_segment, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SHORT = "code"
LONG = "long"
PAGES = "pages"
PAGE = "page"
SCOPES = (
    "pages_show_list",
    "pages_manage_posts",
    "pages_read_engagement",
    "pages_manage_engagement",
    "pages_read_user_content",
    "pages_manage_metadata",
)
"""Permissions to publish and look up posts, to read and answer comments, and to receive webhooks.
"""

MAX_REQUESTED = 3
"""Maximum number of attempts to get the long-lived token. The request is repeated because the code
cannot be exchanged a second time."""

LISTED = 100
MAX_LISTS = 2
NAMED = 10
MAX_NAME_LENGTH = 60
"""Maximum length of a Page's name in a list to choose from. `NAMED` is the maximum number of names.
"""

_MAY_POST = ("CREATE_CONTENT", "MANAGE", "FULL_CONTROL")
"""Suffixes of the tasks that allow posting. Newer Pages add a prefix to them."""


def page_token_turn(
    form: Mapping[str, str | Sealed],
    answers: tuple[StepResult, ...],
    *,
    rights: Sequence[str],
    surface: str,
) -> Send | OAuthVisit | Outcome | ConnectedAccount:
    """Return the next step to the token of the Page with the form's ID or name, or of the user's
    only Page.

    `rights` are requested in addition to `SCOPES`. A failure after the code was used is not
    retried: a code works only once, so the user must authorize again.
    """
    client = oauth.client_from_form(form)
    if not client.client_id or client.secret is None:
        return Rejected(Message("meta.no_client"), permanent=False)
    if "code" not in form:
        asked = {
            "response_type": "code",
            CLIENT_ID: client.client_id,
            "scope": ",".join((*SCOPES, *rights)),
            "auth_type": "rerequest",  # asks again for permissions that the user declined
        }
        return OAuthVisit("/dialog/oauth", asked)
    said = {CLIENT_ID: client.client_id, CLIENT_SECRET: client.secret}
    if not answers:
        code = {
            "redirect_uri": form["redirect_uri"],
            "code": form["code"],
            "code_verifier": form["verifier"],
        }
        return Send(_build_token_step(SHORT, {**said, **code}))
    return without_used_code(_continue_sign_in(form, answers, said, surface))


def without_used_code(turn: Send | Outcome | ConnectedAccount) -> Send | Outcome | ConnectedAccount:
    """Replace a retry with a rejection, since the code has been used and the user must authorize
    again."""
    return Rejected(Message("oauth.again"), permanent=False) if isinstance(turn, Retry) else turn


def _continue_sign_in(
    form: Mapping[str, str | Sealed],
    answers: tuple[StepResult, ...],
    said: Mapping[str, Any],
    surface: str,
) -> Send | Outcome | ConnectedAccount:
    short = _parse_token(answers[0])
    last = answers[-1]
    if short is None:
        return _refusal_outcome(answers[0])
    if last.step == PAGE:
        return _build_account(last, surface)
    if last.step == PAGES:
        return _choose_page(str(form.get("page") or ""), answers)
    if last.step == LONG and _parse_token(last) is not None:
        return Send(_build_page_list_step(""))
    tries = sum(answer.step == LONG for answer in answers)
    if tries == MAX_REQUESTED or (
        tries and not isinstance(outcome_of_failure(last, creates=False), Retry)
    ):
        return _refusal_outcome(last)
    return Send(
        _build_token_step(
            LONG, {"grant_type": "fb_exchange_token", **said, "fb_exchange_token": short}
        )
    )


def _choose_page(wanted: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Return the request for the chosen Page's token after reading the list, or a rejection that
    lists the Pages."""
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success:
        refused = outcome_of_failure(last, creates=False)
        return (
            Rejected(Message("oauth.scopes"), permanent=False)
            if isinstance(refused, Reauthorize)
            else refused
        )
    lists = [one for one in answers if one.step == PAGES]
    found = [page for one in lists for page in _iter_pages(one)]
    typed = wanted.strip().casefold()
    theirs = (
        [one for one in found if typed in (one["id"], _page_name(one).casefold())]
        if typed
        else found
    )
    after = next_cursor(success_body(last))
    if after and len(lists) < MAX_LISTS and not (typed and theirs):
        return Send(_build_page_list_step(after))
    if len(theirs) != 1:
        named = ", ".join(f"{_page_name(one)} ({one['id']})" for one in found[:NAMED])
        which = (
            Message("facebook.which_page", {"pages": named})
            if named
            else Message("facebook.no_page")
        )
        return Rejected(which, permanent=False)
    (page,) = theirs
    tasks = page.get("tasks")
    if (
        isinstance(tasks, list)
        and tasks
        and not any(str(task).endswith(_MAY_POST) for task in tasks)
    ):
        return Rejected(Message("facebook.no_task", {"page": _page_name(page)}), permanent=False)
    path = f"/{page['id']}?fields=id,name,{oauth.ACCESS_TOKEN_FIELD}"
    return Send(
        WireStep(PAGE, StepKind.AUTH, "GET", path, secret_fields=(oauth.ACCESS_TOKEN_FIELD,))
    )


def _build_account(answer: StepResult, surface: str) -> Outcome | ConnectedAccount:
    """Return the Page with its token."""
    token = _parse_token(answer)
    name = success_body(answer).get("name")
    if token is not None and id_from_answer(answer) and isinstance(name, str) and name:
        return ConnectedAccount(id_from_answer(answer), name, surface, token=token)
    refused = outcome_of_failure(answer, creates=False)
    return (
        refused
        if isinstance(refused, Retry)
        else Rejected(Message("oauth.scopes"), permanent=False)
    )


def _iter_pages(answer: StepResult) -> Iterator[Mapping[str, Any]]:
    """Yield the Pages of an answer that have an ID and a name."""
    listed = success_body(answer).get("data")
    for one in listed if isinstance(listed, list) else ():
        number = one.get("id") if isinstance(one, dict) else None
        if isinstance(number, str) and number.isascii() and number.isdigit() and _page_name(one):
            yield one


def _page_name(page: Mapping[str, Any]) -> str:
    """Return the name of a Page on one line."""
    found = page.get("name")
    return " ".join(found.split())[:MAX_NAME_LENGTH] if isinstance(found, str) else ""


def _parse_token(answer: StepResult) -> Sealed | None:
    return (
        answer.sealed.get(oauth.ACCESS_TOKEN_FIELD)
        if isinstance(answer, Response) and answer.is_success
        else None
    )


def _refusal_outcome(answer: StepResult) -> Outcome:
    """Return the reason for a missing token: an error of the application, or a used code."""
    error = json_body(answer).get("error")
    said = str(error.get("message") or "").lower() if isinstance(error, dict) else ""
    if "client secret" in said or "validating application" in said:
        return Rejected(Message("oauth.client_refused"), permanent=False)
    return Rejected(Message("oauth.again"), permanent=False)


def _build_token_step(name: str, said: Mapping[str, Any]) -> WireStep:
    """Return a request for a user's token."""
    return WireStep(
        name,
        StepKind.AUTH,
        "GET",
        "/oauth/access_token",
        said,
        token="none",
        secret_fields=(oauth.ACCESS_TOKEN_FIELD,),
        deadline=20.0,
        encoding="query",
    )


def _build_page_list_step(after: str) -> WireStep:
    more = f"&after={quote_segment(after)}" if after else ""
    return WireStep(
        PAGES, StepKind.AUTH, "GET", f"/me/accounts?fields=id,name,tasks&limit={LISTED}{more}"
    )
