"""Comments of the fake Reddit: replies, inboxes, blocks and reports.

Based on the code that Reddit published in 2017 (github.com/reddit-archive/reddit,
r2/r2/controllers/api.py: `POST_comment`, `POST_block`, `POST_report`) and praw's representation of
inboxes. Blocks and reports return no result.

Unverified: 403 without a reason for a locked post, that blocked users disappear from the inbox,
that an inbox entry has no `link_id`, and that a deletion removes the entry from inboxes. Private
messages are in `chats.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.reddit.models import Member, Post, base36
from tests.fakes.reddit.responses import DELETED, SITE, listing, permalink, told_post
from tests.fakes.reddit.spec import Json, ParsedRequest, PostErrors, forbidden, not_found, number
from tests.fakes.reddit.state import MOST_ROWS, RedditState, limited

LONGEST = 10_000
NAMED = re.compile(r"(?<![\w/])/?u/([\w-]{3,20})", re.ASCII)


@dataclass
class Comment:
    """A comment. `parent` is the fullname of its parent."""

    number: int
    author: Member
    post: Post
    parent: str
    body: str
    at: datetime
    deleted: bool = False
    reported: list[str] = field(default_factory=list)
    score: int = 1

    @property
    def id(self) -> str:
        """ID in base 36."""
        return base36(self.number)

    @property
    def name(self) -> str:
        """Fullname."""
        return f"t1_{self.id}"

    @property
    def created(self) -> float:
        """Creation time in whole Unix seconds."""
        return float(int(self.at.timestamp()))


@dataclass
class RedditComments(RedditState):
    """Comments of all posts."""

    comments: dict[str, Comment] = field(default_factory=dict)
    """Comments by fullname, oldest first."""
    inboxes: dict[str, list[tuple[str, Comment]]] = field(default_factory=dict)
    """Reason and comment of each inbox entry by account name, oldest first."""
    kept_away: dict[str, set[str]] = field(default_factory=dict)
    """Names of blocked users by account name."""
    locked: set[str] = field(default_factory=set)
    """Fullnames of posts that accept no more comments."""
    archived: set[str] = field(default_factory=set)
    """Fullnames of posts that are too old for comments."""
    commenting_every: float = 0.0
    """Minimum interval between two comments of an account in seconds."""

    def say(self, who: Member, text: str, under: str) -> Comment:
        """Add a comment to a post or a comment and notify its author and mentioned users. Raise
        Refusal or PostErrors."""
        if not text.strip():
            raise PostErrors("NO_TEXT", "we need something here", "text")
        if len(text) > LONGEST:
            raise PostErrors("TOO_LONG", f"this is too long (max: {LONGEST})", "text")
        above = self.comments.get(under)
        post = above.post if above is not None else self.post(under)
        if above is not None and above.deleted:
            raise PostErrors("DELETED_COMMENT", "that comment has been deleted", "parent")
        if post is None or (above is None and post.deleted):
            raise PostErrors(
                "DELETED_LINK", "the link you are commenting on has been deleted", "parent"
            )
        if post.name in self.locked or who.is_banned(post.place):
            raise forbidden()
        if post.name in self.archived:
            raise PostErrors(
                "TOO_OLD", "that's a piece of history now; it's too late to reply to it", "parent"
            )
        owner = above.author if above is not None else self.members[post.author]
        if who.name in self.kept_away.get(owner.name, ()):
            raise PostErrors(
                "USER_BLOCKED", "you can't reply to somebody who has blocked you", "parent"
            )
        self._rested(who)
        made = Comment(self._next(), who, post, under, text, self.clock())
        self.comments[made.name] = made
        who.taken.append((made.name, text))
        self._tell(made, owner, "comment_reply" if above is not None else "post_reply")
        return made

    def _rested(self, who: Member) -> None:
        own = [one.at for one in self.comments.values() if one.author is who]
        left = self.commenting_every - (self.clock() - own[-1]).total_seconds() if own else 0.0
        if left > 0:
            raise limited(left)

    def _tell(self, made: Comment, owner: Member, why: str) -> None:
        told = {owner.name: why} if owner is not made.author else {}
        for name in NAMED.findall(made.body):
            named = self.who(name)
            if named is not None and named is not made.author:
                told.setdefault(named.name, "username_mention")
        for name, reason in told.items():
            if made.author.name not in self.kept_away.get(name, ()):
                self.inboxes.setdefault(name, []).append((reason, made))

    def commented(self, mine: Member, asked: ParsedRequest) -> Json:
        """Return `json.data` of a new comment. Raise Refusal or PostErrors."""
        made = self.say(mine, asked.said("text"), asked.said("thing_id"))
        return {"things": [_told(made)]}

    def of(self, name: str, query: Mapping[str, str], lag: float) -> Json:
        """Return a page of an account's comments, newest first, without those of the last `lag`
        seconds.

        Raise Refusal.
        """
        whose, until = self.who(name), self.clock() - timedelta(seconds=max(lag, self.lag))
        if whose is None:
            raise not_found()
        own = [
            one
            for one in self.comments.values()
            if one.author is whose and not one.deleted and one.at <= until
        ]
        return page(
            [_told(one) for one in reversed(own) if not (self.hides_nsfw and one.post.nsfw)], query
        )

    def info(self, query: Mapping[str, str]) -> Json:
        """Return posts and comments by fullname. Deleted ones have no author and body."""
        named = [
            self.comments[name] for name in query.get("id", "").split(",") if name in self.comments
        ]
        posts = super().info(query)["data"]["children"]
        return listing(
            [*posts, *(_told(one) for one in named if not (self.hides_nsfw and one.post.nsfw))]
        )

    def delete(self, mine: Member, name: str) -> None:
        """Delete a post or a comment of the account. Any other ID is ignored."""
        found = self.comments.get(name)
        if found is not None and found.author is mine:
            found.deleted = True
        super().delete(mine, name)

    def block(self, mine: Member, name: str) -> Json:
        """Block the author of an inbox entry. A missing entry is ignored."""
        found = next((one for _, one in self.inboxes.get(mine.name, []) if one.name == name), None)
        if found is not None:
            self.kept_away.setdefault(mine.name, set()).add(found.author.name)
        return {}

    def report(self, asked: ParsedRequest) -> Json:
        """Report a comment to the moderators. A missing comment is ignored."""
        found, reason = (
            self.comments.get(asked.said("thing_id", asked.said("id"))),
            asked.said("reason"),
        )
        if len(reason) > 100:
            return {"json": {"errors": [["TOO_LONG", "this is too long (max: 100)", "reason"]]}}
        if found is not None and not found.deleted:
            found.reported.append(reason)
        return {"json": {"errors": []}}


def page(rows: list[Json], query: Mapping[str, str]) -> Json:
    """Return the requested page of a list, after the named entry."""
    names, after = [one["data"]["name"] for one in rows], query.get("after", "")
    begin = names.index(after) + 1 if after in names else len(rows) if after else 0
    end = begin + number(query.get("limit", ""), 25, MOST_ROWS)
    return listing(rows[begin:end], names[end - 1] if end < len(rows) else None)


def _told(one: Comment) -> Json:
    """Return a comment as the API does (kind t1)."""
    place = one.post.place
    told: Json = {
        "id": one.id,
        "name": one.name,
        "author": DELETED if one.deleted else one.author.name,
    }
    told |= {
        "body": DELETED if one.deleted else one.body,
        "parent_id": one.parent,
        "link_id": one.post.name,
    }
    told |= {
        "subreddit": place.name,
        "subreddit_name_prefixed": place.prefixed,
        "subreddit_id": place.fullname,
    }
    told |= {
        "created_utc": one.created,
        "created": one.created,
        "score": one.score,
        "ups": one.score,
        "downs": 0,
    }
    told |= {
        "permalink": f"{permalink(one.post)}{one.id}/",
        "over_18": one.post.nsfw,
        "edited": False,
        "replies": "",
    }
    told |= {
        "is_submitter": one.author.name == one.post.author,
        "link_permalink": SITE + permalink(one.post),
    }
    told |= {} if one.deleted else {"author_fullname": f"t2_{one.author.id}"}
    return {"kind": "t1", "data": told | {"link_title": told_post(one.post)["data"]["title"]}}


SUBJECTS = {
    "post_reply": "post reply",
    "comment_reply": "comment reply",
    "username_mention": "username mention",
}


def entry(why: str, one: Comment, mine: Member) -> Json:
    """Return a comment as an inbox entry, with its context and without its post."""
    told = _told(one)["data"]
    context = f"{told['permalink']}?context=3"
    kept = (
        "id",
        "name",
        "author",
        "author_fullname",
        "body",
        "parent_id",
        "subreddit",
        "subreddit_name_prefixed",
    )
    made: Json = {
        name: told[name]
        for name in (*kept, "created_utc", "created", "score", "link_title", "replies")
    }
    made |= {
        "context": context,
        "type": why,
        "subject": SUBJECTS[why],
        "was_comment": True,
        "new": True,
    }
    made |= {
        "dest": mine.name,
        "first_message": None,
        "first_message_name": None,
        "distinguished": None,
    }
    return {"kind": "t1", "data": made}
