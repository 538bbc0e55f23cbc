"""Connecting an Instagram account: whose token it is, whether it may publish, and how it is renewed. Pure.

Source: https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/get-started
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from connectors import following, instagram_chats, meta_chats, meta_refusals, meta_tokens, oauth
from connectors.answers import body_of, told_by
from connectors.contract import Answer, Grant, Renewed, Response, Send, StepKind, WireStep
from connectors.enrolment import MESSAGES, POSTS, WANTED, Connected, ConnectForm, Field, Visit
from connectors.instagram_answers import meaning
from connectors.outcomes import Outcome, Reauthorize, Rejected
from foundation.sealed import Sealed
from foundation.words import Message

FORM = ConnectForm(
    fields=(
        Field(WANTED, optional=True, choices=(POSTS, MESSAGES)),
        Field(oauth.ACCESS, secret=True, optional=True, example="IGAA…"),
    ),
    credential=oauth.ACCESS,
    minutes=5,
    registered=True,
    pasted=oauth.ACCESS,
)
PROFESSIONAL = frozenset({"BUSINESS", "MEDIA_CREATOR", "CREATOR"})
_WHO = "/me?fields=user_id,username,account_type"
NETWORK = meta_tokens.Network(
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
    meaning=partial(meaning, creates=False),
)


def connect(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Visit | Connected | Outcome:
    """A pasted token, or a yes and a token for its code; whose it is; where messages are wanted, whether they may be
    read; then the account, or why not."""
    chats = form.get(WANTED) == MESSAGES
    probed = bool(answers) and answers[-1].step == meta_chats.PROBE
    network = replace(NETWORK, scopes=(*NETWORK.scopes, instagram_chats.RIGHT)) if chats else NETWORK
    before = answers[:-1] if probed else answers
    given = meta_tokens.until_known(network, form, before)
    if not isinstance(given, Renewed):
        return given
    told = body_of(before[-1])
    account, name = str(told.get("user_id") or ""), str(told.get("username") or "")
    if told.get("account_type") not in PROFESSIONAL or not account.isdigit() or not name:
        return Rejected(Message("instagram.not_professional"), permanent=False)
    if chats and not probed:
        return Send(meta_chats.probe(instagram_chats.NETWORK))
    if chats and (refused := meta_refusals.unheard(answers[-1])) is not None:
        return refused
    return Connected(
        account=account,
        name=f"@{name}",
        surface="instagram.post",
        chat_surface=instagram_chats.SURFACE if chats else "",
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
    )


def check(account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
    """Whether the token is still this account's."""
    if not answers:
        return Send(WireStep("look", StepKind.CONTROL, "GET", _WHO, action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.ok:
        return meaning(last, creates=False)
    same = str(body_of(last).get("user_id")) == account
    return None if same else Reauthorize(Message("instagram.other_account"))


def refresh(grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
    """The token that follows."""
    return meta_tokens.refresh(NETWORK, grant, answers)


def followers(answers: tuple[Answer, ...]) -> Send | int | None:
    """How many follow whoever the token belongs to."""
    if not answers:
        return following.asked("/me?fields=followers_count")
    return following.number(told_by(answers[-1]).get("followers_count"))
