"""Comments of the fake Instagram: under posts, with one level of replies.

Documented: comments are newest first, at most 50 a page, without replies unless they are requested;
a reply to a reply is attached to the top-level comment; a hidden comment accepts no replies; the
owner of the post may delete comments.
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments,
/ig-comment, /ig-comment/replies. Unverified: replies are oldest first; a hidden comment is still
returned, with `hidden`; deleted and hidden objects return 100/33, a missing permission (#10). Field
names are those of Meta's description.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes.meta.fetched_media import GraphApiError

RIGHT = "instagram_business_manage_comments"
MOST = 50
LONGEST = 2200
MEDIA_FIELDS = frozenset(
    {"id", "username", "permalink", "timestamp", "caption", "comments_count", "comments"}
)
COMMENT_FIELDS = frozenset(
    {"id", "text", "timestamp", "username", "from", "hidden", "parent_id", "replies"}
)
_numbers = count(17_800_000_000_001)
Fields = dict[str, tuple[int, Any]]
"""The requested fields, each with its limit and its subfields."""


@dataclass
class Comment:
    """A comment on a post or on another comment."""

    id: str
    media: str
    author: str
    username: str
    text: str
    at: datetime
    parent: str = ""
    own: bool = False
    hidden: bool = False
    deleted: bool = False


def fields_of(text: str) -> Fields:
    """Parse a list of fields such as `a,b.limit(5){c}`. Raise GraphApiError."""
    found: Fields = {}
    place = 0
    while place < len(text):
        match = re.compile(r"(\w+)((?:\.\w+\([\w=-]*\))*)(\{)?").match(text, place)
        if match is None:
            raise GraphApiError(2500, message=f"Syntax error at character {place}")
        place = match.end()
        inner: Fields = {}
        if match[3]:
            end = _closing(text, place)
            inner, place = fields_of(text[place:end]), end + 1
        limit = re.search(r"\.limit\((\d+)\)", match[2])
        found[match[1]] = (min(int(limit[1]), MOST) if limit else 25, inner)
        place += text[place : place + 1] == ","
    return found


def _closing(text: str, place: int) -> int:
    depth = 1
    for at in range(place, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    raise GraphApiError(2500, message="Syntax error: Expected end of string")


class Comments:
    """All comments on the posts of an account."""

    def __init__(self, owner: str, username: str) -> None:
        self._owner, self._username = owner, username
        self.every: dict[str, Comment] = {}

    def say(self, media: str, text: str, at: datetime, *, by: str = "", under: str = "") -> Comment:
        """Add a comment of a user, or of the account if `by` is empty, on a post or a comment."""
        number = str(next(_numbers))
        author = f"9{sum(by.encode()):012d}" if by else self._owner
        made = Comment(number, media, author, by or self._username, text, at, under, own=not by)
        self.every[number] = made
        return made

    def answer(self, comment_id: str, text: object, at: datetime) -> dict[str, str]:
        """Reply as the account. A reply to a reply is attached to the top-level comment. Raise
        GraphApiError."""
        above = self.standing(comment_id)
        top = self.standing(above.parent) if above.parent else above
        if top.hidden or above.hidden:
            raise GraphApiError(100, 33, message="Unsupported post request. Object does not exist")
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
            raise GraphApiError(100, message="(#100) The parameter message is required")
        return {"id": self.say(top.media, text, at, under=top.id).id}

    def standing(self, comment_id: str) -> Comment:
        """Return an existing comment. Raise GraphApiError."""
        found = self.every.get(comment_id)
        if found is None or found.deleted or (found.parent and self.every[found.parent].deleted):
            raise GraphApiError(
                100,
                33,
                message=f"Unsupported request. Object with ID '{comment_id}' does not exist",
            )
        return found

    def update(self, comment_id: str, told: Mapping[str, Any]) -> dict[str, bool]:
        """Hide or show a comment. Raise GraphApiError."""
        found = self.standing(comment_id)
        if not isinstance(told.get("hide"), bool) and told.get("hide") not in ("true", "false"):
            raise GraphApiError(100, message="(#100) The parameter hide is required")
        # The account's comments are always visible.
        found.hidden = told["hide"] in (True, "true") and not found.own
        return {"success": True}

    def delete(self, comment_id: str) -> dict[str, bool]:
        """Delete a comment with its replies. Raise GraphApiError."""
        self.standing(comment_id).deleted = True
        return {"success": True}

    def under(self, media: str, parent: str = "") -> list[Comment]:
        """Return the comments on a post, newest first, or the replies to a comment, oldest first."""
        found = [
            one
            for one in self.every.values()
            if (one.media, one.parent) == (media, parent) and not one.deleted
        ]
        return sorted(found, key=lambda one: (one.at, one.id), reverse=not parent)

    def page(
        self, rows: list[Comment], fields: Fields, most: int, after: str = ""
    ) -> dict[str, Any]:
        """Return a page of comments. Raise GraphApiError."""
        _check(fields, COMMENT_FIELDS)
        begin = int(after.removeprefix("QVF")) if after.removeprefix("QVF").isdigit() else 0
        if after and not any(one.id == after.removeprefix("QVF") for one in rows) and begin:
            raise GraphApiError(100, message="(#100) Invalid cursor")
        start = next((place + 1 for place, one in enumerate(rows) if f"QVF{one.id}" == after), 0)
        shown = rows[start : start + most]
        cursors = {"before": f"QVF{shown[0].id}", "after": f"QVF{shown[-1].id}"} if shown else {}
        more = (
            {"next": "https://graph.instagram.com/?access_token=IGAA"}
            if start + most < len(rows)
            else {}
        )
        return {
            "data": [self.told(one, fields) for one in shown],
            "paging": {"cursors": cursors, **more},
        }

    def told(self, one: Comment, fields: Fields) -> dict[str, Any]:
        """Return the requested fields of a comment."""
        own = {"self_ig_scoped_id": f"8{self._owner}"} if one.own else {}
        every: dict[str, Any] = {
            "id": one.id,
            "text": one.text,
            "timestamp": one.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "username": one.username,
            "from": {"id": one.author, "username": one.username, **own},
            "hidden": one.hidden,
        }
        every |= {"parent_id": one.parent} if one.parent else {}
        shown = {name: every[name] for name in fields if name in every} | {"id": one.id}
        if "replies" in fields and not one.parent and (below := self.under(one.media, one.id)):
            most, inner = fields["replies"]
            shown["replies"] = self.page(below, inner, most)
        return shown


def listed(
    posts: list[dict[str, Any]], comments: Comments, told: Mapping[str, Any], username: str
) -> dict[str, Any]:
    """Return a page of an account's posts with their comments. Raise GraphApiError."""
    fields = fields_of(str(told.get("fields", "")))
    _check(fields, MEDIA_FIELDS)
    most, after = int(str(told.get("limit", 25))), str(told.get("after", ""))
    start = int(after) if after.isdigit() else 0
    shown = []
    for post in posts[::-1][start : start + most]:
        one = {name: post[name] for name in fields if name in post} | {"id": post["id"]}
        one |= {"username": username} if "username" in fields else {}
        if "comments" in fields and (rows := comments.under(post["id"])):
            many, inner = fields["comments"]
            one["comments"] = comments.page(rows, inner, many)
        shown.append(one)
    end = str(start + len(shown))
    more = (
        {"next": "https://graph.instagram.com/?access_token=IGAA"} if int(end) < len(posts) else {}
    )
    return {"data": shown, "paging": {"cursors": {"before": str(start), "after": end}, **more}}


def _check(fields: Fields, known: frozenset[str]) -> None:
    if unknown := fields.keys() - known:
        raise GraphApiError(
            100, message=f"(#100) Tried accessing nonexisting field ({min(unknown)})"
        )
