"""What a platform can do, as data: pages, the planner, connectors and tests read the same truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from connectors.contract.feed_layout import NEUTRAL_LAYOUT, FeedLayout
from foundation.money import Money

PostingCost = Literal["free", "used", "monthly"]
POSTING_COSTS: tuple[PostingCost, ...] = ("free", "used", "monthly")
RequiredContent = Literal["media", "film"]
REQUIRED_CONTENT: tuple[RequiredContent, ...] = ("media", "film")

MIN_LISTING_LAG_SECONDS = 600
"""How long a platform may take to list what it accepted, where it documents no longer time."""


@dataclass(frozen=True)
class PriceRange:
    """What may be asked of readers for the media of a post: from `least` to `most` minor units of
    `currency`."""

    currency: str
    least: int
    most: int

    def contains(self, price: Money) -> bool:
        """Whether a price is one of these."""
        return price.currency == self.currency and self.least <= price.minor <= self.most


@dataclass(frozen=True)
class PostOption:
    """Something a post may choose there beside its words. What it is called is the sentence
    `option.<platform>.<name>`; a choice has that code, a point and the choice.

    Where nobody chose, `default` is what the platform gets by itself, or the connector sends; ""
    says nothing of it.
    """

    name: str
    kind: Literal["choice", "text", "flag", "list"]
    choices: tuple[str, ...] = ()
    default: str = ""
    most: int = 0
    """Characters of a text, or of all entries of a list."""
    entries: int = 0
    """Of a list."""
    pattern: str = r".+"
    """What a text, or an entry, matches as a whole."""
    read: bool = False
    """People there read it, or find the post by it: it is judged like every other word of the
    post."""
    films: bool = False
    """It says something of a film that stands alone; beside anything else it has no meaning, and is
    refused."""
    example: str = ""
    """A text, or an entry, that it takes: shown where one is typed, and sent by the contract
    suite."""


@dataclass(frozen=True)
class PostFormat:
    """What a post is held to where it chose to be something else than a post, a story say. It
    stands alone, without parts or comments; whatever is not said here is as its place has it."""

    shows: FeedLayout
    max_bytes: int
    film_seconds: tuple[int, int]
    hours: int = 0
    """After so many its platform takes it away by itself; 0 where it stands."""
    max_text: int = 0
    max_media: int = 1


@dataclass(frozen=True)
class Capabilities:
    """What a platform can do, as data: dashboard, planner and tests read the same truth."""

    platform: str
    surfaces: tuple[str, ...]
    max_text: int
    max_media: int
    mimes: tuple[str, ...]
    max_bytes: int
    look: Literal["key", "name", "listing", "none"]
    """`key`: found by our native key; `name`: by what they called it before it was published;
    `listing`: by its digest in a listing; `none`: a person decides."""
    resend_is_look: bool
    """A repeated publish with the same key is harmless, so it is itself the look."""
    can_delete: bool
    can_chat: bool
    can_sell: bool
    stages: bool
    """Media go out before the publish step, as an event of their own."""
    repeat_seconds: int = 0
    """For how many seconds after a request its repeat makes no second copy, because the platform
    honours the key or refuses the same content; 0 where it promises neither."""
    listing_lag_seconds: int = MIN_LISTING_LAG_SECONDS
    """The longest time, in seconds, for which what a look-up reads may lack a published post. Less
    than ten minutes counts as ten."""
    poll_seconds: float = 0.0
    """How long to wait before fans are listened to again; 0 where the platform itself holds the
    request, or calls."""
    poll_gap: float = 0.0
    """Seconds from an answer of a poll that takes several requests to the next of them; 0 where
    nobody counts these."""
    hand_over: bool = False
    """Nothing is sent: what was prepared becomes a task of a person, who says when it is done."""
    in_house: bool = False
    """This installation serves it itself: nobody signs in."""
    points_at: frozenset[str] = frozenset()
    """The ways in which a unit may point at what it left there before (kinds of
    `gate.contract.units.Reference`)."""
    replaces: bool = False
    """What stands there can be replaced in place where it is not deleted any more."""
    edits: bool = False
    """The words of a post that stands there can be changed in place
    (`connectors.contract.edits.SupportsEdits`)."""
    film_seconds: tuple[int, int] = (0, 0)
    """How long a film is there at least and at most; 0 where nobody says, or where it is longer
    than ours ever are."""
    threads: int = 1
    """So many parts hang together there, each put under the one before; 1 where it knows no
    threads."""
    first_comment: bool = False
    """Where it knows no threads, a post may have one comment of ours under it all the same, of
    words alone."""
    passes_on: str = ""
    """The option by which the platform shows a post once more, to those who follow its place
    elsewhere: as a last part of it, judged for the place `passes_to`. "" where it knows nothing of
    the kind."""
    passes_to: str = ""
    joins_parts: bool = False
    """Where it knows none, the parts are shown as one: texts under one another, pictures after one
    another."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Where places differ: the longest text and the most media of each."""
    needs: Mapping[str, RequiredContent] = field(default_factory=dict)
    """Places that take no words alone: a post shows a picture or a film there (`media`), or a
    `film`. "" of every place that is not named."""
    once: frozenset[str] = frozenset()
    """Places that refuse words an account has said there before, however long ago."""
    address: str = ""
    """Where requests usually go, for a connector of others: an https address. Ours stand in the
    settings."""
    moderates: frozenset[str] = frozenset()
    """What may be done with what people say under posts there
    (`connectors.contract.comments.ModerationAction`)."""
    remarks_every: int = 5
    """Minutes between two readings of it, where somebody reads it: as often as the platform's
    limits leave room for."""
    looks_for_answers: bool = False
    """An answer to a remark would stand there twice where a post would not: a lost one is looked
    for."""
    looks_for_messages: bool = False
    """The same of a message to one person."""
    keeps_messages: bool = False
    """What was said to one person is not taken back from them, where posts are."""
    reply_hours: int = 0
    """Hours after somebody's last message in which one may write to them; 0 where one may at any
    time."""
    names_whom_it_answers: bool = False
    """An answer reaches its reader only where its text begins with their name."""
    cost: PostingCost = "free"
    """What the platform asks for being posted to by a program: nothing, money for each request,
    money each month."""
    approval_days: int = 0
    """About how long the platform looks at an application before it may post for others; 0 where
    nobody looks."""
    options: tuple[PostOption, ...] = ()
    """What a post may choose there beside its words."""

    sells: Mapping[str, PriceRange] = field(default_factory=dict)
    """Places whose posts or messages may be locked until a reader pays the platform, with what may
    be asked. Packs that are sold by an invoice of ours are `can_sell` alone."""

    shows: Mapping[str, FeedLayout] = field(default_factory=dict)
    """How its feed shows a post, by place; "" of every place that is not named."""

    formats: Mapping[str, PostFormat] = field(default_factory=dict)
    """What a post becomes that chose one of these options, a flag each
    (`connectors.shared.options.capabilities_for`)."""
    hours: int = 0
    """After so many the platform takes a post away by itself; 0 where it stands."""

    @property
    def setup_burden(self) -> tuple[int, int]:
        """What stands in the way beside somebody's minutes, to compare platforms by."""
        return POSTING_COSTS.index(self.cost), self.approval_days

    def size_limits(self, surface: str) -> tuple[int, int]:
        """The longest text and the most media that a place takes."""
        return self.sizes.get(
            surface.removeprefix(f"{self.platform}."), (self.max_text, self.max_media)
        )

    def required_content(self, surface: str) -> RequiredContent | None:
        """What every post of a place shows; None where words alone are taken."""
        return self.needs.get(surface.removeprefix(f"{self.platform}."), self.needs.get(""))

    def feed_layout(self, surface: str) -> FeedLayout:
        """How a place shows a post in its feed; in the neutral form where nobody wrote that
        down."""
        place = surface.removeprefix(f"{self.platform}.")
        return self.shows.get(place) or self.shows.get("") or NEUTRAL_LAYOUT

    def for_format(self, name: str) -> "Capabilities":
        """What holds for a post that chose a format."""
        one = self.formats[name]
        return replace(
            self,
            max_text=one.max_text,
            max_media=one.max_media,
            max_bytes=one.max_bytes,
            film_seconds=one.film_seconds,
            hours=one.hours,
            sizes={},
            shows={"": one.shows},
            threads=1,
            first_comment=False,
        )

    def price_range(self, surface: str) -> PriceRange | None:
        """What a place lets its posts cost; None where everybody sees all of them."""
        return self.sells.get(surface.removeprefix(f"{self.platform}."))

    def is_resend_lookup(self, *, under: str, chat: str = "") -> bool:
        """Whether a repeated publish is itself the look: of what stands `under` something, of a
        message in a `chat`, or of a post."""
        told_apart = (under and self.looks_for_answers) or (chat and self.looks_for_messages)
        return self.resend_is_look and not told_apart

    def absence_conclusive_at(
        self, looked_at: datetime, *, sent_at: datetime, ended_at: datetime
    ) -> datetime:
        """Return the time from which a look-up that sees nothing counts towards proof of absence:
        `looked_at` while a repeat is harmless, else once the platform's lists have caught up.

        Args:
            looked_at: when the platform was asked (UTC-aware).
            sent_at: when the request was sent (UTC-aware).
            ended_at: when its answer was lost, or its deadline (UTC-aware).
        """
        if looked_at < sent_at + timedelta(seconds=self.repeat_seconds):
            return looked_at
        return ended_at + timedelta(seconds=max(self.listing_lag_seconds, MIN_LISTING_LAG_SECONDS))

    def can_remove(self, *, chat: str = "") -> bool:
        """Whether a post, or a message in a `chat`, can be deleted by us."""
        return self.can_delete and not (chat and self.keeps_messages)

    def can_repeat(self, surface: str) -> bool:
        """Whether a place takes the same words from one account a second time."""
        return surface.removeprefix(f"{self.platform}.") not in self.once
