"""Accounts on Threads: sign-in with a pasted token or through OAuth, and token refresh.

Source: https://developers.facebook.com/docs/threads/threads-profiles
"""

from collections.abc import Mapping
from functools import partial

from connectors.contract import metrics
from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField, OAuthVisit
from connectors.contract.connector import (
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected
from connectors.platforms.meta.errors import id_from_answer
from connectors.platforms.meta.oauth import TokenNetwork, refresh_tokens, token_turn
from connectors.platforms.threads.errors import outcome_of_failure
from connectors.shared import oauth
from connectors.shared.http_responses import json_body, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

FORM = ConnectForm(
    fields=(FormField(oauth.ACCESS_TOKEN_FIELD, secret=True, optional=True, example="THAA…"),),
    credential=oauth.ACCESS_TOKEN_FIELD,
    minutes=5,
    registered=True,
    pasted=oauth.ACCESS_TOKEN_FIELD,
)
_WHO = "/me?fields=id,username"
TOKEN_NETWORK = TokenNetwork(
    grants="th",
    who=_WHO,
    scopes=(
        "threads_basic",
        "threads_content_publish",
        "threads_delete",
        "threads_manage_insights",
        "threads_read_replies",
        "threads_manage_replies",
        "threads_manage_mentions",
    ),
    needed="threads_content_publish",
    unknown="threads.bad_token",
    meaning=partial(outcome_of_failure, creates=False),
)


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Accept a pasted token or exchange a code for one, read its account, and return the account or
    the failure."""
    given = token_turn(TOKEN_NETWORK, form, answers)
    if not isinstance(given, RenewedTokens):
        return given
    last = answers[-1]
    account = id_from_answer(last)
    name = json_body(last).get("username")
    if not account or not isinstance(name, str) or not name:
        return Rejected(Message("threads.bad_token"), permanent=False)
    return ConnectedAccount(
        account=account,
        name=f"@{name}",
        surface="threads.post",
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
    )


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to this account."""
    if not answers:
        return Send(WireStep("look", StepKind.CONTROL, "GET", _WHO, action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success:
        return outcome_of_failure(last, creates=False)
    return (
        None if id_from_answer(last) == account else Reauthorize(Message("threads.other_account"))
    )


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request or the new token."""
    return refresh_tokens(TOKEN_NETWORK, grant, answers)


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers. Return None if the token lacks the
    permission.

    Source: https://developers.facebook.com/docs/threads/insights#user-insights
    """
    if not answers:
        return metrics.followers_request("/{account}/threads_insights?metric=followers_count")
    return metrics.parse_count(insight_values(answers[-1]).get("followers_count"))


def insight_values(answer: StepResult) -> Mapping[str, object]:
    """Return the metrics in a response by name: the total, or the single value."""
    listed = success_body(answer).get("data")
    found: dict[str, object] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            values = one.get("values")
            first = one.get("total_value") or (
                values[0] if isinstance(values, list) and values else None
            )
            found[one["name"]] = first.get("value") if isinstance(first, dict) else None
    return found
