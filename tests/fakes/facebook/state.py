"""State of the fake Facebook: Pages with their posts, media and comments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.fakes.instagram.comments import Fields, fields_of
from tests.fakes.meta import chats
from tests.fakes.meta.fetched_media import GraphApiError

SCOPES = frozenset(
    {"pages_show_list", "pages_manage_posts", "pages_read_engagement", "pages_manage_engagement"}
    | {"pages_read_user_content", "pages_manage_metadata", "pages_messaging"}
)
"""https://developers.facebook.com/docs/pages-api/overview"""

POST_FIELDS = frozenset(
    {
        "id",
        "message",
        "created_time",
        "permalink_url",
        "attachments",
        "comments",
        "reactions",
        "shares",
        "from",
    }
    | {"is_published", "is_hidden", "status_type"}
)
COMMENT_FIELDS = frozenset(
    {
        "id",
        "message",
        "created_time",
        "from",
        "parent",
        "is_hidden",
        "permalink_url",
        "comment_count",
        "can_hide",
    }
)
TWICE = timedelta(hours=1)
"""Period in which the same text twice in a row is a duplicate. The real one is not documented."""

MOST_COMMENT = 8000
_ids = count(122_000_000_000_001)


def number() -> str:
    """Return the next ID."""
    return str(next(_ids))


def gone(what: str) -> GraphApiError:
    """Return the error for an object that does not exist or that the token cannot access."""
    message = (
        f"Unsupported request. Object with ID '{what}' does not exist, cannot be loaded due to "
        "missing permissions"
    )
    return GraphApiError(100, 33, message=message)


def format_time(at: datetime) -> str:
    """Format an instant as the API does."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def check(fields: Fields, known: frozenset[str]) -> Fields:
    """Raise GraphApiError for an unknown field."""
    if unknown := fields.keys() - known:
        raise GraphApiError(
            100, message=f"(#100) Tried accessing nonexisting field ({min(unknown)})"
        )
    return fields


@dataclass
class Photo:
    """An uploaded picture, which is not visible until a post uses it."""

    id: str
    file: bytes
    alt: str
    used: bool = False


@dataclass
class Post:
    """A post of the Page. A video is processed until `ready` and not listed before."""

    id: str
    message: str
    at: datetime
    photos: tuple[Photo, ...] = ()
    film: bytes = b""
    video: str = ""
    ready: datetime | None = None
    failed: int = 0
    deleted: bool = False


@dataclass
class Comment:
    """A comment of a user or the Page on a post or on another comment."""

    id: str
    post: str
    author: str
    name: str
    text: str
    at: datetime
    parent: str = ""
    own: bool = False
    hidden: bool = False
    liked: bool = False
    deleted: bool = False


@dataclass
class Page:
    """A Page with its token, permissions and content."""

    id: str
    name: str
    token: str
    clock: Callable[[], datetime]
    rights: frozenset[str] = SCOPES
    expires_at: int = 0
    reads_until: int = 0
    """Expiry of access to the user's data, or 0 if the API does not report it."""
    followers: int = 0
    photos: dict[str, Photo] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    comments: dict[str, Comment] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    fetched: list[str] = field(default_factory=list)
    """Fetched URLs, in order."""

    def __post_init__(self) -> None:
        self.chats = chats.Chats(self.id, self.name, chats.MESSENGER)

    def may(self, right: str) -> None:
        """Raise GraphApiError if the token lacks a permission."""
        if right not in self.rights:
            raise GraphApiError(
                200, status=403, message=f"(#200) Requires {right} permission to manage the object"
            )

    def standing(self, post_id: str) -> Post:
        """Return a visible post. Raise GraphApiError."""
        found = self.posts.get(post_id)
        if found is None or found.deleted or not self.is_shown(found):
            raise gone(post_id)
        return found

    def is_shown(self, post: Post) -> bool:
        """Return True if the post's processing is complete."""
        return not post.failed and (post.ready is None or post.ready <= self.clock())

    def post(self, message: str, photos: tuple[Photo, ...]) -> Post:
        """Publish text and pictures. Raise GraphApiError."""
        last = max(self.posts.values(), key=lambda one: (one.at, one.id), default=None)
        twice = (
            last is not None and not last.deleted and last.message == message.strip() and not photos
        )
        if twice and last is not None and self.clock() - last.at < TWICE:
            raise GraphApiError(506, 1455006, message="(#506) Duplicate status message")
        for photo in photos:
            photo.used = True
        return self.keep(Post(f"{self.id}_{number()}", message.strip(), self.clock(), photos))

    def keep(self, post: Post) -> Post:
        """Store a post."""
        self.posts[post.id] = post
        return post

    def say(self, post: str, text: str, *, by: str = "", under: str = "") -> Comment:
        """Add a comment of a user, or of the Page if `by` is empty."""
        number_ = f"{post.partition('_')[2]}_{number()}"
        author = f"24{sum(by.encode()):012d}" if by else self.id
        made = Comment(
            number_, post, author, by or self.name, text, self.clock(), under, own=not by
        )
        self.comments[made.id] = made
        return made

    def spoken(self, comment_id: str) -> Comment:
        """Return an existing comment. Raise GraphApiError."""
        found = self.comments.get(comment_id)
        if found is None or self._away(found):
            raise gone(comment_id)
        return found

    def _away(self, one: Comment) -> bool:
        above = self.comments.get(one.parent)
        return one.deleted or self.posts[one.post].deleted or (above is not None and above.deleted)

    def answer(self, comment_id: str, text: object) -> Comment:
        """Reply to a comment as the Page. A reply to a reply is attached to the top-level comment.
        Raise GraphApiError."""
        self.may("pages_manage_engagement")
        above = self.spoken(comment_id)
        if not isinstance(text, str) or not text.strip() or len(text) > MOST_COMMENT:
            raise GraphApiError(
                100, message="(#100) Param message must be non-empty, and not too long"
            )
        return self.say(above.post, text.strip(), under=above.parent or above.id)

    def comment(self, post_id: str, text: object) -> Comment:
        """Comment on a post as the Page. The same text twice in a row is rejected. Raise
        GraphApiError."""
        self.may("pages_manage_engagement")
        post = self.standing(post_id)
        if not isinstance(text, str) or not text.strip() or len(text) > MOST_COMMENT:
            raise GraphApiError(
                100, message="(#100) Param message must be non-empty, and not too long"
            )
        if any(
            one.own and not one.parent and one.text == text.strip() for one in self.below(post.id)
        ):
            raise GraphApiError(506, message="(#506) Duplicate status message")
        return self.say(post.id, text.strip())

    def hide(self, comment_id: str, wanted: object) -> dict[str, bool]:
        """Hide or show a comment. Raise GraphApiError."""
        self.may("pages_manage_engagement")
        found = self.spoken(comment_id)
        if not isinstance(wanted, bool):
            raise GraphApiError(100, message="(#100) Param is_hidden must be a boolean")
        if found.own:
            raise GraphApiError(200, status=403, message="(#200) You cannot hide your own comment")
        found.hidden = wanted
        return {"success": True}

    def like(self, comment_id: str, *, liked: bool) -> dict[str, bool]:
        """Like or unlike a comment. Repeating it has no effect. Raise GraphApiError."""
        self.may("pages_manage_engagement")
        self.spoken(comment_id).liked = liked
        return {"success": True}

    def block(self, wanted: object) -> dict[str, bool]:
        """Block users from the Page. Raise GraphApiError."""
        self.may("pages_manage_engagement")
        if (
            not isinstance(wanted, list)
            or not wanted
            or not all(isinstance(one, int) for one in wanted)
        ):
            raise GraphApiError(100, message="(#100) Param psid must be an array of numbers")
        self.blocked |= {str(one) for one in wanted}
        return {str(one): True for one in wanted}

    def reword(self, post_id: str, words: object) -> dict[str, bool]:
        """Change the text of a post. Its pictures remain. Raise GraphApiError."""
        self.may("pages_manage_posts")
        found = self.standing(post_id)
        if not isinstance(words, str) or not (words.strip() or found.photos):
            raise GraphApiError(100, message="(#100) Param message must be non-empty")
        found.message = words.strip()
        return {"success": True}

    def delete(self, what: str) -> dict[str, bool]:
        """Delete a post or a comment. Raise GraphApiError."""
        if what in self.comments:
            self.may("pages_manage_engagement")
            self.spoken(what).deleted = True
        else:
            self.may("pages_manage_posts")
            self.standing(what).deleted = True
        return {"success": True}

    # Representation

    def listed(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of posts, newest first. Raise GraphApiError."""
        self.may("pages_read_engagement")
        fields = check(fields_of(str(told.get("fields", "id"))), POST_FIELDS)
        rows = [one for one in self.posts.values() if not one.deleted and self.is_shown(one)]
        rows.sort(key=lambda one: (one.ready or one.at, one.id), reverse=True)
        return paged(rows, lambda one: self.told(one, fields), told)

    def told(self, post: Post, fields: Fields) -> dict[str, Any]:
        """Return the requested fields of a post. Raise GraphApiError."""
        check(fields, POST_FIELDS)
        link = f"https://www.facebook.com/{self.id}/posts/{post.id.partition('_')[2]}"
        every: dict[str, Any] = {"message": post.message} if post.message else {}
        every |= {
            "created_time": format_time(post.ready or post.at),
            "permalink_url": link,
            "is_published": True,
        }
        every |= {"reactions": {"data": [], "summary": {"total_count": 3}}}
        shown = {name: every[name] for name in fields if name in every} | {"id": post.id}
        if "attachments" in fields and (post.photos or post.film):
            shown["attachments"] = {"data": [_attached(post)]}
        if "comments" in fields:
            self.may("pages_read_engagement")
            most, inner = fields["comments"]
            below = self.below(post.id)
            total = {"summary": {"total_count": len(below)}}
            listed = (
                paged(below, lambda one: self.said(one, inner), {"limit": most})
                if most
                else {"data": []}
            )
            shown["comments"] = listed | total
        return shown

    def below(self, post: str, parent: str = "") -> list[Comment]:
        """Return the comments on a post, or on a comment, newest first."""
        found = [one for one in self.comments.values() if one.post == post and not self._away(one)]
        found = [
            one for one in found if one.author not in self.blocked and parent in ("", one.parent)
        ]
        return sorted(found, key=lambda one: (one.at, one.id), reverse=True)

    def said(self, one: Comment, fields: Fields) -> dict[str, Any]:
        """Return the requested fields of a comment. Its author requires the permission to read user
        content. Raise GraphApiError."""
        check(fields, COMMENT_FIELDS)
        every: dict[str, Any] = {
            "message": one.text,
            "created_time": format_time(one.at),
            "is_hidden": one.hidden,
        }
        if one.own or "pages_read_user_content" in self.rights:
            every["from"] = {"id": one.author, "name": one.name}
        if one.parent:
            every["parent"] = {"id": one.parent}
        return {name: every[name] for name in fields if name in every} | {"id": one.id}


def _attached(post: Post) -> dict[str, Any]:
    if post.film:
        return {"media_type": "video", "target": {"id": post.video}}
    each = [{"media_type": "photo", "target": {"id": photo.id}} for photo in post.photos]
    return each[0] if len(each) == 1 else {"media_type": "album", "subattachments": {"data": each}}


def paged(
    rows: list[Any], tell: Callable[[Any], dict[str, Any]], told: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a page of a list with its cursor. Raise GraphApiError."""
    most, after = min(int(str(told.get("limit", 25))), 100), str(told.get("after", ""))
    start = next((place + 1 for place, one in enumerate(rows) if f"QVF{one.id}" == after), 0)
    if after and not start:
        raise GraphApiError(100, message="(#100) Invalid cursor")
    shown = rows[start : start + most]
    cursors = {"before": f"QVF{shown[0].id}", "after": f"QVF{shown[-1].id}"} if shown else {}
    more = (
        {"next": "https://graph.facebook.com/?access_token=EAA"} if start + most < len(rows) else {}
    )
    return {"data": [tell(one) for one in shown], "paging": {"cursors": cursors, **more}}
