"""The lists of a Threads account's posts and replies, read to resolve a URL or to check presence.

Source: https://developers.facebook.com/docs/threads/retrieve-and-discover-posts/retrieve-posts,
https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/replies-and-conversations
"""

from typing import Any

from connectors.contract.connector import PlatformCopy, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Absent, Found, LookupResult
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    ClaimedAddress,
    path_segments,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.meta.comments import entry_id
from connectors.platforms.meta.errors import answer_entries, id_from_answer, is_missing
from connectors.platforms.threads.comments import next_page_cursor
from connectors.shared.http_responses import parse_timestamp, quote_segment, success_body

LISTED = 50
MAX_PAGES = 5
POSTS_LIST = "threads"
REPLIES_LIST = "replies"
"""Step name of a request for the list of replies, which is separate from the list of posts."""


def resolve_address(
    address: ClaimedAddress, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Return the next request, or the post of a URL.

    A URL contains a code instead of the post's ID, so the account's posts are read until one has
    that code, then its replies, which include the parts of threads.
    """
    code = _code_in(address.url)
    if not code:
        return NO_POST_THERE
    if not answers:
        return Send(list_page_step(POSTS_LIST, POSTS_LIST, ""))
    posts = posts_from_answer(answers[-1])
    if posts is None:
        return ADDRESS_UNREADABLE
    for post in posts:
        url = str(post.get("permalink") or "")
        if _code_in(url) == code:
            return Found(entry_id(post), url, parse_timestamp(post.get("timestamp")))
    return _build_next_request(answers) or Absent()


def check_presence(
    copy: PlatformCopy, answers: tuple[StepResult, ...]
) -> Send | PostPresence | None:
    """Report a post as missing only if it is in neither list.

    Threads returns the same error for a deleted post and for one that the token may not read. A
    list that is too long or unreadable proves nothing.
    """
    if not answers:
        return Send(lookup_step("look", f"/{quote_segment(copy.native_id)}?fields=id"))
    first = answers[0]
    pages = answers[1:]
    if not is_missing(first):
        return PresenceReport() if id_from_answer(first) == copy.native_id else None
    posts = posts_from_answer(pages[-1]) if pages else []
    if posts is None:
        return None
    if any(entry_id(post) == copy.native_id for post in posts):
        return PresenceReport()
    if (turn := _build_next_request(pages)) is not None:
        return turn
    ends = {
        page.step: next_list_cursor(page) for page in pages
    }  # cursor after the last page of each list
    return None if any(ends.values()) else MissingPost()


def _build_next_request(pages: tuple[StepResult, ...]) -> Send | None:
    """Return the request for the next page, of the posts and then of the replies, or None at the
    end."""
    if not pages:
        return Send(list_page_step(POSTS_LIST, POSTS_LIST, ""))
    last = pages[-1]
    after = next_list_cursor(last)
    if after and sum(one.step == last.step for one in pages) < MAX_PAGES:
        return Send(list_page_step(last.step, last.step, after))
    return Send(list_page_step(REPLIES_LIST, REPLIES_LIST, "")) if last.step == POSTS_LIST else None


def posts_from_answer(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the posts of a page, newest first, or None if it is invalid."""
    posts = answer_entries(success_body(answer))
    return posts if posts is not None and all(entry_id(post) for post in posts) else None


def next_list_cursor(answer: StepResult) -> str:
    """Return the cursor of the next page, or "" at the end."""
    return next_page_cursor(success_body(answer))


def lookup_step(name: str, path: str) -> WireStep:
    """Return a read-only request."""
    action = "metrics" if name == "metrics" else "look"
    return WireStep(name, StepKind.CONTROL, "GET", path, action=action)


def list_page_step(name: str, what: str, after: str, shape: str = "") -> WireStep:
    """Return the request for a page of a list. `shape` are additional fields."""
    cursor = f"&after={quote_segment(after)}" if after else ""
    more = shape + (",replied_to" if what == REPLIES_LIST else "")
    return lookup_step(
        name, f"/{{account}}/{what}?fields=id,text,timestamp,permalink{more}&limit={LISTED}{cursor}"
    )


def _code_in(url: str) -> str:
    """Return the code in a post's URL, or ""."""
    path = path_segments(url, "threads.net", "threads.com")
    if len(path) >= 3 and path[0].startswith("@") and path[1] == "post":
        return path[2]
    return path[1] if len(path) == 2 and path[0] == "t" else ""
