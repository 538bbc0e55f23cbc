"""Comments on the posts of an account on one of Meta's networks, read a few requests at a time.

A read requests the newest posts with their newest comments, then the rest: further comments of
posts with more new ones than a page, and older posts page by page. It stops after the fifth
request, and the next read continues there. After a full pass over all posts, reads return only
comments written since the pass began.

The first read returns only the comments on the first page of each post. Source for nested fields:
https://developers.facebook.com/docs/graph-api/guides/field-expansion
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import comments
from connectors.contract.comments import (
    OWN_COMMENT_PREFIX,
    Comment,
    CommentPage,
)
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import (
    Outcome,
    Published,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.platforms.meta.errors import (
    answer_entries,
    is_missing,
    next_cursor,
    outcome_of_failure,
)
from connectors.shared.http_responses import (
    parse_timestamp,
    quote_segment,
    response_date,
    success_body,
)
from foundation.i18n.translation import Message

PUBLISH = "publish"
LOOKUP_RETRY = timedelta(seconds=10)
"""Delay before a check for a missing object is repeated."""


def comment_turn(
    path: str,
    words: str,
    answers: tuple[StepResult, ...],
    *,
    number: Callable[[StepResult], str],
    refused: Callable[..., Outcome],
) -> Send | Outcome:
    """Return the request that publishes a reply to a comment, or its outcome. `number` extracts the
    ID from an answer."""
    if not answers:
        return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, {"message": words}))
    last = answers[-1]
    if native_id := number(last):
        return Published(f"{OWN_COMMENT_PREFIX}{native_id}")
    if isinstance(last, Response) and last.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return refused(last, creates=True)


def entry_id(one: Mapping[str, Any]) -> str:
    """Return the ID of an entry, or ""."""
    number = one.get("id")
    return number if isinstance(number, str) and number.isascii() and number.isdigit() else ""


def comment_author(one: Mapping[str, Any]) -> str:
    """Return the name of a comment's author, or ""."""
    sender = one.get("from")
    names = (one.get("username"), sender.get("username") if isinstance(sender, dict) else None)
    return next((name for name in names if isinstance(name, str) and name), "")


def outcome_unless_present(
    native_id: str, asked: tuple[StepResult, ...], last: StepResult, there: Message
) -> Send | Outcome:
    """Check that an object still exists after a refused deletion.

    Meta also reports an object as missing if the token may not access it. If the object can be
    read, the deletion is rejected with the message `there`.
    """
    if not asked:
        path = f"/{quote_segment(native_id)}?fields=id"
        return Send(WireStep("look", StepKind.CONTROL, "GET", path, action="look"))
    if is_missing(last):
        return Published(native_id)
    if success_body(last):
        return Rejected(there, permanent=False)
    refused = outcome_of_failure(last, creates=False)
    later = Retry(LOOKUP_RETRY, "account", Message("connectors.lookup_failed"))
    return later if isinstance(refused, Rejected) else refused


MAX_REQUESTS = 5
"""Maximum number of requests per read."""

MAX_REMAINING = 50
"""Maximum number of posts whose comments are continued later; further ones are skipped."""

MARGIN = timedelta(minutes=10)
LATE = timedelta(days=1)
"""Age up to which comments on a page that is requested anyway are returned again. Some comments
appear late, for example after moderation. Older pages are requested only within `MARGIN`."""


@dataclass(frozen=True)
class CommentNetwork:
    """The requests and formats of a network's comments. A post's `comments` are listed newest
    first."""

    posts: Callable[[str], str]
    """Returns the path of the newest posts, or of those after a cursor."""
    comments: Callable[[str, str], str]
    """Returns the path of a post's comments after a cursor."""
    number: Callable[[Mapping[str, Any]], str]
    """Returns the ID of a post, or ""."""
    said: Callable[[Mapping[str, Any], str, str], Iterator[Comment]]
    """Yields the comments of other users on a post, given the account's ID and name."""
    named: Callable[[Mapping[str, Any]], str]
    """Returns the account's name if the post contains it, or ""."""
    instant: str
    """The field with the time of an entry."""


@dataclass(frozen=True)
class _Left:
    """Unread comments of a post: from the cursor `after` back to the time `until`."""

    post: str
    after: str
    until: str


@dataclass(frozen=True)
class _Place:
    """The position of a read. Times are Meta's, in ISO 8601; "" for none."""

    since: str = ""
    """All comments before this time were returned."""
    began: str = ""
    """The start of the current pass over all posts."""
    newest: str = ""
    """The last time the newest posts were read."""
    after: str = ""
    """The cursor of the next page of older posts."""
    left: tuple[_Left, ...] = ()

    @property
    def open(self) -> bool:
        """Return True if there are pages left to read."""
        return bool(self.after or self.left)

    def settled(self) -> "_Place":
        """Return the position after a finished pass: all comments before its start were
        returned."""
        return self if self.open or not self.began else replace(self, since=self.began, began="")

    def written(self) -> str:
        """Return the position as a cursor."""
        left = [[one.post, one.after, one.until] for one in self.left]
        return json.dumps(
            [self.since, self.began, self.newest, self.after, left], separators=(",", ":")
        )


def _parse_cursor(cursor: str) -> _Place:
    """Return the position in a cursor, or the beginning if it is invalid."""
    try:
        since, began, newest, after, left = json.loads(cursor)
        kept = tuple(_Left(*map(str, one)) for one in left)
    except (ValueError, TypeError):
        return _Place()
    return _Place(str(since), str(began), str(newest), str(after), kept)


def list_comments(
    network: CommentNetwork, account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the next request, or the comments since `cursor`. Return None if the first answer is
    unusable."""
    start = _parse_cursor(cursor)
    place = start
    found = list[Comment]()
    me = ""
    for number, answer in enumerate(answers):
        told = success_body(answer)
        listed = answer_entries(told)
        if listed is None:
            if not number:
                return None
            if not _is_permanently_refused(answer):  # the next read continues there
                return _build_comment_page(found, place)
            place = _skip_unavailable(place).settled()
            continue
        posts = [{"id": place.left[0].post, "comments": told}] if number and place.left else listed
        me = me or next((name for post in posts if (name := network.named(post))), "")
        place = _advance_place(network, place, answer, posts, first=not number).settled()
        said = (one for post in posts for one in network.said(post, account, me))
        found += [one for one in said if _is_since(one.at, start.since, LATE)]
    if not answers or (place.open and len(answers) < MAX_REQUESTS):
        return _build_next_request(network, place, first=not answers)
    return _build_comment_page(found, place)


def _build_comment_page(found: list[Comment], place: _Place) -> CommentPage:
    once = {one.native_id: one for one in found}.values()
    known = sorted((one for one in once if one.at is not None), key=lambda one: str(one.at))
    return CommentPage(
        (*(one for one in once if one.at is None), *known), place.written(), more=place.open
    )


def _is_permanently_refused(answer: StepResult) -> bool:
    """Return True if a repeat would be refused too: the post is deleted or the cursor is no longer
    valid."""
    return isinstance(outcome_of_failure(answer, creates=False), Rejected)


def _skip_unavailable(place: _Place) -> _Place:
    """Return the position after comments that cannot be read. A pass that cannot continue
    restarts."""
    return replace(place, left=place.left[1:]) if place.left else replace(place, after="", began="")


def _build_next_request(network: CommentNetwork, place: _Place, *, first: bool) -> Send:
    """Request the newest posts, remaining comments of a post, or older posts."""
    if not first and place.left:
        return comments.comments_request(network.comments(place.left[0].post, place.left[0].after))
    return comments.comments_request(network.posts("" if first else place.after))


def _advance_place(
    network: CommentNetwork,
    place: _Place,
    answer: StepResult,
    posts: list[dict[str, Any]],
    *,
    first: bool,
) -> _Place:
    """Return the position after an answer."""
    if not first and place.left:
        return replace(
            place,
            left=(*_remaining_comments(network, posts[0], place.left[0].until), *place.left[1:]),
        )
    until = (place.newest if first else "") or place.since
    rest = (one for post in posts for one in _remaining_comments(network, post, until))
    place = replace(place, left=(*place.left, *rest)[:MAX_REMAINING])
    after = next_cursor(success_body(answer))
    if not first:
        return replace(place, after=after)
    at = response_date(answer)
    now = at.isoformat() if at is not None else ""
    under_way = bool(place.after or place.began)
    return (
        replace(place, newest=now)
        if under_way
        else replace(place, newest=now, began=now, after=after)
    )


def _remaining_comments(
    network: CommentNetwork, post: Mapping[str, Any], until: str
) -> list[_Left]:
    """Return the unread comments of a post after this page. Comments are listed newest first."""
    told = post.get("comments")
    told = told if isinstance(told, dict) else {}
    after = next_cursor(told)
    number = network.number(post)
    ages = [parse_timestamp(one.get(network.instant)) for one in answer_entries(told) or []]
    fresh = bool(ages) and all(_is_since(at, until) for at in ages)
    return [_Left(number, after, until)] if until and after and number and fresh else []


def _is_since(at: datetime | None, since: str, margin: timedelta = MARGIN) -> bool:
    told = parse_timestamp(since)
    return told is None or at is None or at >= told - margin
