"""Helpers for Reddit's responses: listings, error codes in successful responses, and errors without
a reason."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.connector import (
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.contract.post_addresses import path_segments
from connectors.contract.post_presence import (
    MissingPost,
    PostPresence,
    PresenceReport,
    platform_word,
)
from connectors.platforms.reddit import requests
from connectors.platforms.reddit.account import user_agent_header, verify_account
from connectors.shared import http_responses
from connectors.shared.requested_waits import seconds_wait
from connectors.shared.text_counting import normalize_message_text
from foundation.i18n.translation import Message

PAUSE = timedelta(minutes=10)
"""Delay after a rate limit whose response states no time."""

DELETED_AUTHOR = "[deleted]"
_TAKEN = frozenset({"removed", "removed by reddit"})
FILTERED = "automod_filtered"
BY_OWNER = frozenset({"deleted", "author"})
"""Reasons for which a post is not visible: it awaits a moderator, or its author deleted it."""

CLOSED = frozenset(
    {"SUBREDDIT_NOTALLOWED", "SUBREDDIT_NOEXIST", "USER_BLOCKED", "USER_MUTED", "NON_PUBLIC"}
)
"""Errors for a community that is closed, or closed for this account."""


def info_step(account: str, names: str, action: str) -> WireStep:
    """Return the request for the things with these full names, separated by commas."""
    step = WireStep(
        action, StepKind.CONTROL, "", "", headers=user_agent_header(account), action=action
    )
    return requests.write_info(step, names)


def listing_of(answer: StepResult) -> dict[str, Any]:
    """Return the data of a listing, or an empty one."""
    told = http_responses.success_body(answer).get("data")
    return told if isinstance(told, dict) else {}


def listing_entries(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the things of a listing, or None if it is invalid."""
    children = listing_of(answer).get("children")
    if not isinstance(children, list):
        return None
    things = [
        one["data"]
        for one in children
        if isinstance(one, dict) and isinstance(one.get("data"), dict)
    ]
    whole = len(things) == len(children) and all(isinstance(one.get("name"), str) for one in things)
    return things if whole else None


def inbox_entries(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the things with a name in a page of an inbox, which mixes several kinds, or None if it
    is not a page."""
    children = listing_of(answer).get("children")
    if not isinstance(children, list):
        return None
    things = [
        one["data"]
        for one in children
        if isinstance(one, dict) and isinstance(one.get("data"), dict)
    ]
    return [thing for thing in things if isinstance(thing.get("name"), str)]


def created_at(thing: Mapping[str, Any]) -> datetime | None:
    """Return the time of creation (UTC-aware), or None."""
    told = thing.get("created_utc")
    return (
        http_responses.from_unix_seconds(str(int(told)))
        if isinstance(told, int | float) and 0 < told < 10**11
        else None
    )


def permalink_url(told: object) -> str:
    """Return the URL of a permalink, or "" if it is invalid."""
    return (
        f"https://www.reddit.com{told}"
        if isinstance(told, str) and told.startswith(("/r/", "/user/"))
        else ""
    )


def normalize_markdown(text: object) -> str:
    """Return a text in the form used for comparisons."""
    return " ".join(normalize_message_text(text).split())


def is_possibly_changed(thing: Mapping[str, Any], words: str) -> bool:
    """Return True if the original text may have been different: the author edited it, or Reddit
    removed it and replaced the field `words`."""
    taken = str(thing.get(words) or "").strip().strip("[] ").lower() in _TAKEN
    return bool(thing.get("edited")) or thing.get("removed_by_category") is not None or taken


def reddit_error_code(told: object) -> str:
    """Return an error code for display: letters, digits and underscores only, at most 60."""
    word = re.sub(r"[^A-Z0-9_]", "", str(told or "").upper(), flags=re.ASCII)
    return word[:60] or "?"


def check_presence(
    copy: PlatformCopy, answers: tuple[StepResult, ...]
) -> Send | PostPresence | None:
    """Return the next request, or the presence of a post.

    A missing post may only be hidden from this application, and a filtered one may still be
    approved; neither is conclusive. Source: `removed_by_category` and `author` of
    https://www.reddit.com/dev/api#GET_api_info
    """
    if not answers:
        return Send(info_step(copy.account, copy.native_id, "look"))
    post = next(
        (one for one in listing_entries(answers[-1]) or () if one["name"] == copy.native_id), None
    )
    if post is None:
        return None
    word = platform_word(post, "removed_by_category")
    if word == FILTERED:
        return None
    if word in BY_OWNER or post.get("author") == DELETED_AUTHOR:
        return MissingPost("owner")
    return MissingPost("rules", word) if word else PresenceReport()


def refusal_outcome(error: Any, seconds: Any) -> Outcome:
    """Return the outcome of an error `[code, sentence, field]`."""
    code = reddit_error_code(error[0] if isinstance(error, list) and error else "")
    if code == "RATELIMIT":
        return Retry(seconds_wait(seconds) or PAUSE, "account", Message("connectors.rate_limited"))
    if code == "ALREADY_SUB":
        return Uncertain(Message("reddit.there_already"), stands=True)
    if code in CLOSED:
        return Rejected(Message("reddit.community_closed"), permanent=True)
    if "FLAIR" in code:
        return Rejected(Message("reddit.flair_wrong"), permanent=False)
    return Rejected(Message("reddit.refused", {"code": code}), permanent=False)


def is_unexplained_refusal(answer: StepResult) -> bool:
    """Return True for a 403 without a reason, the only error that a suspended account gets."""
    return (
        isinstance(answer, Response)
        and answer.status == 403
        and "reason" not in http_responses.json_body(answer)
    )


def explain_refusal(me: StepResult, account: str, otherwise: Message) -> Outcome:
    """Return the outcome of a 403 without a reason: Disconnected if the token cannot even read its
    own user, else Rejected with `otherwise`."""
    gone = isinstance(me, Response) and me.status == 403
    trouble = Disconnected(Message("reddit.suspended")) if gone else verify_account(account, (me,))
    return (
        trouble
        if isinstance(trouble, Disconnected | Reauthorize)
        else Rejected(otherwise, permanent=False)
    )


def fullname_of(data: Mapping[str, Any]) -> str:
    """Return the full name of a post. Some responses contain only its ID, with or without `t3_`."""
    told = data.get("name", data.get("id"))
    if not isinstance(told, str) or not told.removeprefix("t3_").isalnum() or len(told) > 20:
        return ""
    return f"t3_{told.removeprefix('t3_')}"


def fullname_in_url(url: str) -> str:
    """Return the full name of the post in a URL, or "". A URL with a segment after the title is a
    comment."""
    path = path_segments(url, "reddit.com")
    short = path_segments(url, "redd.it")
    below = path[2:] if path[:1] in (("r",), ("user",), ("u",)) else path
    if len(below) in (2, 3) and below[0] == "comments":
        number = below[1]
    elif len(short) == 1:
        number = short[0]
    else:
        number = ""
    return f"t3_{number}" if number.isascii() and number.isalnum() and len(number) <= 16 else ""
