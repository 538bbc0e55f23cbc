"""What there is on the fake Reddit: accounts, subreddits and posts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SCOPES = ("identity", "submit", "read", "edit", "flair", "history", "privatemessages", "report")
"""What the house asks for."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Subreddit:
    """One subreddit. Its rules for posts are attributes that tests set."""

    name: str
    number: int
    created: float
    over18: bool = False
    type: str = "public"
    """public, restricted, private, user (somebody's profile), or banned."""
    subscribers: int = 1000
    """Of a profile: who follows the person."""
    submission_type: str = "any"
    """any, link or self."""
    allow_images: bool = True
    allow_galleries: bool = True
    allow_videos: bool = True
    flair_required: bool = False
    flairs: list[Mapping[str, Any]] = field(default_factory=list)
    """Templates: `id`, `text`, `text_editable`, `mod_only`."""
    rules: list[Mapping[str, Any]] = field(default_factory=list)
    """`short_name`, `description`, `kind`, `priority`, `violation_reason`."""
    title_min: int | None = None
    title_max: int | None = None
    title_required: tuple[str, ...] = ()
    """A title holds one of these."""
    title_refused: tuple[str, ...] = ()
    """A title holds none of these."""
    body_policy: str = "none"
    """none, required or notAllowed."""
    posting_every: float = 0.0
    """Seconds between two posts of one account."""
    approved: set[str] = field(default_factory=set)
    """Names of those who may post where it is restricted, and look where it is private."""

    @property
    def id(self) -> str:
        """Its number as Reddit writes it."""
        return base36(self.number)

    @property
    def fullname(self) -> str:
        """Its id with its kind."""
        return f"t5_{self.id}"

    @property
    def prefixed(self) -> str:
        """Its name as people write it."""
        return f"u/{self.name.removeprefix('u_')}" if self.type == "user" else f"r/{self.name}"


@dataclass
class Post:
    """One post. Its numbers are what tests make them; `at` is when it came, or will come, into
    being."""

    number: int
    author: str
    place: Subreddit
    kind: str
    """self, link, image, video or gallery."""
    title: str
    body: str
    at: datetime
    url: str = ""
    media: list[str] = field(default_factory=list)
    """Asset ids, in order; of a film its own, then its poster's."""
    captions: list[tuple[str, str]] = field(default_factory=list)
    """Caption and link of each picture of a gallery."""
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
        """Its number as Reddit writes it."""
        return base36(self.number)

    @property
    def name(self) -> str:
        """Its id with its kind."""
        return f"t3_{self.id}"

    @property
    def is_self(self) -> bool:
        """Whether it is text alone."""
        return self.kind == "self"

    @property
    def created(self) -> float:
        """When it came into being, in whole Unix seconds, as Reddit tells it."""
        return float(int(self.at.timestamp()))

    @property
    def text(self) -> str:
        """Title and body."""
        return f"{self.title}\n\n{self.body}" if self.body else self.title


@dataclass
class Member:
    """One account. `scopes` are those of `token`, which has no end; `client` is the application it
    counts for."""

    number: int
    name: str
    token: str
    created: float
    clock: Callable[[], datetime]
    scopes: tuple[str, ...] = SCOPES
    client: str = ""
    """"": one of its own."""
    suspended: bool = False
    quota_filled: bool = False
    """Whether it has posted too much of late, in all subreddits together."""
    over18: bool = True
    banned_from: set[str] = field(default_factory=set)
    """Names of subreddits, in any case."""
    revoked: bool = False
    made: dict[str, Post] = field(default_factory=dict)
    """Every post by its fullname, oldest first: those that are still on their way and deleted ones
    too."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Fullname and text of everything ever taken in, deleted ones included."""

    @property
    def id(self) -> str:
        """Its number as Reddit writes it."""
        return base36(self.number)

    @property
    def username(self) -> str:
        """Its name, as other fakes call it."""
        return self.name

    @property
    def posts(self) -> dict[str, Post]:
        """Those that stand by now, oldest first; a dictionary of this moment, whose posts are the
        real ones."""
        now = self.clock()
        return {name: one for name, one in self.made.items() if one.at <= now and not one.deleted}

    def is_banned(self, place: Subreddit) -> bool:
        """Whether it may not post there."""
        return place.name.lower() in {name.lower().removeprefix("r/") for name in self.banned_from}


def base36(number: int) -> str:
    """A number as Reddit writes it."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits or "0"
