"""Connecting a Threads account: whose token it is, and how it is renewed. Pure.

Source: https://developers.facebook.com/docs/threads/threads-profiles
"""

from collections.abc import Mapping
from functools import partial

from connectors import following, meta_tokens, oauth
from connectors.answers import body_of, told_by
from connectors.contract import Answer, Grant, Renewed, Response, Send, StepKind, WireStep
from connectors.enrolment import Connected, ConnectForm, Field, Visit
from connectors.instagram_answers import id_of
from connectors.outcomes import Outcome, Reauthorize, Rejected
from connectors.threads_answers import meaning
from foundation.sealed import Sealed
from foundation.words import Message

FORM = ConnectForm(
    fields=(Field(oauth.ACCESS, secret=True, optional=True, example="THAA…"),),
    credential=oauth.ACCESS,
    minutes=5,
    registered=True,
    pasted=oauth.ACCESS,
)
_WHO = "/me?fields=id,username"
NETWORK = meta_tokens.Network(
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
    meaning=partial(meaning, creates=False),
)


def connect(form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Visit | Connected | Outcome:
    """A pasted token, or a yes and a token for its code; whose it is; then the account, or why not."""
    given = meta_tokens.until_known(NETWORK, form, answers)
    if not isinstance(given, Renewed):
        return given
    last = answers[-1]
    account, name = id_of(last), body_of(last).get("username")
    if not account or not isinstance(name, str) or not name:
        return Rejected(Message("threads.bad_token"), permanent=False)
    return Connected(
        account=account,
        name=f"@{name}",
        surface="threads.post",
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
    return None if id_of(last) == account else Reauthorize(Message("threads.other_account"))


def refresh(grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
    """The token that follows."""
    return meta_tokens.refresh(NETWORK, grant, answers)


def followers(answers: tuple[Answer, ...]) -> Send | int | None:
    """How many follow the account; None where its token may not read that.

    Source: https://developers.facebook.com/docs/threads/insights#user-insights
    """
    if not answers:
        return following.asked("/{account}/threads_insights?metric=followers_count")
    return following.number(figures(answers[-1]).get("followers_count"))


def figures(answer: Answer) -> Mapping[str, object]:
    """What an answer about figures tells, by name: a total, or the one value of all time."""
    listed = told_by(answer).get("data")
    found: dict[str, object] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            values = one.get("values")
            first = one.get("total_value") or (values[0] if isinstance(values, list) and values else None)
            found[one["name"]] = first.get("value") if isinstance(first, dict) else None
    return found
