"""Look-ups in the posts of an Instagram account, page by page: by the code in a URL, or by ID."""

from typing import Any

from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Absent, Found, LookupResult
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    ClaimedAddress,
    path_segments,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.meta.errors import (
    NOT_VISIBLE_CODE,
    error_codes,
    id_from_answer,
    next_cursor,
)
from connectors.platforms.meta.lookup import MEDIA_FIELDS, LookupNetwork
from connectors.shared.http_responses import json_body, parse_timestamp, quote_segment, success_body

LISTED = 50
MAX_PAGES = 5


def resolve_address(
    address: ClaimedAddress, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Search the account's posts for the one with the code in a URL. The code is not the post's
    ID."""
    code = _code_in(address.url)
    if not code:
        return NO_POST_THERE
    if not answers:
        return Send(posts_page_step(""))
    posts = posts_from_answer(answers[-1])
    if posts is None:
        return ADDRESS_UNREADABLE
    for post in posts:
        url = str(post.get("permalink", ""))
        if _code_in(url) == code:
            return Found(str(post["id"]), url, parse_timestamp(post.get("timestamp")))
    after = next_page_cursor(answers[-1])
    return Send(posts_page_step(after)) if after and len(answers) < MAX_PAGES else Absent()


def check_presence(
    copy: PlatformCopy, answers: tuple[StepResult, ...]
) -> Send | PostPresence | None:
    """Read the post, then search the account's stories and posts. A direct read of an existing post
    may fail."""
    if not answers:
        return Send(lookup_step(f"/{quote_segment(copy.native_id)}?fields=id"))
    if len(answers) == 1:
        if id_from_answer(answers[0]):
            return PresenceReport()
        return Send(stories_page_step("")) if error_codes(answers[0]) == NOT_VISIBLE_CODE else None
    shown = posts_from_answer(answers[1])
    if shown is None or next_page_cursor(answers[1]):
        return None
    if any(str(one["id"]) == copy.native_id for one in shown):
        return PresenceReport()
    return presence_in_listing(copy.native_id, answers[2:])


def presence_in_listing(
    native_id: str, pages: tuple[StepResult, ...]
) -> Send | PostPresence | None:
    """Search the account's posts page by page for an ID. Return None if there is no clear
    result."""
    if not pages:
        return Send(posts_page_step(""))
    posts = posts_from_answer(pages[-1])
    if posts is None:
        return None
    if any(str(post["id"]) == native_id for post in posts):
        return PresenceReport()
    after = next_page_cursor(pages[-1])
    if not after:
        return MissingPost()
    return Send(posts_page_step(after)) if len(pages) < MAX_PAGES else None


def posts_page_step(after: str, more: str = "") -> WireStep:
    """Request a page of the account's posts, newest first. `more` adds fields."""
    cursor = f"&after={quote_segment(after)}" if after else ""
    return lookup_step(
        f"/{{account}}/media?fields=id,caption,timestamp,permalink{more}&limit={LISTED}{cursor}"
    )


def stories_page_step(after: str) -> WireStep:
    """Request a page of the account's current stories, which are not in the list of posts."""
    cursor = f"&after={quote_segment(after)}" if after else ""
    return lookup_step(
        f"/{{account}}/stories?fields=id,timestamp,permalink,media_type&limit={LISTED}{cursor}"
    )


def lookup_step(path: str) -> WireStep:
    """Return a read request."""
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def posts_from_answer(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the posts of a page, newest first, or None if the answer is unusable."""
    posts = (
        json_body(answer).get("data")
        if isinstance(answer, Response) and answer.is_success
        else None
    )
    whole = isinstance(posts, list) and all(
        isinstance(post, dict) and post.get("id") for post in posts
    )
    return posts if whole else None


def _code_in(url: str) -> str:
    """Return the code in the URL of a post or reel, with or without the author before it, or ""."""
    path = path_segments(url, "instagram.com")
    kinds = [
        place
        for place, one in enumerate(path[:-1])
        if one in ("p", "reel", "reels", "tv") and place < 2
    ]
    return path[kinds[0] + 1] if kinds else ""


def next_page_cursor(answer: StepResult) -> str:
    """Return the cursor of the next page, or "" at the end. A page may contain fewer entries than
    requested although another page follows."""
    return next_cursor(success_body(answer))


def _build_page_step(sought: LookupQuery, after: str) -> WireStep:
    return posts_page_step(after, f",{MEDIA_FIELDS}")


LOOKUP_NETWORK = LookupNetwork(
    "status_code", "caption", _build_page_step, posts_from_answer, next_page_cursor, MAX_PAGES
)
