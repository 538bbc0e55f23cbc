"""Capabilities of platforms as data, read by the dashboard, the planner, the connectors and the
tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from connectors.contract.feed_layout import NEUTRAL_LAYOUT, FeedLayout
from foundation.money import Money

PostingCost = Literal["free", "used", "monthly"]
POSTING_COSTS: tuple[PostingCost, ...] = ("free", "used", "monthly")
RequiredContent = Literal["media", "film"]
REQUIRED_CONTENT: tuple[RequiredContent, ...] = ("media", "film")

MIN_LISTING_LAG_SECONDS = 600
"""Time after which a platform is assumed to list an accepted post, unless it documents a longer
one."""


@dataclass(frozen=True)
class PriceRange:
    """The allowed prices of locked media: from `least` to `most` minor units of `currency`."""

    currency: str
    least: int
    most: int

    def contains(self, price: Money) -> bool:
        """Return True if the price has this currency and is in the range."""
        return price.currency == self.currency and self.least <= price.minor <= self.most


@dataclass(frozen=True)
class PostOption:
    """A setting of a post on its platform. Its label is the message `option.<platform>.<name>`, and
    that of a choice the same code followed by a point and the choice.

    `default` applies if the author chose nothing: the platform uses it, or the connector sends it.
    It is "" if unknown.
    """

    name: str
    kind: Literal["choice", "text", "flag", "list"]
    choices: tuple[str, ...] = ()
    default: str = ""
    most: int = 0
    """Maximum number of characters of a text, or of all entries of a list together."""
    entries: int = 0
    """Maximum number of entries of a list."""
    pattern: str = r".+"
    """Regular expression that the whole text, or each entry, must match."""
    read: bool = False
    """True if readers see the value or find the post by it. The gate then checks it like the post's
    text."""
    films: bool = False
    """True if the option applies only to a post of a single video and is refused on any other."""
    example: str = ""
    """A valid text or entry, shown in the form and sent by the conformance tests."""


@dataclass(frozen=True)
class PostFormat:
    """The limits of a post in another format, for example a story. Such a post has no thread and no
    comment. Limits that are not defined here are those of the surface."""

    shows: FeedLayout
    max_bytes: int
    film_seconds: tuple[int, int]
    hours: int = 0
    """Hours after which the platform deletes it; 0 if it remains."""
    max_text: int = 0
    max_media: int = 1


FOREVER = datetime.max.replace(tzinfo=UTC)
"""The end of a guarantee without an end."""


@dataclass(frozen=True)
class Capabilities:
    """The features and limits of a platform."""

    platform: str
    surfaces: tuple[str, ...]
    max_text: int
    max_media: int
    mimes: tuple[str, ...]
    max_bytes: int
    look: Literal["key", "name", "listing", "none"]
    """The way a lost post is looked up. `key`: by our native key; `name`: by the name it got before
    it was published; `listing`: by its digest in a list; `none`: a member decides."""
    resend_is_look: bool
    """Repeating a publish request with the same key creates no second post, so the repeat itself is
    the look-up."""
    can_delete: bool
    can_chat: bool
    can_sell: bool
    stages: bool
    """Media are uploaded in separate requests before the publish step."""
    repeat_seconds: int = 0
    """Seconds after a request during which a repeat creates no second copy, because the platform
    honours the key or refuses identical content; 0 if the platform guarantees neither."""
    listing_lag_seconds: int = MIN_LISTING_LAG_SECONDS
    """Maximum number of seconds for which a published post may be missing from the data that a
    look-up reads, if `lists_complete`. Values under ten minutes count as ten."""
    lists_complete: bool = False
    """The platform guarantees that its lists are complete after `listing_lag_seconds`. Without this
    guarantee, a missing entry in a list never proves that a post is absent."""
    poll_seconds: float = 0.0
    """Seconds between two polls for chat updates; 0 if the platform uses long polling or webhooks.
    """
    poll_gap: float = 0.0
    """Seconds between the requests of one poll; 0 if the platform does not limit them."""
    hand_over: bool = False
    """No request is sent: the prepared post becomes a manual task of a member, who marks it as
    done."""
    in_house: bool = False
    """The platform is part of this installation and needs no sign-in."""
    test_network: bool = False
    """Posts are sent to the built-in test network and are not public."""
    points_at: frozenset[str] = frozenset()
    """The kinds of references that a unit may contain (`gate.contract.units.Reference`)."""
    replaces: bool = False
    """A post that can no longer be deleted can be replaced in place."""
    edits: bool = False
    """The text of a published post can be edited (`connectors.contract.edits.SupportsEdits`)."""
    film_seconds: tuple[int, int] = (0, 0)
    """Minimum and maximum length of a video in seconds. A value is 0 if it is undocumented, or if
    the maximum is longer than any video here."""
    threads: int = 1
    """Maximum number of parts of a thread, each a reply to the one before; 1 if there are no
    threads."""
    first_comment: bool = False
    """A post may have one comment of its author, text only, on a platform without threads."""
    passes_on: str = ""
    """The option that crossposts a post, which shows it again to the followers of its destination.
    The crosspost is the last part of the post and is checked for the surface `passes_to`. "" if
    unsupported."""
    passes_to: str = ""
    joins_parts: bool = False
    """On a platform without threads, the parts of a thread are shown as one post: texts and
    pictures in order."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Maximum text length and number of media of surfaces that differ from the platform's."""
    needs: Mapping[str, RequiredContent] = field(default_factory=dict)
    """Surfaces on which a post must have a picture or video (`media`), or a video (`film`). The key
    "" applies to every other surface."""
    once: frozenset[str] = frozenset()
    """Surfaces that refuse a text the account has posted there before, at any time."""
    address: str = ""
    """The default base URL (https) of a third-party connector. Those of built-in platforms are
    settings."""
    moderates: frozenset[str] = frozenset()
    """The supported moderation actions for comments
    (`connectors.contract.comments.ModerationAction`)."""
    remarks_every: int = 5
    """Minutes between two reads of the comments, chosen to fit the platform's rate limits."""
    looks_for_answers: bool = False
    """A repeated reply to a comment would be a duplicate even where a repeated post is not, so a
    lost one is looked up."""
    looks_for_messages: bool = False
    """A repeated message to one user would be a duplicate even where a repeated post is not, so a
    lost one is looked up."""
    keeps_messages: bool = False
    """Messages to one user cannot be deleted, unlike posts."""
    reply_hours: int = 0
    """Hours after a user's last message during which a reply is allowed; 0 if there is no limit."""
    names_whom_it_answers: bool = False
    """A reply notifies the addressed user only if its text begins with their name."""
    cost: PostingCost = "free"
    """The platform's price for posting through its API: nothing, per request, or per month."""
    approval_days: int = 0
    """Approximate number of days for the platform's review of an application; 0 if there is none.
    """
    options: tuple[PostOption, ...] = ()
    """The settings that a post may have on the platform."""

    sells: Mapping[str, PriceRange] = field(default_factory=dict)
    """Surfaces on which media may be locked until the reader pays the platform, with the allowed
    prices. Packs sold by our invoice need only `can_sell`."""

    shows: Mapping[str, FeedLayout] = field(default_factory=dict)
    """The feed layout of each surface. The key "" applies to every other surface."""

    formats: Mapping[str, PostFormat] = field(default_factory=dict)
    """The formats of posts, by the flag option that selects them
    (`connectors.shared.options.capabilities_for`)."""
    hours: int = 0
    """Hours after which the platform deletes a post; 0 if it remains."""

    @property
    def setup_burden(self) -> tuple[int, int]:
        """Return the costs and the review time as a sort key for comparing platforms."""
        return POSTING_COSTS.index(self.cost), self.approval_days

    def size_limits(self, surface: str) -> tuple[int, int]:
        """Return the maximum text length and number of media of a surface."""
        return self.sizes.get(
            surface.removeprefix(f"{self.platform}."), (self.max_text, self.max_media)
        )

    def required_content(self, surface: str) -> RequiredContent | None:
        """Return the content that every post on a surface must have, or None if text alone is
        allowed."""
        return self.needs.get(surface.removeprefix(f"{self.platform}."), self.needs.get(""))

    def feed_layout(self, surface: str) -> FeedLayout:
        """Return the feed layout of a surface, or a neutral one if none is documented."""
        place = surface.removeprefix(f"{self.platform}.")
        return self.shows.get(place) or self.shows.get("") or NEUTRAL_LAYOUT

    def for_format(self, name: str) -> "Capabilities":
        """Return the capabilities for posts of a format."""
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
        """Return the allowed prices of locked media on a surface, or None if media cannot be locked
        there."""
        return self.sells.get(surface.removeprefix(f"{self.platform}."))

    def repeat_safe_until(self, sent_at: datetime, *, under: str, chat: str = "") -> datetime:
        """Return the time (UTC-aware) until which repeating a publish request creates no second
        copy, because the platform honours the key or refuses identical content: `sent_at` if it
        does neither, `FOREVER` if it always does. Until then the repeat is itself the look-up.

        Args:
            sent_at: time at which the first request was sent (UTC-aware).
            under: the post or comment that the unit replies to.
            chat: the chat of a message.
        """
        if (under and self.looks_for_answers) or (chat and self.looks_for_messages):
            return sent_at
        return FOREVER if self.resend_is_look else sent_at + timedelta(seconds=self.repeat_seconds)

    def absence_conclusive_at(
        self, looked_at: datetime, *, ended_at: datetime, confirmed: bool
    ) -> datetime | None:
        """Return the time from which a look-up without a result counts towards a proof of absence
        where a repeat is not safe, or None if it never does and a member must decide.

        A list may lag for longer than documented, so that its silence proves nothing unless the
        platform guarantees when it is complete, or a second source confirms the absence.

        Args:
            looked_at: time of the look-up (UTC-aware).
            ended_at: time at which the answer was lost, or its deadline (UTC-aware).
            confirmed: `Absent.confirmed` of the look-up.
        """
        if confirmed:
            return looked_at
        if not self.lists_complete:
            return None
        return ended_at + timedelta(seconds=max(self.listing_lag_seconds, MIN_LISTING_LAG_SECONDS))

    def can_remove(self, *, chat: str = "") -> bool:
        """Return True if a post, or a message in `chat`, can be deleted."""
        return self.can_delete and not (chat and self.keeps_messages)

    def can_repeat(self, surface: str) -> bool:
        """Return True if an account may post the same text to a surface twice."""
        return surface.removeprefix(f"{self.platform}.") not in self.once
