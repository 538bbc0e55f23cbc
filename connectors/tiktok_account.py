"""An account on TikTok: an application that the agency registered, a yes of its owner, who may see what it posts. Pure.

Source: https://developers.tiktok.com/doc/oauth-user-access-token-management,
https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors import answers as http
from connectors import following, oauth, revoking
from connectors.contract import Answer, Grant, Renewed, Response, Send, StepKind, WireStep
from connectors.enrolment import Connected, ConnectForm, Field, Visit
from connectors.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.revoking import Held
from foundation.sealed import Sealed
from foundation.words import Message

SURFACE = "tiktok.post"
EXCHANGE, CREATOR, USER = "/v2/oauth/token/", "creator", "user"
SCOPES = "user.info.basic,user.info.stats,video.publish,video.list"
"""Without `user.info.stats`, which somebody may untick, all works but counting followers."""

CLIENT_KEY = "client_key"
"""What a client's id is called there."""

READERS = ("PUBLIC_TO_EVERYONE", "FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
"""Who may see a post. Which of them an account may choose among, it says itself."""

FORM = ConnectForm(fields=(Field("readers", choices=READERS),), credential=oauth.ACCESS, minutes=30, registered=True)
KEEPS = timedelta(0)
"""A refresh token works once."""

DAY = timedelta(days=1)
_RIGHTS = frozenset({"scope_not_authorized", "scope_permission_missed"})
_DAYS = frozenset({"spam_risk_too_many_posts", "spam_risk_too_many_pending_share"})
_BANNED, _UNAUDITED = "spam_risk_user_banned_from_posting", "unaudited_client_can_only_post_to_private_accounts"
_OPEN_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_NAME = re.compile(r"[\w.]{1,40}")


@dataclass(frozen=True)
class Spot:
    """Whose account, and who sees what it posts."""

    open_id: str
    readers: str

    @property
    def account(self) -> str:
        """How the house names it."""
        return f"{self.open_id}#{self.readers}"


def spot(account: str) -> Spot:
    """What an account's name says."""
    open_id, _, readers = account.partition("#")
    return Spot(open_id, readers)


def code(answer: Answer) -> str:
    """Their word for how a request ended: `ok`, or a refusal's; "" where they say none."""
    error = http.body_of(answer).get("error")
    told = error.get("code") if isinstance(error, dict) else ""
    return re.sub(r"\W", "", told)[:80] if isinstance(told, str) else ""


def data(answer: Answer) -> dict[str, Any]:
    """What a success tells; nothing of anything else."""
    told = http.told_by(answer).get("data") if code(answer) == "ok" else None
    return told if isinstance(told, dict) else {}


def meaning(answer: Answer, *, creates: bool) -> Outcome:
    """Say what an answer that is not a success meant.

    Source: https://developers.tiktok.com/doc/content-posting-api-reference-direct-post#error_codes
    """
    word = code(answer)
    if not isinstance(answer, Response) or word in ("", "ok") or answer.status >= 500 or answer.status == 429:
        return http.meaning(answer, creates=creates)
    if word == "access_token_invalid":
        return Reauthorize(Message("connectors.token_refused"))
    if word in _RIGHTS:
        return Reauthorize(Message("oauth.scopes"))
    if word == _BANNED:
        return Disconnected(Message("connectors.account_gone", {"word": word}))
    if word in _DAYS:
        return Retry(DAY, "account", Message("tiktok.day_used_up"))
    if word == http.TIKTOK_APP_LIMITED:
        return Retry(DAY, "app", Message("tiktok.people_used_up"))
    if word == _UNAUDITED:
        return Rejected(Message("tiktok.unaudited"), permanent=False)
    return Rejected(Message("tiktok.refused", {"code": word}), permanent=False)


def creator_info(kind: StepKind) -> WireStep:
    """The request for what an account may choose among just now; nothing is posted without it."""
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(CREATOR, kind, "POST", "/v2/post/publish/creator_info/query/", {}, action=action)


def may_choose(told: Mapping[str, Any], readers: str) -> bool:
    """Whether an account may be shown to those readers."""
    options = told.get("privacy_level_options")
    return isinstance(options, list) and readers in options


def connect(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Visit | Connected | Outcome:
    """The person says yes; then the code for tokens, and what the account is called and may do."""
    readers = str(form.get("readers", ""))
    if readers not in READERS:
        return Rejected(Message("tiktok.no_readers"), permanent=False)
    page, me = Visit("/v2/auth/authorize/", {"scope": SCOPES}), creator_info(StepKind.AUTH)
    turn = oauth.until_known(form, answers, page=page, path=EXCHANGE, me=me, named=CLIENT_KEY)
    if turn is not None:
        return turn
    return _connected(readers, answers[0], answers[-1])


def _connected(readers: str, given: Answer, about: Answer) -> Connected | Outcome:
    told, tokens, open_id = data(about), oauth.tokens(given), http.body_of(given).get("open_id")
    if not told:
        outcome = meaning(about, creates=False)
        lost = isinstance(outcome, Reauthorize | Disconnected)
        return Rejected(Message("tiktok.no_right"), permanent=False) if lost else outcome
    name = told.get("creator_username")
    known = isinstance(name, str) and _NAME.fullmatch(name) and isinstance(open_id, str) and _OPEN_ID.fullmatch(open_id)
    if not known or tokens is None:
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if not may_choose(told, readers):
        return Rejected(Message("tiktok.not_these_readers"), permanent=False)
    return Connected(
        account=Spot(str(open_id), readers).account,
        name=f"@{name}",
        surface=SURFACE,
        token=tokens.token,
        refresh=tokens.refresh,
        lifetime=tokens.lifetime,
    )


def check(account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
    """Whether the token is this account's."""
    if not answers:
        return Send(WireStep(USER, StepKind.CONTROL, "GET", "/v2/user/info/?fields=open_id", action="look"))
    told = data(answers[-1]).get("user")
    if not isinstance(told, dict):
        return meaning(answers[-1], creates=False)
    same = told.get("open_id") == spot(account).open_id
    return None if same else Reauthorize(Message("connectors.token_refused"))


def followers(answers: tuple[Answer, ...]) -> Send | int | None:
    """How many follow whoever the token belongs to; None where they did not allow that question."""
    if not answers:
        return following.asked("/v2/user/info/?fields=follower_count")
    told = data(answers[-1]).get("user")
    return following.number(told.get("follower_count")) if isinstance(told, dict) else None


def revoke(held: Held, answers: tuple[Answer, ...]) -> Send | Outcome:
    """End what the account's owner allowed, by its access token.

    Source: https://developers.tiktok.com/docs/en/oauth-revoke-a-user-access-token
    """
    if answers:
        return revoking.meaning(answers[-1], held.account)
    return revoking.asked("/v2/oauth/revoke/", held, held.token, named=CLIENT_KEY)


def refresh(grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
    """The pair that follows; the one before it is dead."""
    return oauth.renewed(answers[-1]) if answers else Send(oauth.renewal(EXCHANGE, grant, CLIENT_KEY))
