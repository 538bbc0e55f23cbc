"""Comments of the fake YouTube: threads on videos, one level of replies, and moderation.

Documented: lists of threads are newest first and include a limited number of replies (here the five
newest); a rejected comment can never be published again; banning requires a rejection; only authors
delete, only the channel's owner moderates; moderating a comment that its author deleted returns
`processingFailure`. Source: https://developers.google.com/youtube/v3/docs/commentThreads/list,
/comments/insert, /comments/delete, /comments/setModerationStatus. Unverified: IDs (`Ug` and 24
characters, replies with a period and more); which replies a thread includes; that comments of a
banned author are rejected immediately; `operationNotSupported` for a reply to a reply; that a
comment held for review accepts no reply (`parentCommentIsPrivate`).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes.youtube.responses import stamp
from tests.fakes.youtube.spec import Json, ParsedRequest, api_error
from tests.fakes.youtube.state import Member, Video

LONGEST, SHOWN, USUAL, MOST = 10_000, 5, 20, 100
PUBLIC, HELD, REJECTED = "published", "heldForReview", "rejected"
_numbers = count(1)


@dataclass
class Comment:
    """A comment on a video or on another comment. `author` is the ID of the author's channel."""

    id: str
    video: Video
    author: str
    name: str
    text: str
    at: datetime
    parent: str = ""
    status: str = PUBLIC
    deleted: bool = False
    by_author: bool = False
    """True if its author deleted it."""

    @property
    def owner(self) -> Member:
        """Owner of the video."""
        return self.video.owner


@dataclass
class Comments:
    """All comments. Tests close the comments of videos."""

    clock: Callable[[], datetime]
    every: dict[str, Comment] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    """IDs of videos with closed comments."""
    fresh: dict[str, float] = field(default_factory=dict)
    """Unix time until which comments do not know a new video, by video ID."""
    banned: set[tuple[str, str]] = field(default_factory=set)
    """IDs of channels and of the users they ban."""

    def say(self, video: Video, text: str, *, by: str = "", under: str = "") -> Comment:
        """Add a comment of a user, or of the channel if `by` is empty, on a video or a comment."""
        owner, number = video.owner, hashlib.sha256(f"{next(_numbers)}".encode()).hexdigest()[:22]
        author = f"UC{hashlib.sha256(by.encode()).hexdigest()[:22]}" if by else owner.channel_id
        status = REJECTED if (owner.channel_id, author) in self.banned else PUBLIC
        made = f"{under}.{number}" if under else f"Ug{number}4AaABAg"
        name = f"@{by or owner.name}"
        self.every[made] = Comment(made, video, author, name, text, self.clock(), under, status)
        return self.every[made]

    def there(self, number: str) -> Comment | None:
        """Return a comment that is not deleted, or None."""
        found = self.every.get(number)
        above = self.every.get(found.parent) if found is not None else None
        gone = found is None or found.deleted or (above is not None and above.deleted)
        return None if gone else found

    def insert(self, mine: Member, asked: ParsedRequest) -> Comment:
        """Add a reply. Raise Refusal."""
        said = asked.fields().get("snippet", {})
        parent, text = said.get("parentId", ""), said.get("textOriginal", "")
        if not parent:
            raise _no(400, "parentIdMissing")
        if not text.strip():
            raise _no(400, "commentTextRequired")
        if len(text) > LONGEST:
            raise _no(400, "commentTextTooLong")
        above = self.there(parent)
        if above is None or above.status == REJECTED:
            raise _no(404, "parentCommentNotFound")
        if above.parent:
            raise _no(400, "operationNotSupported")
        if above.status == HELD:
            raise _no(400, "parentCommentIsPrivate")
        if above.video.id in self.closed:
            raise _no(403, "commentsDisabled")
        if above.owner is not mine:
            # Our client never replies on other channels.
            raise _no(403, "forbidden")
        return self.say(above.video, text, under=above.id)

    def begin(self, mine: Member, asked: ParsedRequest) -> Json:
        """Start a thread on a video of the account. Raise Refusal."""
        said = asked.fields().get("snippet", {})
        text = said.get("topLevelComment", {}).get("snippet", {}).get("textOriginal", "")
        if not said.get("videoId"):
            raise _no(400, "channelOrVideoIdMissing")
        if not text.strip():
            raise _no(400, "commentTextRequired")
        if len(text) > LONGEST:
            raise _no(400, "commentTextTooLong")
        video = mine.videos.get(said["videoId"])
        if video is None or self.fresh.get(video.id, 0.0) > self.clock().timestamp():
            raise _no(404, "videoNotFound")
        if video.id in self.closed:
            raise _no(403, "commentsDisabled")
        return self._thread(self.say(video, text), asked.parts, mine, plain=True)

    def delete(self, mine: Member, number: str) -> None:
        """Delete a comment of the account. Raise Refusal."""
        found = self.there(number)
        if found is None:
            raise _no(404, "commentNotFound")
        if found.author != mine.channel_id:
            raise _no(403, "forbidden")
        found.deleted = found.by_author = True

    def moderate(self, mine: Member, asked: ParsedRequest) -> None:
        """Change the moderation status of comments. Raise Refusal."""
        status, bans = asked.query["moderationStatus"], asked.query.get("banAuthor") == "true"
        if bans and status != REJECTED:
            raise _no(400, "banWithoutReject")
        for number in asked.ids:
            found = self.every.get(number)
            if found is None:
                raise _no(404, "commentNotFound")
            if found.by_author:
                raise _no(400, "processingFailure")
            if found.owner is not mine or (found.status == REJECTED and status != REJECTED):
                raise _no(403, "forbidden")
            found.status = status
            if bans:
                self.banned.add((mine.channel_id, found.author))

    def threads(self, mine: Member, asked: ParsedRequest) -> tuple[list[Json], int, int, int]:
        """Return a page of the channel's threads with a moderation status, newest first, with its
        start, its size and the total number. Raise Refusal."""
        status = asked.query.get("moderationStatus", PUBLIC)
        of = asked.query.get("videoId", "")
        if not of and asked.query.get("allThreadsRelatedToChannelId") != mine.channel_id:
            raise _no(403, "forbidden")
        tops = [
            one
            for one in self.every.values()
            if not one.parent and one.owner is mine and self.there(one.id)
        ]
        tops = [one for one in tops if of in ("", one.video.id)]
        found = [
            one
            for one in tops
            if one.status == status or any(each.status == status for each in self.below(one))
        ]
        shown = [one for one in found if one.status != REJECTED]
        shown.sort(key=lambda one: one.at, reverse=True)
        begin, many = _page(asked)
        plain = asked.query.get("textFormat") == "plainText"
        told = [
            self._thread(one, asked.parts, mine, plain=plain) for one in shown[begin : begin + many]
        ]
        return told, begin, many, len(shown)

    def below(self, top: Comment) -> list[Comment]:
        """Return the visible replies of a thread, newest first."""
        found = [one for one in self.every.values() if one.parent == top.id and self.there(one.id)]
        return sorted(
            (one for one in found if one.status != REJECTED), key=lambda one: one.at, reverse=True
        )

    def listed(
        self, mine: Member, asked: ParsedRequest, lag: float
    ) -> tuple[list[Json], int, int, int]:
        """Return comments by ID, or the replies to one, without those of the last `lag` seconds.
        Raise Refusal."""
        parent = asked.query.get("parentId", "")
        if bool(asked.ids) == bool(parent):
            raise api_error(
                400,
                "missingRequiredParameter",
                "No filter selected.",
                "youtube.parameter",
                at="parameter ",
            )
        if parent and self.there(parent) is None:
            raise _no(404, "commentNotFound")
        rows = (
            self.below(self.every[parent])
            if parent
            else [one for one in map(self.there, asked.ids) if one]
        )
        rows = [one for one in rows if (self.clock() - one.at).total_seconds() >= lag]
        begin, many = _page(asked)
        plain = asked.query.get("textFormat") == "plainText"
        told = [
            comment_told(one, asked.parts, mine, plain=plain, status=not asked.ids) for one in rows
        ]
        return told[begin : begin + many], begin, many, len(rows)

    def _thread(self, top: Comment, parts: tuple[str, ...], mine: Member, *, plain: bool) -> Json:
        below = self.below(top)
        first = comment_told(top, ("snippet",), mine, plain=plain)
        snippet = {
            "channelId": top.owner.channel_id,
            "videoId": top.video.id,
            "topLevelComment": first,
        }
        snippet |= {
            "canReply": top.video.id not in self.closed,
            "totalReplyCount": len(below),
            "isPublic": True,
        }
        shown = [comment_told(one, ("snippet",), mine, plain=plain) for one in below[:SHOWN]]
        every: Json = {"snippet": snippet} | ({"replies": {"comments": shown}} if shown else {})
        told = {part: every[part] for part in parts if part in every}
        return {"kind": "youtube#commentThread", "etag": top.id[-8:], "id": top.id, **told}


def comment_told(
    one: Comment, parts: tuple[str, ...], mine: Member, *, plain: bool = True, status: bool = True
) -> Json:
    """Return a comment as the API does. Its original text is for its author only."""
    text = one.text if plain else one.text.replace("&", "&amp;").replace("<", "&lt;")
    snippet: dict[str, Any] = {
        "channelId": one.owner.channel_id,
        "videoId": one.video.id,
        "textDisplay": text,
        "authorDisplayName": one.name,
        "authorProfileImageUrl": f"https://yt3.ggpht.com/{one.author}",
        "authorChannelUrl": f"http://www.youtube.com/{one.name}",
        "authorChannelId": {"value": one.author},
        "canRate": True,
        "viewerRating": "none",
        "likeCount": 0,
        "publishedAt": stamp(one.at),
        "updatedAt": stamp(one.at),
    }
    snippet |= {"textOriginal": one.text} if one.author == mine.channel_id else {}
    snippet |= {"parentId": one.parent} if one.parent else {}
    snippet |= {"moderationStatus": one.status} if status and one.owner is mine else {}
    told: Mapping[str, Json] = {"snippet": snippet} if "snippet" in parts else {}
    return {"kind": "youtube#comment", "etag": one.id[-8:], "id": one.id, **told}


def _page(asked: ParsedRequest) -> tuple[int, int]:
    page = asked.query.get("pageToken", "")
    begin = page.removeprefix("CT:") if page else "0"
    if (page and not page.startswith("CT:")) or not begin.isdecimal():
        raise api_error(
            400,
            "invalidPageToken",
            "The request specifies an invalid page token.",
            "youtube.parameter",
        )
    return int(begin), int(asked.query.get("maxResults", str(USUAL)))


def _no(status: int, reason: str) -> Exception:
    return api_error(status, reason, f"The request was refused: {reason}.", "youtube.comment")
