"""Look-up of a lost post in the account's timeline on X, by its text or, without text, by its
media.

Source: https://docs.x.com/x-api/posts/timelines/introduction
"""

from collections.abc import Mapping, Set
from datetime import timedelta
from functools import partial
from typing import Any

from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepResult,
)
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.platforms.x import requests
from connectors.platforms.x.account import id_from_answer
from connectors.platforms.x.media import OPEN
from connectors.platforms.x.responses import (
    listing_meta,
    media_ids,
    original_text,
    parent_id,
    post_url,
    without_mentions,
)
from connectors.shared import textless_posts
from connectors.shared.http_responses import clock_lead, json_body, parse_timestamp, quote_segment
from connectors.shared.text_counting import normalize_x_text
from foundation.i18n.translation import Message
from gate.contract.units import Medium

STAGE = "stage:"
WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

LISTED = 20
MAX_PAGES = 5
"""Maximum number of pages per look-up. `LISTED` is the number of posts per page, each of which
costs money."""


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Page back through the timeline to a minute before the attempt."""
    silent = not sought.text.strip()
    files = (
        textless_posts.media_ids_of(sought, partial(_uploaded_media_ids, sought))
        if silent
        else frozenset[str]()
    )
    if silent and not files:
        return Unknown(Message("connectors.no_lookup"))
    if requests.needs_reading(answers):
        return _build_page_request(sought, answers)
    posts = _parse_posts(answers[-1])
    if posts is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [post for post in posts if (parse_timestamp(post.get("created_at")) or start) >= start]
    here = [post for post in recent if parent_id(post) == sought.reply_to]
    seen = _find_by_media(here, sought, files) if silent else _find_by_text(here, sought)
    if seen is not None:
        return seen
    more = listing_meta(answers[-1]).get("next_token")
    if not more or len(recent) < len(posts):
        return Absent()
    pages = sum(_parse_posts(answer) is not None for answer in answers)
    whole = pages < MAX_PAGES and isinstance(more, str)
    return (
        _build_page_request(sought, answers, more)
        if whole
        else Unknown(Message("connectors.lookup_failed"))
    )


def media_step_name(kind: str, medium: Medium) -> str:
    """Return the name of a step for a file."""
    return f"{kind}{medium.sha256[:24]}"


def _find_by_text(posts: list[dict[str, Any]], sought: LookupQuery) -> Found | None:
    words = without_mentions if sought.reply_to else str
    same = (
        post
        for post in reversed(posts)
        if normalize_x_text(words(original_text(post))) == normalize_x_text(words(sought.text))
    )
    return next(
        (_found_from_post(post) for post in same if str(post["id"]) not in sought.known), None
    )


def _find_by_media(
    posts: list[dict[str, Any]], sought: LookupQuery, files: Set[str]
) -> Found | Unknown | None:
    seen = textless_posts.find_by_media(
        posts,
        sought,
        files,
        number=lambda post: str(post["id"]),
        shows=media_ids,
        says=_text_without_mentions,
    )
    return seen if seen is None or isinstance(seen, Unknown) else _found_from_post(seen)


def _text_without_mentions(post: Mapping[str, Any]) -> str:
    return without_mentions(original_text(post))


def _found_from_post(post: Mapping[str, Any]) -> Found:
    number = str(post["id"])
    return Found(number, post_url(number), parse_timestamp(post.get("created_at")))


def _uploaded_media_ids(sought: LookupQuery, medium: Medium) -> set[str]:
    """Return every ID that X assigned to a file."""
    names = (media_step_name(STAGE, medium), media_step_name(OPEN, medium))
    return {id_from_answer(answer) for answer in sought.told if answer.step in names} - {""}


def _build_page_request(
    sought: LookupQuery, answers: tuple[StepResult, ...], page: str = ""
) -> Send:
    """Return the request for a page of the timeline. It has no start time, since that would hide
    the post if our clock were ahead."""
    return requests.build_request(
        requests.LOOK,
        lambda client: client.get_users_tweets(
            quote_segment(sought.account),
            max_results=LISTED,
            exclude="retweets",
            tweet_fields=["created_at", "entities", "attachments", "referenced_tweets"],
            pagination_token=page or None,
        ),
        answers,
    )


def _parse_posts(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the posts of a page, newest first, or None if it is invalid. A page without posts has
    no `data`."""
    if (
        not isinstance(answer, Response)
        or not answer.is_success
        or "result_count" not in listing_meta(answer)
    ):
        return None
    posts = json_body(answer).get("data", [])
    whole = isinstance(posts, list) and all(
        isinstance(post, dict) and post.get("id") for post in posts
    )
    return posts if whole and len(posts) == listing_meta(answer)["result_count"] else None
