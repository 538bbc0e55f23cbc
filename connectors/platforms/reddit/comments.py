"""Comments on Reddit: replies and mentions from the inbox, our comments, and moderation.

The inbox contains replies to the account's posts and comments, mentions, and private messages,
which are skipped here. Comments of others to each other are not included. A user has one inbox for
all communities, but each account here belongs to one, so comments of other communities are skipped.
Only the moderators of a community can remove comments. Source:
https://www.reddit.com/dev/api#GET_message_inbox, #POST_api_comment; Reddit's published code of
both, and of `POST_block` and `POST_report`: github.com/reddit-archive/reddit,
r2/r2/controllers/api.py
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import comments
from connectors.contract.capabilities import Capabilities
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.reddit import requests
from connectors.platforms.reddit.account import (
    WHOAMI_STEP,
    outcome_of_failure,
    parse_account,
    user_agent_header,
    whoami_step,
)
from connectors.platforms.reddit.responses import (
    created_at,
    explain_refusal,
    inbox_entries,
    info_step,
    is_possibly_changed,
    is_unexplained_refusal,
    listing_entries,
    listing_of,
    normalize_markdown,
    permalink_url,
    reddit_error_code,
    refusal_outcome,
)
from connectors.shared import http_responses, unit_checks
from foundation.i18n.translation import Message
from gate.contract.units import Unit

MODERATION_ACTIONS = frozenset({"block", "report"})
POLL_EVERY_NTH = 10
"""Minutes between two reads. All accounts of an application share a hundred requests per minute,
including those for posts, and each community is read separately."""

MAX_TEXT = 10_000
MAX_PAGES = 4
"""Maximum number of pages per read, followed by one request for the authors of the posts."""

HELD = timedelta(days=1)
"""Maximum time for which a filter may hold a comment. The comment then appears with its original
time."""

WINDOW = timedelta(seconds=60)
"""A comment older than the attempt by more than this is a different one with the same text."""

REASON = "unwanted-or-abusive"
"""The reason of a report as shown to the moderators."""

ON_REMARK = ("reddit.remark_closed", "reddit.remark_gone")
ON_POST = ("connectors.comments_off", "connectors.comment_post_gone")
PUBLISH = "publish"
LOOK = "look"
AUTHOR_STEP = "whose"
_GONE = frozenset({"DELETED_COMMENT", "DELETED_LINK"})
_CLOSED = frozenset(
    {"TOO_OLD", "THREAD_LOCKED", "USER_BLOCKED", "SUBREDDIT_NOTALLOWED", "NON_PUBLIC"}
)
_NAME = re.compile(r"t1_[a-z0-9]{1,16}", re.ASCII)
_POST = re.compile(r"t3_[a-z0-9]{1,16}", re.ASCII)
_UNDER = re.compile(r"/comments/([a-z0-9]{1,16})(?:/|$)", re.ASCII)
_AUTHOR = re.compile(r"[\w-]{3,20}", re.ASCII)


def list_comments(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the next request, or the comments since a day before the cursor (Unix seconds), so
    that known ones are returned again.

    The inbox cannot be filtered by time, so it is read from the newest entry, at most four hundred.
    If there are more between two reads, the oldest are missed. The first read returns the latest
    hundred. For replies to comments and mentions, the post is requested too, because entries do not
    contain its author.
    """
    pages = [answer for answer in answers if answer.step == comments.COMMENTS_ACTION]
    read = [inbox_entries(page) for page in pages]
    found = [entry for page in read if page is not None for entry in page]
    if any(page is None for page in read):
        return None
    since = _parse_cursor(cursor)
    asked = answers and answers[-1].step == AUTHOR_STEP
    if not asked and (turn := _build_next_request(account, cursor, pages, found)) is not None:
        return turn
    fresh = [entry for entry in found if since is None or (created_at(entry) or since) >= since]
    theirs = [entry for entry in fresh if _is_others_comment(entry, account)]
    unclear = sorted(
        {post for entry in theirs if (post := _post_of(entry)) and not _is_ours(entry)}
    )[: requests.PAGE_SIZE]
    if unclear and not asked:
        step = comments.comments_request("", name=AUTHOR_STEP, headers=user_agent_header(account))
        return Send(requests.write_info(step.step, ",".join(unclear)))
    posts = listing_entries(answers[-1]) if asked else []
    if posts is None:
        return None
    user = parse_account(account).user.lower()
    ours = {str(post["name"]) for post in posts if str(post.get("author")).lower() == user}
    told = (_parse_comment(entry, ours) for entry in reversed(theirs))
    newest = max(
        (int(at.timestamp()) for entry in found if (at := created_at(entry)) is not None), default=0
    )
    return CommentPage(tuple(told), str(max(newest, int(cursor) if since is not None else 0)))


def _parse_cursor(cursor: str) -> datetime | None:
    at = http_responses.from_unix_seconds(cursor) if len(cursor) < 12 else None
    return at - HELD if at is not None and at.timestamp() > HELD.total_seconds() else at


def _build_next_request(
    account: str, cursor: str, pages: list[StepResult], found: list[dict[str, Any]]
) -> Send | None:
    """Return the request for the next page, or None if none is needed."""
    since = _parse_cursor(cursor)
    after = listing_of(pages[-1]).get("after") if pages else ""
    if pages:
        oldest = created_at(found[-1]) if found else None
        left = isinstance(after, str) and since is not None and (oldest is None or oldest >= since)
        if not left or len(pages) >= MAX_PAGES:
            return None
    step = comments.comments_request("", headers=user_agent_header(account)).step
    return Send(requests.write_inbox_page(step, str(after or "")))


def _is_others_comment(entry: Mapping[str, Any], account: str) -> bool:
    """Return True for another user's comment in this community."""
    where = parse_account(account)
    name = str(entry["name"])
    author = entry.get("author")
    known = (
        isinstance(author, str)
        and _AUTHOR.fullmatch(author) is not None
        and author.lower() != where.user.lower()
    )
    there = str(entry.get("subreddit")).lower() == where.community.lower()
    return (
        known and there and _NAME.fullmatch(name) is not None and isinstance(entry.get("body"), str)
    )


def _is_ours(entry: Mapping[str, Any]) -> bool:
    """Return True if the entry is a direct reply to a post of the account."""
    return (
        entry.get("type") == "post_reply"
        and _POST.fullmatch(str(entry.get("parent_id"))) is not None
    )


def _post_of(entry: Mapping[str, Any]) -> str:
    """Return the ID of the entry's post, or ""."""
    if _is_ours(entry):
        return str(entry["parent_id"])
    found = _UNDER.search(str(entry.get("context")))
    return f"t3_{found[1]}" if found else ""


def _parse_comment(entry: Mapping[str, Any], ours: set[str]) -> Comment:
    post = _post_of(entry)
    author = str(entry["author"])
    return Comment(
        native_id=str(entry["name"]),
        author=author,
        handle=f"u/{author}",
        text=str(entry["body"]),
        under=post if _is_ours(entry) or post in ours else "",
        url=permalink_url(entry.get("context")).partition("?")[0],
        at=created_at(entry),
    )


def reply_to_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities
) -> Send | Outcome:
    """Reply to a comment."""
    unfit = _comment_problem(unit, can)
    return (
        Rejected(unfit, permanent=False)
        if unfit is not None
        else _comment_turn(unit, answers, ON_REMARK)
    )


def add_first_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities, marks: frozenset[str]
) -> Send | Outcome:
    """Add a first comment under our post. It needs no flag for adult content, because it is shown
    only with its post."""
    wrong = unit_checks.first_comment_problem(unit, can, most=MAX_TEXT, marks=marks)
    return (
        Rejected(wrong, permanent=False)
        if wrong is not None
        else _comment_turn(unit, answers, ON_POST)
    )


def _comment_turn(
    unit: Unit, answers: tuple[StepResult, ...], why: tuple[str, str]
) -> Send | Outcome:
    """Return the request that adds a comment, or its outcome. `why` are the message codes for a
    closed and for a deleted parent."""
    closed, gone = why
    last = answers[-1] if answers else None
    if last is not None and last.step == WHOAMI_STEP:
        return explain_refusal(last, unit.account, Message(closed))
    if last is not None and last.step == PUBLISH:
        return (
            Send(whoami_step(unit.account))
            if is_unexplained_refusal(last)
            else _publish_outcome(last, closed, gone)
        )
    step = WireStep(PUBLISH, StepKind.PUBLISH, "", "", headers=user_agent_header(unit.account))
    return Send(requests.write_reply(step, unit.parent_id, unit.text_of("body")))


def _comment_problem(unit: Unit, can: Capabilities) -> Message | None:
    body = unit.text_of("body")
    if wrong := unit_checks.unit_problem(unit, can, length=len(body)):
        return wrong
    if unit.media or unit.text_of("title") or not body.strip():
        return Message("reddit.words_alone")
    if len(body) > MAX_TEXT:
        return Message("connectors.text_too_long", {"length": len(body), "most": MAX_TEXT})
    return Message("reddit.words_unmarked") if unit.flags else None


def _publish_outcome(answer: StepResult, closed: str, gone: str) -> Outcome:
    said = http_responses.success_body(answer).get("json")
    if not isinstance(said, dict):
        return outcome_of_failure(answer, creates=True)
    data = said.get("data")
    things = data.get("things") if isinstance(data, dict) else None
    made = (
        things[0].get("data")
        if isinstance(things, list) and things and isinstance(things[0], dict)
        else None
    )
    if isinstance(made, dict) and _NAME.fullmatch(str(made.get("name"))):
        return Published(str(made["name"]), permalink_url(made.get("permalink")), created_at(made))
    errors = said.get("errors")
    if not isinstance(errors, list) or not errors:
        return Uncertain(Message("connectors.unclear_answer", {"status": 200}))
    code = reddit_error_code(errors[0][0] if isinstance(errors[0], list) and errors[0] else "")
    if code in _GONE:
        return Rejected(Message(gone), permanent=True)
    return (
        Rejected(Message(closed), permanent=True)
        if code in _CLOSED
        else refusal_outcome(errors[0], said.get("ratelimit"))
    )


def look_up_comment(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Search the account's comments, newest first.

    If none matches, check that the parent is visible to this application, since Reddit hides adult
    content from some.
    """
    if not answers:
        return Send(_build_page_step(sought.account))
    things = listing_entries(answers[-1])
    if things is None:
        return Unknown(Message("connectors.lookup_failed"))
    if answers[-1].step == AUTHOR_STEP:
        seen = any(thing["name"] == sought.reply_to for thing in things)
        return Absent() if seen else Unknown(Message("connectors.lookup_failed"))
    start = (
        sought.armed_at
        - WINDOW
        - http_responses.clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    )
    recent = [thing for thing in things if (created_at(thing) or start) >= start]
    for thing in reversed(recent):
        same = thing.get("parent_id") == sought.reply_to and normalize_markdown(
            thing.get("body")
        ) == normalize_markdown(sought.text)
        if same and thing["name"] not in sought.known:
            return Found(
                str(thing["name"]), permalink_url(thing.get("permalink")), created_at(thing)
            )
    after = listing_of(answers[-1]).get("after")
    if any(
        thing.get("parent_id") == sought.reply_to and _is_candidate(thing, sought)
        for thing in recent
    ):
        return Unknown(Message("connectors.other_text_there"))
    if not after or len(recent) < len(things):
        return Send(replace(info_step(sought.account, sought.reply_to, LOOK), name=AUTHOR_STEP))
    whole = len(answers) < MAX_PAGES and isinstance(after, str)
    return (
        Send(_build_page_step(sought.account, after))
        if whole
        else Unknown(Message("connectors.lookup_failed"))
    )


def _is_candidate(thing: Mapping[str, Any], sought: LookupQuery) -> bool:
    return thing["name"] not in sought.known and is_possibly_changed(thing, "body")


def _build_page_step(account: str, after: str = "") -> WireStep:
    step = WireStep(LOOK, StepKind.CONTROL, "", "", headers=user_agent_header(account), action=LOOK)
    return requests.write_comments_page(step, parse_account(account).user, after)


def moderate_comment(
    on: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Block the author of a comment, or report the comment to the moderators. Both actions are
    idempotent, also for a deleted comment. The response confirms only that the request was
    accepted."""
    if act not in MODERATION_ACTIONS:
        return Rejected(Message("reddit.cannot_act"), permanent=True)
    if not answers:
        asked = comments.moderation_request("POST", "").step
        step = replace(asked, headers=user_agent_header(on.account))
        return Send(
            requests.write_block(step, on.native_id)
            if act == "block"
            else requests.write_report(step, on.native_id, REASON)
        )
    last = answers[-1]
    if (
        isinstance(last, Response) and last.status == 403
    ):  # the scope was not granted when the account was connected
        return Rejected(Message("reddit.cannot_act"), permanent=False)
    if not isinstance(last, Response) or not last.is_success:
        return outcome_of_failure(last, creates=False)
    said = http_responses.json_body(last).get("json")
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, list) or not errors:
        return Published(on.native_id)
    outcome = refusal_outcome(errors[0], said.get("ratelimit") if isinstance(said, dict) else None)
    return (
        outcome
        if isinstance(outcome, Retry)
        else Rejected(Message("reddit.cannot_act"), permanent=False)
    )
