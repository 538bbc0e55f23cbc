"""Comments on X: replies to the account's posts and posts that mention it, from one listing.

A reply mentions the account it answers, so the listing of mentions contains both. X limits it to
300 requests per account in 15 minutes and charges for each returned post and author, but nothing
for an empty page. The listing is therefore read once an hour, and only for new posts. A program may
reply only to users who mentioned the account, as all of these did. Blocking users is reserved for
enterprise customers, and other users' posts cannot be deleted. Source:
https://docs.x.com/x-api/posts/timelines/introduction, /x-api/fundamentals/rate-limits,
https://docs.x.com/x-api/getting-started/pricing,
https://docs.x.com/x-api/posts/manage-tweets/introduction,
https://docs.x.com/x-api/posts/hide-replies/quickstart,
https://docs.x.com/x-api/users/blocks/introduction
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.x import requests
from connectors.platforms.x.account import outcome_of_failure, refusal_text, unwrap_success
from connectors.platforms.x.responses import (
    is_unknown_field,
    listing_meta,
    original_text,
    parent_id,
    post_url,
    usernames_by_id,
)
from connectors.shared.http_responses import json_body, parse_timestamp, quote_segment
from foundation.i18n.translation import Message

ACTS = frozenset({"hide", "show"})
EVERY = 60
"""Minutes between two reads. Each read that returns posts costs money."""

LISTED = 100
MAX_PAGES = 5
NOT_FOUND = "resource-not-found"
FIELDS = [
    "created_at",
    "entities",
    "note_tweet",
    "author_id",
    "in_reply_to_user_id",
    "referenced_tweets",
]

_GONE = ("deleted or not visible", "does not exist")
_CLOSED = ("reply to this conversation", "mentioned or otherwise engaged", "who can reply")
_ID = re.compile(r"\d{1,19}", re.ASCII)
_CURSOR = re.compile(r"(\d{1,19})(?:\.(\d{1,19})\.(\d{1,19}))?", re.ASCII)


@dataclass(frozen=True)
class _Place:
    """The position of a read: posts after `since`, and before `until` if the last read did not
    reach the end. When that range is finished, the next read begins after `newest`. 0 means no
    bound."""

    since: int
    until: int = 0
    newest: int = 0

    @property
    def cursor(self) -> str:
        """Return the cursor as text."""
        return f"{self.since}.{self.until}.{self.newest}" if self.until else str(self.since)


def list_comments(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the next request, or at most 500 posts that mention the account since the cursor.

    If there are more, the newest are returned first and the next reads return the rest. The first
    read returns the latest hundred. X lists only the latest 800, so the oldest are missed if more
    arrive within an hour.
    """
    place = _parse_cursor(cursor)
    first = not _CURSOR.fullmatch(cursor)
    unknown = bool(answers) and is_unknown_field(answers[0])
    pages = answers[1:] if unknown else answers
    if not pages:
        return _build_page_request(account, place, answers)
    told = [_parse_posts(answer) for answer in pages]
    posts = [post for page in told if page is not None for post in page]
    if any(page is None for page in told):
        return None
    more = listing_meta(pages[-1]).get("next_token")
    left = isinstance(more, str) and bool(more) and not first
    if left and len(pages) < MAX_PAGES:
        return _build_page_request(account, place, answers, str(more))
    names = usernames_by_id(pages)
    found = (_parse_comment(post, account, names) for post in sorted(posts, key=_parse_id))
    return CommentPage(
        tuple(one for one in found if one is not None),
        _advance_place(place, posts, left=left).cursor,
    )


def _parse_cursor(cursor: str) -> _Place:
    found = _CURSOR.fullmatch(cursor)
    return _Place(*(int(part or 0) for part in found.groups())) if found else _Place(0)


def _advance_place(place: _Place, posts: list[dict[str, Any]], *, left: bool) -> _Place:
    numbers = [_parse_id(post) for post in posts]
    newest = max([place.newest, place.since, *numbers])
    if not left:
        return _Place(newest)
    return _Place(place.since, min(numbers, default=place.until), newest)


def _build_page_request(
    account: str, place: _Place, answers: tuple[StepResult, ...], page: str = ""
) -> Send:
    return requests.build_request(
        requests.COMMENTS,
        lambda client: client.get_users_mentions(
            quote_segment(account),
            max_results=LISTED,
            tweet_fields=FIELDS,
            expansions="author_id",
            user_fields="username",
            since_id=place.since or None,
            until_id=place.until or None,
            pagination_token=page or None,
        ),
        answers,
    )


def _parse_posts(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the posts of a page that have an ID, or None if it is not a page."""
    count = listing_meta(answer).get("result_count")
    if not isinstance(answer, Response) or not answer.is_success or not isinstance(count, int):
        return None
    posts = json_body(answer).get("data", [] if count == 0 else None)
    return (
        [post for post in posts if isinstance(post, dict) and _parse_id(post)]
        if isinstance(posts, list)
        else None
    )


def _parse_id(post: Mapping[str, Any]) -> int:
    told = post.get("id")
    return int(told) if isinstance(told, str) and _ID.fullmatch(told) else 0


def _parse_comment(
    post: Mapping[str, Any], account: str, names: Mapping[str, str]
) -> Comment | None:
    """Return a comment, or None for the account's own posts and those without an author."""
    author = post.get("author_id")
    number = str(post["id"])
    if not isinstance(author, str) or not _ID.fullmatch(author) or author == account:
        return None
    return Comment(
        native_id=number,
        author=author,
        handle=f"@{names[author]}" if names.get(author) else author,
        text=original_text(post),
        under=parent_id(post) if post.get("in_reply_to_user_id") == account else "",
        url=post_url(number),
        at=parse_timestamp(post.get("created_at")),
    )


def reply_refusal(answer: StepResult) -> Rejected | None:
    """Return the reason why a comment cannot be answered, or None if the response has another
    meaning."""
    if not isinstance(answer, Response) or answer.status not in (400, 403, 404):
        return None
    told = refusal_text(answer)
    if NOT_FOUND in told or any(word in told for word in _GONE):
        return Rejected(Message("x.remark_gone"), permanent=True)
    return (
        Rejected(Message("x.remark_closed"), permanent=True)
        if any(word in told for word in _CLOSED)
        else None
    )


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Hide a reply in a conversation that the account started, or show it again. Both actions are
    idempotent."""
    if act not in ACTS:
        return Rejected(Message("x.cannot_hide"), permanent=True)
    if not answers:
        number = quote_segment(spot.native_id)
        return requests.build_request(
            requests.MODERATE,
            lambda client: (
                client.hide_reply(number) if act == "hide" else client.unhide_reply(number)
            ),
        )
    last = answers[-1]
    if unwrap_success(last).get("hidden") is (act == "hide") or _is_gone(last, spot.native_id):
        return Published(spot.native_id)
    if (
        isinstance(last, Response) and last.status == 403
    ):  # another account's conversation, or a missing scope
        return Rejected(Message("x.cannot_hide"), permanent=False)
    return outcome_of_failure(last, creates=False)


def _is_gone(answer: StepResult, native_id: str) -> bool:
    """Return True if X itself reports that the post does not exist."""
    known = (
        isinstance(answer, Response)
        and answer.status in (200, 404)
        and NOT_FOUND in refusal_text(answer)
    )
    return known and native_id in str(json_body(answer))
