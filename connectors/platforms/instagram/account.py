"""Connection of an Instagram account: owner and type of the account, permissions, and token
refresh.

Source: `instagram-api-with-instagram-login/get-started` of
https://developers.facebook.com/docs/instagram-platform/
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

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
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected
from connectors.platforms.instagram import messages
from connectors.platforms.meta import errors
from connectors.platforms.meta.errors import outcome_of_failure
from connectors.platforms.meta.messages import MESSAGES_PROBE_STEP, messages_probe_step
from connectors.platforms.meta.oauth import TokenNetwork, refresh_tokens, token_turn
from connectors.shared import oauth
from connectors.shared.http_responses import json_body, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

FORM = ConnectForm(
    fields=(
        FormField(WANTED_FIELD, optional=True, choices=(WANTED_POSTS, WANTED_MESSAGES)),
        FormField(oauth.ACCESS_TOKEN_FIELD, secret=True, optional=True, example="IGAA…"),
    ),
    credential=oauth.ACCESS_TOKEN_FIELD,
    minutes=5,
    registered=True,
    pasted=oauth.ACCESS_TOKEN_FIELD,
)
PROFESSIONAL = frozenset({"BUSINESS", "MEDIA_CREATOR", "CREATOR"})
_WHO = "/me?fields=user_id,username,account_type"
TOKEN_NETWORK = TokenNetwork(
    grants="ig",
    who=_WHO,
    scopes=(
        "instagram_business_basic",
        "instagram_business_content_publish",
        "instagram_business_manage_comments",
        "instagram_business_manage_insights",
    ),
    needed="instagram_business_content_publish",
    unknown="instagram.bad_token",
    meaning=partial(outcome_of_failure, creates=False),
)


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Get the token, pasted or through OAuth, identify the account, and return it.

    If messages are wanted, also check that they can be read.
    """
    chats = form.get(WANTED_FIELD) == WANTED_MESSAGES
    probed = bool(answers) and answers[-1].step == MESSAGES_PROBE_STEP
    network = (
        replace(TOKEN_NETWORK, scopes=(*TOKEN_NETWORK.scopes, messages.MESSAGE_PERMISSION))
        if chats
        else TOKEN_NETWORK
    )
    before = answers[:-1] if probed else answers
    given = token_turn(network, form, before)
    if not isinstance(given, RenewedTokens):
        return given
    told = json_body(before[-1])
    account = str(told.get("user_id") or "")
    name = str(told.get("username") or "")
    if told.get("account_type") not in PROFESSIONAL or not account.isdigit() or not name:
        return Rejected(Message("instagram.not_professional"), permanent=False)
    if chats and not probed:
        return Send(messages_probe_step(messages.MESSAGING_NETWORK))
    if chats and (refused := errors.messages_unreadable_reason(answers[-1])) is not None:
        return refused
    return ConnectedAccount(
        account=account,
        name=f"@{name}",
        surface="instagram.post",
        chat_surface=messages.CHAT_SURFACE if chats else "",
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
    )


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to the account."""
    if not answers:
        return Send(WireStep("look", StepKind.CONTROL, "GET", _WHO, action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success:
        return outcome_of_failure(last, creates=False)
    same = str(json_body(last).get("user_id")) == account
    return None if same else Reauthorize(Message("instagram.other_account"))


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Refresh the token."""
    return refresh_tokens(TOKEN_NETWORK, grant, answers)


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers of the token's account."""
    if not answers:
        return metrics.followers_request("/me?fields=followers_count")
    return metrics.parse_count(success_body(answers[-1]).get("followers_count"))
