"""Comments of the fake YouTube: threads under videos, one level of replies, and what their channel
does with them.

Documented: lists of threads go newest first and show a limited number of replies (here the five
newest); a rejected comment is never published again; banning needs a rejection; only authors
delete, only a channel's owner moderates; a comment that its author deleted is `processingFailure`
to a moderator. Source: https://developers.google.com/youtube/v3/docs/commentThreads/list,
/comments/insert, /comments/delete, /comments/setModerationStatus. Unverified: ids (`Ug` and 24
signs, replies with a point and more); which of a thread's replies are shown with it; that comments
of a banned author are rejected at once; that a reply to a reply is `operationNotSupported`; that a
comment that waits for its moderator takes no reply (`parentCommentIsPrivate`).
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
    """What somebody said under a video, or under another comment of it. `author` is the id of their
    channel."""

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
    """Whether its author deleted it."""

    @property
    def owner(self) -> Member:
        """Whose video it stands under."""
        return self.video.owner


@dataclass
class Comments:
    """All that was said. Tests close the comments of videos."""

    clock: Callable[[], datetime]
    every: dict[str, Comment] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    """Ids of videos whose comments are closed."""
    fresh: dict[str, float] = field(default_factory=dict)
    """By ids of videos: until when, in seconds since 1970, comments do not know them yet."""
    banned: set[tuple[str, str]] = field(default_factory=set)
    """Ids of channels, and of whom they keep away."""

    def say(self, video: Video, text: str, *, by: str = "", under: str = "") -> Comment:
        """Somebody, or the channel itself without a name, says something under a video, or under a
        comment."""
        owner, number = video.owner, hashlib.sha256(f"{next(_numbers)}".encode()).hexdigest()[:22]
        author = f"UC{hashlib.sha256(by.encode()).hexdigest()[:22]}" if by else owner.channel_id
        status = REJECTED if (owner.channel_id, author) in self.banned else PUBLIC
        made = f"{under}.{number}" if under else f"Ug{number}4AaABAg"
        name = f"@{by or owner.name}"
        self.every[made] = Comment(made, video, author, name, text, self.clock(), under, status)
        return self.every[made]

    def there(self, number: str) -> Comment | None:
        """One that nobody deleted."""
        found = self.every.get(number)
        above = self.every.get(found.parent) if found is not None else None
        gone = found is None or found.deleted or (above is not None and above.deleted)
        return None if gone else found

    def insert(self, mine: Member, asked: ParsedRequest) -> Comment:
        """A reply. Raises Refusal."""
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
            raise _no(
                403, "forbidden"
            )  # replies to other people's channels are none of this house's
        return self.say(above.video, text, under=above.id)

    def begin(self, mine: Member, asked: ParsedRequest) -> Json:
        """A thread under a video of one's own. Raises Refusal."""
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
        """A comment of one's own. Raises Refusal."""
        found = self.there(number)
        if found is None:
            raise _no(404, "commentNotFound")
        if found.author != mine.channel_id:
            raise _no(403, "forbidden")
        found.deleted = found.by_author = True

    def moderate(self, mine: Member, asked: ParsedRequest) -> None:
        """Another status. Raises Refusal."""
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
        """The threads of one's own channel in one status, newest first, on one page; where it
        begins, its length, and how many there are. Raises Refusal."""
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
        """Its replies that somebody may read, newest first."""
        found = [one for one in self.every.values() if one.parent == top.id and self.there(one.id)]
        return sorted(
            (one for one in found if one.status != REJECTED), key=lambda one: one.at, reverse=True
        )

    def listed(
        self, mine: Member, asked: ParsedRequest, lag: float
    ) -> tuple[list[Json], int, int, int]:
        """Comments by their ids, or the replies under one, without those of the last `lag` seconds.
        Raises Refusal."""
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
    """A comment; its original words are for its author alone."""
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
