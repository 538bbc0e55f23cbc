"""What people say to an account in its community on Reddit: heard in its inbox, answered by comments. Pure.

The inbox has what was said under the account's posts and comments, and where its name was written, with or without a
message of somebody's between: those are nobody's business here. What people answer each other under a post is told to
nobody. A person's inbox is one for all communities, and each of our accounts is of one: it hears what was said there.
A comment can be removed by the moderators of a community alone.
Source: https://www.reddit.com/dev/api#GET_message_inbox, #POST_api_comment; the code Reddit published of both, of
`POST_block` and `POST_report`: github.com/reddit-archive/reddit, r2/r2/controllers/api.py
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors import answers as http
from connectors import fitting
from connectors import remarks as hearing
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Retry, Sighting, Uncertain, Unknown
from connectors.reddit_account import ME, agent, meaning, spot, who
from connectors.reddit_answers import (
    LISTED,
    code_of,
    entries,
    forbidden,
    info,
    is_bare_no,
    listed,
    made_at,
    page_of,
    plain,
    refused,
    reworded,
    url_of,
)
from connectors.remarks import Act, Remark, Remarks, Spot
from foundation.words import Message
from gate.units import Unit

ACTS = frozenset({"block", "report"})
EVERY = 10
"""Minutes: all accounts of an application share a hundred requests a minute with their posts, and each has a reading
in every community."""

MOST_TEXT = 10_000
MOST_PAGES = 4
"""And one request for whose the posts are: five in all."""

HELD = timedelta(days=1)
"""A filter may hold a comment back: let through, it bears the time at which it was written."""

WINDOW = timedelta(seconds=60)
"""A comment older than this before the attempt is another one with the same words."""

REASON = "unwanted-or-abusive"
"""What the moderators read as the reason of a report."""

ON_REMARK = ("reddit.remark_closed", "reddit.remark_gone")
ON_POST = ("connectors.comments_off", "connectors.comment_post_gone")
PUBLISH, LOOK, WHOSE = "publish", "look", "whose"
_GONE = frozenset({"DELETED_COMMENT", "DELETED_LINK"})
_CLOSED = frozenset({"TOO_OLD", "THREAD_LOCKED", "USER_BLOCKED", "SUBREDDIT_NOTALLOWED", "NON_PUBLIC"})
_NAME = re.compile(r"t1_[a-z0-9]{1,16}", re.ASCII)
_POST = re.compile(r"t3_[a-z0-9]{1,16}", re.ASCII)
_UNDER = re.compile(r"/comments/([a-z0-9]{1,16})(?:/|$)", re.ASCII)
_AUTHOR = re.compile(r"[\w-]{3,20}", re.ASCII)


def remarks(account: str, cursor: str, answers: tuple[Answer, ...]) -> Send | Remarks | None:
    """What was said since a day before the cursor, in seconds since 1970; what was heard before is told again.

    The inbox has no "since" that outlives a deletion, so it is read back from its newest, four hundred entries at most:
    of more than that between two readings the oldest are missed. The first reading takes the latest hundred. Where
    somebody answered a comment, or named the account, the post is looked up: whose it is stands in no entry.
    """
    pages = [answer for answer in answers if answer.step == hearing.REMARKS]
    read = [entries(page) for page in pages]
    found = [entry for page in read if page is not None for entry in page]
    if any(page is None for page in read):
        return None
    since = _since(cursor)
    asked = answers and answers[-1].step == WHOSE
    if not asked and (turn := _further(account, cursor, pages, found)) is not None:
        return turn
    fresh = [entry for entry in found if since is None or (made_at(entry) or since) >= since]
    theirs = [entry for entry in fresh if _is_said(entry, account)]
    unclear = sorted({post for entry in theirs if (post := _post_of(entry)) and not _is_ours(entry)})[:LISTED]
    if unclear and not asked:
        return hearing.asked(info(account, ",".join(unclear), LOOK).path, name=WHOSE, headers=agent(account))
    posts = listed(answers[-1]) if asked else []
    if posts is None:
        return None
    user = spot(account).user.lower()
    ours = {str(post["name"]) for post in posts if str(post.get("author")).lower() == user}
    told = (_remark(entry, ours) for entry in reversed(theirs))
    newest = max((int(at.timestamp()) for entry in found if (at := made_at(entry)) is not None), default=0)
    return Remarks(tuple(told), str(max(newest, int(cursor) if since is not None else 0)))


def _since(cursor: str) -> datetime | None:
    at = http.instant(cursor) if len(cursor) < 12 else None
    return at - HELD if at is not None and at.timestamp() > HELD.total_seconds() else at


def _further(account: str, cursor: str, pages: list[Answer], found: list[dict[str, Any]]) -> Send | None:
    """The request for the next page, where one is needed."""
    since, after = _since(cursor), page_of(pages[-1]).get("after") if pages else ""
    if pages:
        oldest = made_at(found[-1]) if found else None
        left = isinstance(after, str) and since is not None and (oldest is None or oldest >= since)
        if not left or len(pages) >= MOST_PAGES:
            return None
    more = f"&after={http.segment(str(after))}" if after else ""
    return hearing.asked(f"/message/inbox?raw_json=1&limit={LISTED}{more}", headers=agent(account))


def _is_said(entry: Mapping[str, Any], account: str) -> bool:
    """Whether it is a comment of somebody else's in this community."""
    where, name, author = spot(account), str(entry["name"]), entry.get("author")
    known = isinstance(author, str) and _AUTHOR.fullmatch(author) is not None and author.lower() != where.user.lower()
    there = str(entry.get("subreddit")).lower() == where.community.lower()
    return known and there and _NAME.fullmatch(name) is not None and isinstance(entry.get("body"), str)


def _is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether the entry itself says that it stands under a post of the account's."""
    return entry.get("type") == "post_reply" and _POST.fullmatch(str(entry.get("parent_id"))) is not None


def _post_of(entry: Mapping[str, Any]) -> str:
    """The post it stands under."""
    if _is_ours(entry):
        return str(entry["parent_id"])
    found = _UNDER.search(str(entry.get("context")))
    return f"t3_{found[1]}" if found else ""


def _remark(entry: Mapping[str, Any], ours: set[str]) -> Remark:
    post, author = _post_of(entry), str(entry["author"])
    return Remark(
        native_id=str(entry["name"]),
        author=author,
        handle=f"u/{author}",
        text=str(entry["body"]),
        under=post if _is_ours(entry) or post in ours else "",
        url=url_of(entry.get("context")).partition("?")[0],
        at=made_at(entry),
    )


def answer(unit: Unit, answers: tuple[Answer, ...], can: Capabilities) -> Send | Outcome:
    """Put words under what somebody said."""
    unfit = _unfit(unit, can)
    return Rejected(unfit, permanent=False) if unfit is not None else _said(unit, answers, ON_REMARK)


def comment(unit: Unit, answers: tuple[Answer, ...], can: Capabilities, marks: frozenset[str]) -> Send | Outcome:
    """A first comment under a post of ours. Reddit marks posts for adults, and shows what stands under them with it."""
    wrong = fitting.comment_unfit(unit, can, most=MOST_TEXT, marks=marks)
    return Rejected(wrong, permanent=False) if wrong is not None else _said(unit, answers, ON_POST)


def _said(unit: Unit, answers: tuple[Answer, ...], why: tuple[str, str]) -> Send | Outcome:
    """The request that puts words under something, or what came of it; `why`: what is told of one closed, or gone."""
    closed, gone = why
    last = answers[-1] if answers else None
    if last is not None and last.step == ME:
        return forbidden(last, unit.account, Message(closed))
    if last is not None and last.step == PUBLISH:
        return Send(who(unit.account)) if is_bare_no(last) else _published(last, closed, gone)
    said = {"thing_id": unit.under, "text": unit.text("body"), "api_type": "json"}
    agents = agent(unit.account)
    path = "/api/comment?raw_json=1"
    return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, said, headers=agents, encoding="form"))


def _unfit(unit: Unit, can: Capabilities) -> Message | None:
    body = unit.text("body")
    if wrong := fitting.unfit(unit, can, length=len(body)):
        return wrong
    if unit.media or unit.text("title") or not body.strip():
        return Message("reddit.words_alone")
    if len(body) > MOST_TEXT:
        return Message("connectors.text_too_long", {"length": len(body), "most": MOST_TEXT})
    return Message("reddit.words_unmarked") if unit.flags else None


def _published(answer: Answer, closed: str, gone: str) -> Outcome:
    said = http.told_by(answer).get("json")
    if not isinstance(said, dict):
        return meaning(answer, creates=True)
    data = said.get("data")
    things = data.get("things") if isinstance(data, dict) else None
    made = things[0].get("data") if isinstance(things, list) and things and isinstance(things[0], dict) else None
    if isinstance(made, dict) and _NAME.fullmatch(str(made.get("name"))):
        return Published(str(made["name"]), url_of(made.get("permalink")), made_at(made))
    errors = said.get("errors")
    if not isinstance(errors, list) or not errors:
        return Uncertain(Message("connectors.unclear_answer", {"status": 200}))
    code = code_of(errors[0][0] if isinstance(errors[0], list) and errors[0] else "")
    if code in _GONE:
        return Rejected(Message(gone), permanent=True)
    return Rejected(Message(closed), permanent=True) if code in _CLOSED else refused(errors[0], said.get("ratelimit"))


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Page through the account's comments, newest first; where none is it, see whether this application is shown what
    stands there at all: Reddit keeps what is for adults from some."""
    if not answers:
        return Send(_listing(sought.account))
    things = listed(answers[-1])
    if things is None:
        return Unknown(Message("connectors.lookup_failed"))
    if answers[-1].step == WHOSE:
        seen = any(thing["name"] == sought.reply_to for thing in things)
        return Absent() if seen else Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - http.ahead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [thing for thing in things if (made_at(thing) or start) >= start]
    for thing in reversed(recent):
        same = thing.get("parent_id") == sought.reply_to and plain(thing.get("body")) == plain(sought.text)
        if same and thing["name"] not in sought.known:
            return Found(str(thing["name"]), url_of(thing.get("permalink")), made_at(thing))
    after = page_of(answers[-1]).get("after")
    if any(thing.get("parent_id") == sought.reply_to and _may_be(thing, sought) for thing in recent):
        return Unknown(Message("connectors.other_text_there"))
    if not after or len(recent) < len(things):
        return Send(replace(info(sought.account, sought.reply_to, LOOK), name=WHOSE))
    whole = len(answers) < MOST_PAGES and isinstance(after, str)
    return Send(_listing(sought.account, after)) if whole else Unknown(Message("connectors.lookup_failed"))


def _may_be(thing: Mapping[str, Any], sought: Sought) -> bool:
    return thing["name"] not in sought.known and reworded(thing, "body")


def _listing(account: str, after: str = "") -> WireStep:
    more = f"&after={http.segment(after)}" if after else ""
    path = f"/user/{http.segment(spot(account).user)}/comments?sort=new&raw_json=1&limit={LISTED}{more}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, headers=agent(account), action=LOOK)


def moderate(on: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Keep an author away, or tell the moderators. Neither says more than that it was taken in, and each done twice, or
    to what is gone, changes nothing."""
    if act not in ACTS:
        return Rejected(Message("reddit.cannot_act"), permanent=True)
    if not answers:
        asked = {"id": on.native_id} if act == "block" else {"thing_id": on.native_id, "reason": REASON}
        step = hearing.acted("POST", f"/api/{act}", {**asked, "api_type": "json"}).step
        return Send(replace(step, headers=agent(on.account), encoding="form"))
    last = answers[-1]
    if isinstance(last, Response) and last.status == 403:  # a right that was not given when the account was connected
        return Rejected(Message("reddit.cannot_act"), permanent=False)
    if not isinstance(last, Response) or not last.ok:
        return meaning(last, creates=False)
    said = http.body_of(last).get("json")
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, list) or not errors:
        return Published(on.native_id)
    outcome = refused(errors[0], said.get("ratelimit") if isinstance(said, dict) else None)
    return outcome if isinstance(outcome, Retry) else Rejected(Message("reddit.cannot_act"), permanent=False)
