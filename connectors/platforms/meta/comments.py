"""Reading what people say under an account's posts on one of Meta's networks, a few requests at a
time. Pure.

A reading asks for the newest posts, each with its newest comments; then for what was left: more
comments of a post that had more new ones than a page, and older posts, page by page. At the fifth
request it stops, and the next reading goes on there. When all posts were passed, the next ones tell
only what was said after that began.

Not heard: of a first reading, all but the comments of each post that come on its first page.
Source, of fields within fields:
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
"""How long to wait before a look at something that may be gone is repeated."""


def comment_turn(
    path: str,
    words: str,
    answers: tuple[StepResult, ...],
    *,
    number: Callable[[StepResult], str],
    refused: Callable[..., Outcome],
) -> Send | Outcome:
    """The request that puts words under a comment on a network of Meta's, or what its answer meant:
    `number` is the id an answer gave."""
    if not answers:
        return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, {"message": words}))
    last = answers[-1]
    if native_id := number(last):
        return Published(f"{OWN_COMMENT_PREFIX}{native_id}")
    if isinstance(last, Response) and last.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return refused(last, creates=True)


def entry_id(one: Mapping[str, Any]) -> str:
    """The id of an entry; "" for none."""
    number = one.get("id")
    return number if isinstance(number, str) and number.isascii() and number.isdigit() else ""


def comment_author(one: Mapping[str, Any]) -> str:
    """The name of who wrote a comment; "" where it is not told."""
    sender = one.get("from")
    names = (one.get("username"), sender.get("username") if isinstance(sender, dict) else None)
    return next((name for name in names if isinstance(name, str) and name), "")


def outcome_unless_present(
    native_id: str, asked: tuple[StepResult, ...], last: StepResult, there: Message
) -> Send | Outcome:
    """ "It does not exist" is told as well of what this token may not touch: what can be read is
    `there`."""
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
"""Of one reading."""

MAX_REMAINING = 50
"""Places in the comments of posts where a reading goes on later; further ones are given up."""

MARGIN = timedelta(minutes=10)
LATE = timedelta(days=1)
"""A post's comments are followed back so much further than what was told; and those that are read
all the same are told again when they are no older: some appear late, as those that somebody let
through."""


@dataclass(frozen=True)
class CommentNetwork:
    """How one of them is asked, and how its entries are read. Comments come newest first, in a
    post's `comments`."""

    posts: Callable[[str], str]
    """The path of the newest posts, or of those after a cursor."""
    comments: Callable[[str, str], str]
    """The path of what stands under a post, after a cursor."""
    number: Callable[[Mapping[str, Any]], str]
    """The id of a post; "" for none."""
    said: Callable[[Mapping[str, Any], str, str], Iterator[Comment]]
    """What others said under a post, by the account's number and its name."""
    named: Callable[[Mapping[str, Any]], str]
    """The account's name, where a post tells it."""
    instant: str
    """Where an entry tells when it was said."""


@dataclass(frozen=True)
class _Left:
    """Comments of a post from `after` on, back to `until`."""

    post: str
    after: str
    until: str


@dataclass(frozen=True)
class _Place:
    """Where a reading stands. Instants are theirs, in ISO 8601; "" for none."""

    since: str = ""
    """All that was said before was told."""
    began: str = ""
    """When the walk through all posts began that is under way."""
    newest: str = ""
    """When the newest posts were read last."""
    after: str = ""
    """Where older posts go on."""
    left: tuple[_Left, ...] = ()

    @property
    def open(self) -> bool:
        """Whether something is left to ask for."""
        return bool(self.after or self.left)

    def settled(self) -> "_Place":
        """With nothing left, all that was said before this walk began was told."""
        return self if self.open or not self.began else replace(self, since=self.began, began="")

    def written(self) -> str:
        """As a cursor."""
        left = [[one.post, one.after, one.until] for one in self.left]
        return json.dumps(
            [self.since, self.began, self.newest, self.after, left], separators=(",", ":")
        )


def _parse_cursor(cursor: str) -> _Place:
    """Out of a cursor; the beginning for one that nobody can read."""
    try:
        since, began, newest, after, left = json.loads(cursor)
        kept = tuple(_Left(*map(str, one)) for one in left)
    except (ValueError, TypeError):
        return _Place()
    return _Place(str(since), str(began), str(newest), str(after), kept)


def list_comments(
    network: CommentNetwork, account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """The next request, what was said since `cursor`, or None where the first answer is none."""
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
            if not _is_permanently_refused(answer):  # it goes on there next time
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
    """Whether the same will be refused again: a post is gone, or a place in a list is no more."""
    return isinstance(outcome_of_failure(answer, creates=False), Rejected)


def _skip_unavailable(place: _Place) -> _Place:
    """Past what cannot be asked for: comments of one post, or the walk, which begins anew and tells
    it all again."""
    return replace(place, left=place.left[1:]) if place.left else replace(place, after="", began="")


def _build_next_request(network: CommentNetwork, place: _Place, *, first: bool) -> Send:
    """The newest posts, what is left under one, or older posts."""
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
    """Where a reading stands after an answer."""
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
    """What stands under a post past this page and was not told: comments come newest first."""
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
