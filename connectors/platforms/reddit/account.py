"""Accounts on Reddit: an approved application, a user and one community.

A creator has one account here per community, because communities have different rules and limits.
Approval of applications: https://support.reddithelp.com/hc/articles/42728983564564 (Responsible
Builder Policy). User agents: https://github.com/reddit-archive/reddit/wiki/API.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

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
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Rejected
from connectors.platforms.reddit import requests
from connectors.shared import http_responses, oauth
from connectors.shared.oauth import HeldCredentials, revocation_outcome, revocation_request
from foundation.canonical_json import canonical_json
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

OVER18_SURFACE = "reddit.over18"
OTHER_SURFACE = "reddit.other"
CHAT_SURFACE = "reddit.message"
NSFW_MARK = "nsfw=true"
"""The flag for adult content, as in the rules of surfaces and in requests."""

EXCHANGE = "/api/v1/access_token"
SCOPES = "identity submit edit read history flair privatemessages report"
"""The requested scopes. Accounts connected before the last two were added can neither read messages
nor block or report users."""

WHOAMI_STEP = "me"
ABOUT = "about"
RULES = "rules"
ASKS = "requirements"
FLAIRS = "flairs"
ORDER = (ABOUT, RULES, ASKS, FLAIRS)
"""The requests about a community when it is connected, in this order."""

ALLOWED = "allowed"
FORBIDDEN = "forbidden"
"""Values of the community's rule about AI-generated content, as a member read it."""

OVER18_PREDICATE = "subreddit.over18 == true"
REGISTERED_PREDICATE = "register entry present and rules snapshot <= 90 days"
AI_ALLOWED_PREDICATE = "register.ai_allowed == true"
"""The policy's conditions, in the policy's own syntax, for posts above General."""

RULES_LIVE = timedelta(days=90)
GAP_SECONDS = 600
"""Minimum interval between posts. If posts are more frequent, Reddit treats them and the account as
spam."""

TOKEN_GRACE = timedelta(days=365)
"""Time for which a refresh token can be used again. Reddit accepts it repeatedly and announced a
lifetime of one year in 2021."""

FORM = ConnectForm(
    fields=(
        FormField("community", example="r/pics"),
        FormField("approval", example="2026-10-04, ticket 12345"),
        FormField("ai", choices=(FORBIDDEN, ALLOWED)),
        FormField("flair", optional=True),
        FormField(WANTED_FIELD, optional=True, choices=(WANTED_POSTS, WANTED_MESSAGES)),
    ),
    credential=oauth.ACCESS_TOKEN_FIELD,
    minutes=20,
    registered=True,
)
_COMMUNITY = re.compile(
    r"(?:https://(?:www\.|old\.)?reddit\.com)?/?(?:(r)/)?(\w{2,21})/?", re.ASCII | re.IGNORECASE
)
_PROFILE = re.compile(
    r"(?:https://(?:www\.|old\.)?reddit\.com)?/?(?:u|user)/([\w-]{3,20})/?",
    re.ASCII | re.IGNORECASE,
)
_NAME = re.compile(r"[\w-]{3,20}", re.ASCII)
MIN_APPROVAL = 6


@dataclass(frozen=True)
class PostingAccount:
    """A user, a community and the flair of posts (an ID, "" for none)."""

    user: str
    community: str
    flair: str = ""

    @property
    def account(self) -> str:
        """Return the account's name in the database."""
        return f"{self.user}@{self.community}" + (f"#{self.flair}" if self.flair else "")


def parse_account(account: str) -> PostingAccount:
    """Return the parts of an account's name."""
    user, _, rest = account.partition("@")
    community, _, flair = rest.partition("#")
    return PostingAccount(user, community, flair)


def user_agent_header(account: str = "") -> Mapping[str, str]:
    """Return the user agent. Reddit refuses requests without one and slows down requests with a
    common one."""
    who = f"by /u/{parse_account(account).user}" if account else "signing in"
    return {"user-agent": f"python:greenroom:1 ({who})"}


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of an answer that is not a success."""
    if isinstance(answer, Response) and answer.status in (403, 404):
        reason = http_responses.json_body(answer).get("reason")
        if reason in ("private", "banned", "quarantined", "gold_only", "subreddit_noexist"):
            return Rejected(Message("reddit.community_closed"), permanent=False)
    return http_responses.outcome_of_status(answer, creates=creates)


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Return the consent page, exchange the code for tokens, and read the user and the community's
    rules."""
    typed = _parse_community(form)
    if isinstance(typed, Message):
        return Rejected(typed, permanent=False)
    me = _build_whoami_step(StepKind.AUTH)
    page = OAuthVisit("/api/v1/authorize", {"scope": SCOPES, "duration": "permanent"})
    turn = oauth.oauth_turn(form, answers, page=page, path=EXCHANGE, me=me)
    if isinstance(turn, Send):
        return Send(replace(turn.step, headers=user_agent_header()))
    if turn is not None:
        return turn
    told = {answer.step: answer for answer in answers}
    user = _parse_user_name(told[WHOAMI_STEP])
    if not isinstance(user, str):
        return user
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success:
        return (
            _closed_outcome(last)
            if last.step != FLAIRS
            else Rejected(_unknown_flair_message(()), permanent=False)
        )
    wanted = next(
        (
            name
            for name in ORDER
            if name not in told and (name != FLAIRS or _wants_flair(form, told))
        ),
        None,
    )
    if wanted is not None:
        return Send(_build_community_step(wanted, StepKind.AUTH, typed, f"{user}@{typed}"))
    return _build_account(form, answers, PostingAccount(user, typed))


def _parse_community(form: Mapping[str, str | Sealed]) -> str | Message:
    """Return the community in the form, or the reason why the form is invalid."""
    said = str(form.get("community", "")).strip()
    own = _PROFILE.fullmatch(said)
    found = _COMMUNITY.fullmatch(said)
    if own is None and found is None:
        return Message("reddit.no_community")
    if len(str(form.get("approval", "")).strip()) < MIN_APPROVAL:
        return Message("reddit.no_approval")
    if form.get("ai") not in (ALLOWED, FORBIDDEN):
        return Message("reddit.ai_unsaid")
    if own is not None:
        return f"u_{own[1]}"
    return found[2] if found is not None else ""


def _parse_user_name(answer: StepResult) -> str | Outcome:
    told = http_responses.success_body(answer)
    if not told:
        outcome = outcome_of_failure(answer, creates=False)
        return (
            Rejected(outcome.reason, permanent=False)
            if isinstance(outcome, Reauthorize)
            else outcome
        )
    if told.get("is_suspended") is True:
        return Rejected(Message("reddit.suspended"), permanent=False)
    name = told.get("name")
    known = isinstance(name, str) and _NAME.fullmatch(name)
    return str(name) if known else Rejected(Message("connectors.unreadable"), permanent=True)


def _closed_outcome(answer: StepResult) -> Outcome:
    """Return the outcome for a community that cannot be posted to."""
    outcome = outcome_of_failure(answer, creates=False)
    if isinstance(answer, Response) and (
        answer.status == 404 or 300 <= answer.status < 400
    ):  # redirected to the search page
        return Rejected(Message("reddit.no_community"), permanent=False)
    return (
        Rejected(Message("oauth.scopes"), permanent=False)
        if isinstance(outcome, Reauthorize)
        else outcome
    )


def _build_whoami_step(kind: StepKind, account: str = "") -> WireStep:
    return requests.write_whoami(_template(WHOAMI_STEP, kind, account))


def whoami_step(account: str) -> WireStep:
    """Return the request for the token's user."""
    return _build_whoami_step(StepKind.CONTROL, account)


def _build_community_step(name: str, kind: StepKind, community: str, account: str) -> WireStep:
    writers = {
        ABOUT: requests.write_about,
        RULES: requests.write_rules,
        ASKS: requests.write_requirements,
        FLAIRS: requests.write_flairs,
    }
    return writers[name](_template(name, kind, account), community)


def _template(name: str, kind: StepKind, account: str) -> WireStep:
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(name, kind, "", "", headers=user_agent_header(account), action=action)


def _parse_about(answer: StepResult) -> Mapping[str, Any]:
    told = http_responses.success_body(answer).get("data")
    return told if isinstance(told, dict) else {}


def _build_account(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...], where: PostingAccount
) -> ConnectedAccount | Outcome:
    told = {answer.step: answer for answer in answers}
    about = _parse_about(told[ABOUT])
    given = oauth.parse_tokens(told[oauth.TOKEN_STEP])
    name = str(about.get("display_name", ""))
    read_at = http_responses.response_date(told[RULES])
    if given is None or name.lower() != where.community.lower() or read_at is None:
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if trouble := _setup_problem(about, http_responses.success_body(told[WHOAMI_STEP]), where):
        return Rejected(trouble, permanent=False)
    flair = (
        _resolve_flair(told[FLAIRS], str(form.get("flair", "")).strip()) if FLAIRS in told else ""
    )
    if isinstance(flair, Message):
        return Rejected(flair, permanent=False)
    register = {
        "ai": form["ai"] == ALLOWED,
        "approval": str(form["approval"]).strip()[:200],
        "rules": rules_digest(told[RULES]),
        "read_at": read_at.isoformat(),
    }
    return ConnectedAccount(
        account=PostingAccount(where.user, name, flair).account,
        name=f"r/{name} (u/{where.user})",
        surface=OVER18_SURFACE if about.get("over18") is True else OTHER_SURFACE,
        chat_surface=CHAT_SURFACE if form.get(WANTED_FIELD) == WANTED_MESSAGES else "",
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
        min_gap_seconds=GAP_SECONDS,
        options={"can_be_seen": True, "register": register},
    )


def _setup_problem(
    about: Mapping[str, Any], me: Mapping[str, Any], where: PostingAccount
) -> Message | None:
    """Return the reason why this user cannot post to the community, or why a look-up could not find
    their posts."""
    if about.get("over18") is True and me.get("over_18") is not True:
        return Message("reddit.adults_hidden")
    if about.get("user_is_banned") is True:
        return Message("reddit.banned_there")
    kind = about.get("subreddit_type")
    own = kind == "user" and where.community.lower() == f"u_{where.user}".lower()
    let_in = kind in ("restricted", "private") and about.get("user_is_contributor") is True
    return None if kind == "public" or own or let_in else Message("reddit.community_closed")


def _wants_flair(form: Mapping[str, str | Sealed], told: Mapping[str, StepResult]) -> bool:
    """Return True if the list of flairs is needed. A community without flairs refuses to return it,
    so it is requested only then."""
    return (
        bool(str(form.get("flair", "")).strip())
        or http_responses.success_body(told[ASKS]).get("is_flair_required") is True
    )


def _unknown_flair_message(there: Iterable[str]) -> Message:
    return Message("reddit.flair_unknown", {"flairs": ", ".join(there)[:500] or "–"})


def _resolve_flair(answer: StepResult, wanted: str) -> str | Message:
    """Return the ID of the flair with the given name, or the reason why it is missing."""
    body = answer.body if isinstance(answer, Response) else None
    listed = [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []
    there = {
        str(one.get("text", "")).strip(): str(one.get("id", ""))
        for one in listed
        if not one.get("mod_only")
    }
    found = next(
        (number for text, number in there.items() if wanted and text.lower() == wanted.lower()), ""
    )
    return found if _is_uuid(found) else _unknown_flair_message(there)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def rules_digest(answer: StepResult) -> str:
    """Return a digest of a community's rules."""
    rules = http_responses.success_body(answer).get("rules")
    told = [
        {name: str(rule.get(name, "")).strip() for name in ("short_name", "description")}
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict)
    ]
    return hashlib.sha256(
        canonical_json(sorted(told, key=lambda rule: rule["short_name"]))
    ).hexdigest()


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to this account and that the user is not suspended."""
    if not answers:
        return Send(_build_whoami_step(StepKind.CONTROL, account))
    told = http_responses.success_body(answers[-1])
    if not told:
        return outcome_of_failure(answers[-1], creates=False)
    if told.get("is_suspended") is True:
        return Disconnected(Message("reddit.suspended"))
    return (
        None
        if told.get("name") == parse_account(account).user
        else Reauthorize(Message("connectors.token_refused"))
    )


def count_followers(account: str, answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers of the user (subscribers of their
    profile).

    The readers of a community follow the community, not the account, so all accounts of a user have
    the same number. Source: https://github.com/sirkris/Reddit.NET/issues/167
    """
    if answers:
        return metrics.parse_count(_parse_about(answers[-1]).get("subscribers"))
    step = replace(metrics.followers_request("").step, headers=user_agent_header(account))
    profile = http_responses.quote_segment(f"u_{parse_account(account).user}")
    return Send(requests.write_about(step, profile))


def revoke_tokens(held: HeldCredentials, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Revoke the refresh token and its access tokens. An invalid one causes no error.

    Source: https://github.com/reddit-archive/reddit/wiki/OAuth2#manually-revoking-a-token
    """
    if answers:
        return revocation_outcome(answers[-1], held.account)
    token = held.refresh or held.token
    return revocation_request(
        "/api/v1/revoke_token", held, token, headers=user_agent_header(held.account)
    )


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request or a new access token. The refresh token usually remains valid."""
    if answers:
        return oauth.renewal_outcome(answers[-1], "reddit")
    return Send(
        replace(oauth.token_renewal_step(EXCHANGE, grant), headers=user_agent_header(grant.account))
    )


def inspect_destination(
    to: Destination, answers: tuple[StepResult, ...]
) -> Send | DestinationReport | Outcome:
    """Check that the community is for adults, and that a member has read its current rules within
    the last 90 days."""
    told = {answer.step: answer for answer in answers}
    wanted = next((name for name in (ABOUT, RULES) if name not in told), None)
    if answers and not http_responses.success_body(answers[-1]):
        return outcome_of_failure(answers[-1], creates=False)
    if wanted is not None:
        return Send(
            _build_community_step(
                wanted, StepKind.CONTROL, parse_account(to.account).community, to.account
            )
        )
    found = {
        OVER18_PREDICATE: _parse_about(told[ABOUT]).get("over18") is True,
        REGISTERED_PREDICATE: _has_current_rules(to.register, told[RULES]),
        AI_ALLOWED_PREDICATE: to.register.get("ai") is True,
    }
    return DestinationReport(
        tuple(name for name, so in found.items() if so),
        tuple(name for name, so in found.items() if not so),
    )


def _has_current_rules(register: Mapping[str, Any], rules: StepResult) -> bool:
    """Return True if a member has read these rules recently, by Reddit's clock."""
    read_at = http_responses.parse_timestamp(register.get("read_at"))
    now = http_responses.response_date(rules)
    same = register.get("rules") == rules_digest(rules)
    return same and read_at is not None and now is not None and now - read_at <= RULES_LIVE
