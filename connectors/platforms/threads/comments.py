"""Comments on Threads: replies to the account's posts, mentions, and hiding replies.

There is no list of new replies. A read requests the newest posts, then the newest mentions, then
the conversation of each post with replies (all depths in one list, newest first), beginning after
the post at which the last read stopped. Each conversation is read page by page back to the last
known reply. The read stops at the eighth request, and the next read continues from there.

Not read: replies to posts older than the 25 newest, more than a thousand new replies to one post,
mentions beyond the 25 newest of a read, and replies from private profiles, whose author is not
returned. Source:
https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/replies-and-conversations,
https://developers.facebook.com/docs/threads/threads-mentions

A reply is an ordinary post with a parent. Only direct replies to a post can be hidden; replies to
them are hidden too. Source: https://developers.facebook.com/documentation/threads/reply-management
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import comments
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.meta.comments import entry_id, outcome_unless_present
from connectors.platforms.meta.errors import answer_entries, is_missing, is_permission_missing
from connectors.platforms.threads.errors import outcome_of_failure
from connectors.shared.http_responses import json_body, parse_timestamp, quote_segment, success_body
from foundation.i18n.translation import Message

POSTS = 25
MENTIONS = 25
REPLIES = 50
"""Number of entries per page."""

MAX_REQUESTS = 8
"""Maximum number of requests per read."""

MAX_PAGES = 20
"""Maximum number of pages of one post's replies before the next post is read."""

MARGIN = timedelta(minutes=10)
"""Time before the last known reply that is read again, because some replies appear late."""

_SAID = "id,text,timestamp,permalink,username,is_reply_owned_by_me,root_post"


@dataclass(frozen=True)
class _Place:
    """The position of a read. Times are Threads' own in ISO 8601; "" for none."""

    last: str = ""
    """The post that was last read completely."""
    post: str = ""
    """The post that is being read."""
    after: str = ""
    """Cursor of the next page of the replies to `post`."""
    pages: int = 0
    newest: str = ""
    """Time of the newest reply to `post`."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Time of the newest known reply of each post."""

    def written(self) -> str:
        """Return the cursor as text."""
        return json.dumps(
            [self.last, self.post, self.after, self.pages, self.newest, dict(self.told)]
        )


def _parse_cursor(cursor: str) -> _Place:
    """Return the position in a cursor, or the beginning if it is invalid."""
    try:
        last, post, after, pages, newest, told = json.loads(cursor or "[]")
        known = {str(name): str(at) for name, at in told.items()}
        return _Place(str(last), str(post), str(after), int(pages), str(newest), known)
    except (ValueError, TypeError, AttributeError):
        return _Place()


def next_page_cursor(told: Mapping[str, Any]) -> str:
    """Return the cursor of the next page, or "" at the end. Threads returns a cursor even if the
    next page is empty."""
    paging = told.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    usable = isinstance(after, str) and len(after) <= 500
    return str(after) if usable and answer_entries(told) else ""


def list_comments(cursor: str, answers: tuple[StepResult, ...]) -> Send | CommentPage | None:
    """Return the next request, or the comments since `cursor`. Return None if the account's posts
    cannot be read."""
    if not answers:
        return comments.comments_request(
            f"/{{account}}/threads?fields=id,has_replies,username&limit={POSTS}"
        )
    posts = answer_entries(success_body(answers[0]))
    if posts is None:
        return None
    if len(answers) == 1:
        return comments.comments_request(f"/{{account}}/mentions?fields={_SAID}&limit={MENTIONS}")
    listed = [entry_id(post) for post in posts if entry_id(post)]
    me = next((post["username"] for post in posts if isinstance(post.get("username"), str)), "")
    found = {one.native_id: one for one in _parse_comments(answers[1], "", me, listed)}
    spoken = [
        entry_id(post) for post in posts if entry_id(post) and post.get("has_replies") is not False
    ]
    place = _parse_cursor(cursor)
    place = replace(place, told={name: at for name, at in place.told.items() if name in listed})
    turns = _order_posts(place, spoken)
    for answer in answers[2:]:
        place = place if place.post else replace(place, post=turns.pop(0))
        if answer_entries(success_body(answer)) is None and not _is_permanently_refused(
            answer
        ):  # the next read continues here
            return CommentPage(_sort_comments(found), place.written())
        found |= {one.native_id: one for one in _parse_comments(answer, place.post, me, listed)}
        place = _advance_place(place, answer)
    if len(answers) < MAX_REQUESTS and (place.post or turns):
        return _build_next_request(place, place.post or turns[0])
    return CommentPage(_sort_comments(found), place.written())


def _order_posts(place: _Place, spoken: list[str]) -> list[str]:
    """Return the posts to read: those after the last one first, each once."""
    first = spoken.index(place.last) + 1 if place.last in spoken else 0
    return [post for post in (*spoken[first:], *spoken[:first]) if post != place.post]


def _build_next_request(place: _Place, post: str) -> Send:
    more = f"&after={quote_segment(place.after)}" if place.post and place.after else ""
    return comments.comments_request(
        f"/{quote_segment(post)}/conversation?fields={_SAID}&reverse=true&limit={REPLIES}{more}"
    )


def _advance_place(place: _Place, answer: StepResult) -> _Place:
    """Return the position after a page of replies."""
    told = success_body(answer)
    ages = [
        at
        for one in answer_entries(told) or []
        if (at := parse_timestamp(one.get("timestamp"))) is not None
    ]
    newest = place.newest or (max(ages).isoformat() if ages else "")
    until = parse_timestamp(place.told.get(place.post))
    after = next_page_cursor(told)
    pages = place.pages + 1
    fresh = until is None or (bool(ages) and min(ages) >= until - MARGIN)
    if after and fresh and pages < MAX_PAGES:
        return replace(place, after=after, pages=pages, newest=newest)
    known = {**place.told, **({place.post: newest} if newest else {})}
    return _Place(last=place.post, told=known)


def _is_permanently_refused(answer: StepResult) -> bool:
    """Return True if a repeat would be refused too, because the post was deleted. A missing
    permission may be granted later."""
    return isinstance(
        outcome_of_failure(answer, creates=False), Rejected
    ) and not is_permission_missing(answer)


def _sort_comments(found: Mapping[str, Comment]) -> tuple[Comment, ...]:
    known = sorted(
        (one for one in found.values() if one.at is not None), key=lambda one: str(one.at)
    )
    return (*(one for one in found.values() if one.at is None), *known)


def _parse_comments(answer: StepResult, post: str, me: str, listed: list[str]) -> Iterator[Comment]:
    """Yield the comments of other users, under `post` or anywhere. Entries without an author are
    skipped."""
    for one in answer_entries(success_body(answer)) or []:
        number, name, text, url = (
            entry_id(one),
            *(one.get(key) for key in ("username", "text", "permalink")),
        )
        own = one.get("is_reply_owned_by_me") is True or name == me
        if number and isinstance(name, str) and name and not own:
            yield Comment(
                native_id=number,
                author=name,
                handle=f"@{name}",
                text=text if isinstance(text, str) else "",
                under=post or _root_post(one, listed),
                url=url if isinstance(url, str) else "",
                at=_parse_created_at(one),
            )


def _root_post(one: Mapping[str, Any], listed: list[str]) -> str:
    """Return the account's post that started a mention's conversation, or "" if it is not among the
    listed posts."""
    root = one.get("root_post")
    number = entry_id(root) if isinstance(root, dict) else ""
    return number if number in listed else ""


def _parse_created_at(one: Mapping[str, Any]) -> datetime | None:
    return parse_timestamp(one.get("timestamp"))


MODERATION_ACTIONS = frozenset({"hide", "show"})
"""The supported actions. Threads has no API for blocking users, or for reporting or deleting other
users' comments."""

_REMARK = re.compile(r"\d{1,30}", re.ASCII)


def is_comment_id(native_id: str) -> bool:
    """Return True if this may be the ID of a comment."""
    return _REMARK.fullmatch(native_id) is not None


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Hide a reply or show it again. If Threads refuses, check that the reply still exists, since a
    deleted one counts as hidden."""
    if act not in MODERATION_ACTIONS:
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=True)
    if not answers:
        return comments.moderation_request(
            "POST", f"/{quote_segment(spot.native_id)}/manage_reply", {"hide": act == "hide"}
        )
    acted = answers[0]
    if isinstance(acted, Response) and acted.is_success:
        done = json_body(acted).get("success") is not False
        return (
            Published(spot.native_id)
            if done
            else Rejected(Message("threads.not_hidden"), permanent=False)
        )
    if is_permission_missing(acted):
        return Rejected(Message("threads.no_replies"), permanent=False)
    if not is_missing(acted):
        refused = outcome_of_failure(acted, creates=False)
        return (
            Rejected(Message("threads.not_hidden"), permanent=False)
            if isinstance(refused, Rejected)
            else refused
        )
    return outcome_unless_present(
        spot.native_id, answers[1:], answers[-1], Message("threads.not_hidden")
    )
