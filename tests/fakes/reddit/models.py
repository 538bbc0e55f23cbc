"""Models of the fake Reddit: accounts, subreddits and posts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SCOPES = ("identity", "submit", "read", "edit", "flair", "history", "privatemessages", "report")
"""Scopes that our client requests."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Subreddit:
    """A subreddit. Tests set its rules for posts as attributes."""

    name: str
    number: int
    created: float
    over18: bool = False
    type: str = "public"
    """Visibility: public, restricted, private, user (a profile) or banned."""
    subscribers: int = 1000
    """Number of subscribers, or of followers of a profile."""
    submission_type: str = "any"
    """Allowed kinds of posts: any, link or self."""
    allow_images: bool = True
    allow_galleries: bool = True
    allow_videos: bool = True
    flair_required: bool = False
    flairs: list[Mapping[str, Any]] = field(default_factory=list)
    """Flair templates with `id`, `text`, `text_editable` and `mod_only`."""
    rules: list[Mapping[str, Any]] = field(default_factory=list)
    """Rules with `short_name`, `description`, `kind`, `priority` and `violation_reason`."""
    title_min: int | None = None
    title_max: int | None = None
    title_required: tuple[str, ...] = ()
    """Strings of which a title must contain at least one."""
    title_refused: tuple[str, ...] = ()
    """Strings that a title must not contain."""
    body_policy: str = "none"
    """Rule for the body of a post: none, required or notAllowed."""
    posting_every: float = 0.0
    """Minimum interval between two posts of an account in seconds."""
    approved: set[str] = field(default_factory=set)
    """Names of users who may post in a restricted subreddit and view a private one."""

    @property
    def id(self) -> str:
        """ID in base 36."""
        return base36(self.number)

    @property
    def fullname(self) -> str:
        """Fullname."""
        return f"t5_{self.id}"

    @property
    def prefixed(self) -> str:
        """Name with its prefix `r/` or `u/`."""
        return f"u/{self.name.removeprefix('u_')}" if self.type == "user" else f"r/{self.name}"


@dataclass
class Post:
    """A post. Tests set its metrics; `at` is its creation time, which may be in the future."""

    number: int
    author: str
    place: Subreddit
    kind: str
    """Kind of post: self, link, image, video or gallery."""
    title: str
    body: str
    at: datetime
    url: str = ""
    media: list[str] = field(default_factory=list)
    """Asset IDs in order. A video has its own and that of its poster."""
    captions: list[tuple[str, str]] = field(default_factory=list)
    """Caption and link of each picture in a gallery."""
    nsfw: bool = False
    spoiler: bool = False
    flair_id: str | None = None
    flair_text: str | None = None
    removed: str | None = None
    deleted: bool = False
    edited: float = 0.0
    score: int = 1
    ratio: float = 1.0
    comments: int = 0
    crossposts: int = 0

    @property
    def id(self) -> str:
        """ID in base 36."""
        return base36(self.number)

    @property
    def name(self) -> str:
        """Fullname."""
        return f"t3_{self.id}"

    @property
    def is_self(self) -> bool:
        """Return True if it is a text post."""
        return self.kind == "self"

    @property
    def created(self) -> float:
        """Creation time in whole Unix seconds."""
        return float(int(self.at.timestamp()))

    @property
    def text(self) -> str:
        """Title and body."""
        return f"{self.title}\n\n{self.body}" if self.body else self.title


@dataclass
class Member:
    """An account. `scopes` belong to `token`, which does not expire; `client` is the app whose rate
    limit applies."""

    number: int
    name: str
    token: str
    created: float
    clock: Callable[[], datetime]
    scopes: tuple[str, ...] = SCOPES
    client: str = ""
    """"" for a separate rate limit."""
    suspended: bool = False
    quota_filled: bool = False
    """True if it has posted too often recently across all subreddits."""
    over18: bool = True
    banned_from: set[str] = field(default_factory=set)
    """Names of subreddits, case-insensitive."""
    revoked: bool = False
    made: dict[str, Post] = field(default_factory=dict)
    """Every post by fullname, oldest first, including pending and deleted ones."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Fullname and text of every post ever received, including deleted ones."""

    @property
    def id(self) -> str:
        """ID in base 36."""
        return base36(self.number)

    @property
    def username(self) -> str:
        """Name, under the attribute that the other fakes use."""
        return self.name

    @property
    def posts(self) -> dict[str, Post]:
        """Existing posts, oldest first, in a new dictionary."""
        now = self.clock()
        return {name: one for name, one in self.made.items() if one.at <= now and not one.deleted}

    def is_banned(self, place: Subreddit) -> bool:
        """Return True if the account is banned from the subreddit."""
        return place.name.lower() in {name.lower().removeprefix("r/") for name in self.banned_from}


def base36(number: int) -> str:
    """Return a number in base 36."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits or "0"
