"""What the fake Facebook knows: Pages, what they posted, the files of it, and what people said
under it."""

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
"""For how long the same words right after one another are a duplicate; nobody tells."""

MOST_COMMENT = 8000
_ids = count(122_000_000_000_001)


def number() -> str:
    """The next id."""
    return str(next(_ids))


def gone(what: str) -> GraphApiError:
    """What is said of something that is not there, or that this token may not see."""
    message = (
        f"Unsupported request. Object with ID '{what}' does not exist, cannot be loaded due to "
        "missing permissions"
    )
    return GraphApiError(100, 33, message=message)


def format_time(at: datetime) -> str:
    """An instant as they tell it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def check(fields: Fields, known: frozenset[str]) -> Fields:
    """Raises Refused for a field that they do not have."""
    if unknown := fields.keys() - known:
        raise GraphApiError(
            100, message=f"(#100) Tried accessing nonexisting field ({min(unknown)})"
        )
    return fields


@dataclass
class Photo:
    """A picture that was brought; nobody sees it before a post shows it."""

    id: str
    file: bytes
    alt: str
    used: bool = False


@dataclass
class Post:
    """A post of the Page. A film is worked on until `ready`, and stands in no list before."""

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
    """What somebody, or the Page, said under a post or under a comment of it."""

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
    """One Page: its token, what it may do, and all that stands there."""

    id: str
    name: str
    token: str
    clock: Callable[[], datetime]
    rights: frozenset[str] = SCOPES
    expires_at: int = 0
    reads_until: int = 0
    """Until when its person's data may be read, where they said yes; 0 where nobody tells."""
    followers: int = 0
    photos: dict[str, Photo] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    comments: dict[str, Comment] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    fetched: list[str] = field(default_factory=list)
    """Addresses it fetched, in order."""

    def __post_init__(self) -> None:
        self.chats = chats.Chats(self.id, self.name, chats.MESSENGER)

    def may(self, right: str) -> None:
        """Raises Refused where its token may not."""
        if right not in self.rights:
            raise GraphApiError(
                200, status=403, message=f"(#200) Requires {right} permission to manage the object"
            )

    def standing(self, post_id: str) -> Post:
        """A post that is there. Raises Refused."""
        found = self.posts.get(post_id)
        if found is None or found.deleted or not self.is_shown(found):
            raise gone(post_id)
        return found

    def is_shown(self, post: Post) -> bool:
        """Whether it was worked through."""
        return not post.failed and (post.ready is None or post.ready <= self.clock())

    def post(self, message: str, photos: tuple[Photo, ...]) -> Post:
        """Show words and pictures. Raises Refused."""
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
        """One more."""
        self.posts[post.id] = post
        return post

    def say(self, post: str, text: str, *, by: str = "", under: str = "") -> Comment:
        """Somebody, or the Page itself without a name, says something."""
        number_ = f"{post.partition('_')[2]}_{number()}"
        author = f"24{sum(by.encode()):012d}" if by else self.id
        made = Comment(
            number_, post, author, by or self.name, text, self.clock(), under, own=not by
        )
        self.comments[made.id] = made
        return made

    def spoken(self, comment_id: str) -> Comment:
        """A comment that is there. Raises Refused."""
        found = self.comments.get(comment_id)
        if found is None or self._away(found):
            raise gone(comment_id)
        return found

    def _away(self, one: Comment) -> bool:
        above = self.comments.get(one.parent)
        return one.deleted or self.posts[one.post].deleted or (above is not None and above.deleted)

    def answer(self, comment_id: str, text: object) -> Comment:
        """The Page answers; what answers a reply stands under the comment above. Raises Refused."""
        self.may("pages_manage_engagement")
        above = self.spoken(comment_id)
        if not isinstance(text, str) or not text.strip() or len(text) > MOST_COMMENT:
            raise GraphApiError(
                100, message="(#100) Param message must be non-empty, and not too long"
            )
        return self.say(above.post, text.strip(), under=above.parent or above.id)

    def comment(self, post_id: str, text: object) -> Comment:
        """The Page says something right under a post; the same words at once are refused. Raises
        Refused."""
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
        """Hide a comment, or show it. Raises Refused."""
        self.may("pages_manage_engagement")
        found = self.spoken(comment_id)
        if not isinstance(wanted, bool):
            raise GraphApiError(100, message="(#100) Param is_hidden must be a boolean")
        if found.own:
            raise GraphApiError(200, status=403, message="(#200) You cannot hide your own comment")
        found.hidden = wanted
        return {"success": True}

    def like(self, comment_id: str, *, liked: bool) -> dict[str, bool]:
        """Like a comment, or no more; the same again is as good. Raises Refused."""
        self.may("pages_manage_engagement")
        self.spoken(comment_id).liked = liked
        return {"success": True}

    def block(self, wanted: object) -> dict[str, bool]:
        """Keep people away from the Page. Raises Refused."""
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
        """Other words for a post; its pictures stay. Raises Refused."""
        self.may("pages_manage_posts")
        found = self.standing(post_id)
        if not isinstance(words, str) or not (words.strip() or found.photos):
            raise GraphApiError(100, message="(#100) Param message must be non-empty")
        found.message = words.strip()
        return {"success": True}

    def delete(self, what: str) -> dict[str, bool]:
        """Take a post or a comment away. Raises Refused."""
        if what in self.comments:
            self.may("pages_manage_engagement")
            self.spoken(what).deleted = True
        else:
            self.may("pages_manage_posts")
            self.standing(what).deleted = True
        return {"success": True}

    # what is told

    def listed(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A page of its posts, the newest first. Raises Refused."""
        self.may("pages_read_engagement")
        fields = check(fields_of(str(told.get("fields", "id"))), POST_FIELDS)
        rows = [one for one in self.posts.values() if not one.deleted and self.is_shown(one)]
        rows.sort(key=lambda one: (one.ready or one.at, one.id), reverse=True)
        return paged(rows, lambda one: self.told(one, fields), told)

    def told(self, post: Post, fields: Fields) -> dict[str, Any]:
        """A post as it was asked for. Raises Refused."""
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
        """All that stands under a post, or under a comment, the newest first."""
        found = [one for one in self.comments.values() if one.post == post and not self._away(one)]
        found = [
            one for one in found if one.author not in self.blocked and parent in ("", one.parent)
        ]
        return sorted(found, key=lambda one: (one.at, one.id), reverse=True)

    def said(self, one: Comment, fields: Fields) -> dict[str, Any]:
        """A comment as it was asked for; who said it only to those who may read what people say.
        Raises Refused."""
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
    """One page of a list, with where it goes on. Raises Refused."""
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
