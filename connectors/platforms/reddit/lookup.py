"""Look-up of posts on Reddit in the account's list, after a lost answer or during processing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.connector import LookupQuery, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.platforms.reddit import requests
from connectors.platforms.reddit.account import NSFW_MARK, parse_account, user_agent_header
from connectors.platforms.reddit.responses import (
    created_at,
    listing_entries,
    listing_of,
    normalize_markdown,
    permalink_url,
)
from connectors.platforms.reddit.submission import VIDEO_MIME
from connectors.shared import http_responses, unit_checks
from foundation.i18n.translation import Message
from gate.contract.units import Medium

LOOK = "look"
WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

PICTURE_MADE = timedelta(minutes=5)
FILM_MADE = timedelta(minutes=30)
"""Time for which a post of one picture or video may still be processed. Reddit documents none; a
processing time of 44 seconds was recorded for a video of 13 seconds."""

MAX_PAGES = 5


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Page through the account's posts, newest first."""
    if not answers:
        return Send(_build_page_step(sought.account))
    posts = listing_entries(answers[-1])
    if posts is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = (
        sought.armed_at
        - WINDOW
        - http_responses.clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    )
    recent = [post for post in posts if (created_at(post) or start) >= start]
    for post in reversed(recent):
        number = str(post["name"])
        if number not in sought.known and _is_match(post, sought):
            return Found(number, permalink_url(post.get("permalink")), created_at(post))
    after = listing_of(answers[-1]).get("after")
    if not after or len(recent) < len(posts):
        return _resolve_absence(sought, answers, start)
    whole = len(answers) < MAX_PAGES and isinstance(after, str)
    return (
        Send(_build_page_step(sought.account, after))
        if whole
        else Unknown(Message("connectors.lookup_failed"))
    )


def _build_page_step(account: str, after: str = "") -> WireStep:
    step = WireStep(LOOK, StepKind.CONTROL, "", "", headers=user_agent_header(account), action=LOOK)
    return requests.write_posts_page(step, parse_account(account).user, after)


def _resolve_absence(
    sought: LookupQuery, answers: tuple[StepResult, ...], start: datetime
) -> LookupResult:
    """Return Absent if the lists prove it, else Unknown.

    Reddit hides adult content from some applications, so a list without any adult post proves
    nothing about such a post. A list is also inconclusive while the post may be processed, and if
    it contains a post with this title and another text, which its owner or a moderator may have
    edited.
    """
    shown = [post for answer in answers for post in listing_entries(answer) or ()]
    if any(_is_candidate(post, sought) and (created_at(post) or start) >= start for post in shown):
        return Unknown(Message("connectors.other_text_there"))
    blind = NSFW_MARK in sought.flags and not any(post.get("over_18") is True for post in shown)
    early = (sought.asked_at or sought.armed_at) - (
        sought.sent_at or sought.armed_at
    ) < _processing_time(sought.media)
    return Unknown(Message("connectors.lookup_failed")) if blind or early else Absent()


def _processing_time(media: tuple[Medium, ...]) -> timedelta:
    if any(medium.mime == VIDEO_MIME for medium in media):
        return FILM_MADE
    return PICTURE_MADE if len(media) == 1 else timedelta()


def _is_match(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    """Return True if a listed post is the sent one. The text of a media post may be missing."""
    _, body = unit_checks.split_title(sought.title, sought.text)
    told = normalize_markdown(post.get("selftext"))
    return _is_titled(post, sought) and (
        told == normalize_markdown(body) or (post.get("is_self") is False and not told)
    )


def _is_candidate(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    return _is_titled(post, sought) and str(post["name"]) not in sought.known


def _is_titled(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    title, _ = unit_checks.split_title(sought.title, sought.text)
    there = (
        str(post.get("subreddit", "")).lower() == parse_account(sought.account).community.lower()
    )
    return there and normalize_markdown(post.get("title")) == normalize_markdown(title)
