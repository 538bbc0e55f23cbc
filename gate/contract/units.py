"""Units: the pieces of content that the gate judges.

Values without database access, so connectors may import them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from foundation.canonical_json import OMIT_FROM_DIGEST, OMIT_IF_EMPTY, canonical_json
from foundation.money import Money


class Rating(StrEnum):
    """A content rating: General, Suggestive, Nudity, Explicit, and X, which is never allowed."""

    G = "G"
    S = "S"
    N = "N"
    E = "E"
    X = "X"

    @property
    def rank(self) -> int:
        """0 for G … 4 for X. A unit has the highest rating of its parts."""
        return "GSNEX".index(self.value)


class Verdict(StrEnum):
    """The result of a check: allow, allow with the flags of the platform, hold for a member, or
    block. The strictest of all checks counts."""

    A = "A"
    F = "F"
    H = "H"
    B = "B"

    @property
    def rank(self) -> int:
        """0 for A … 3 for B."""
        return "AFHB".index(self.value)


def highest_rating(ratings: "list[Rating]") -> Rating:
    """Return the highest of the ratings, or G if there are none."""
    return max(ratings, key=lambda rating: rating.rank, default=Rating.G)


@dataclass(frozen=True)
class Subject:
    """The record that a unit belongs to: `kind` is delivery, draft, fulfilment or export. Its state
    belongs to a higher package."""

    kind: str
    id: UUID


SUBJECT_SURFACE = "surface"
"""Subject kind of content on a surface that needs no permit (`gate/surfaces`)."""

LABEL_FIELDS = frozenset({"name", "slug", "label"})
"""Fields of surfaces that hold a name and no sentence, also with a number after a colon (`name:3`).
Their words belong to no language; all other rules read them."""

REDIRECT_PLATFORM = "redirect"
"""The platform of the surfaces that send visitors to another address."""

DUTY_FLAG = "platform_duty=confirmed"
"""Flag of a post that a member publishes manually because the platform requires more than a request
can carry. The member confirms it in the manual task with a screenshot."""

SUBJECT_SOLD = "fulfilment"
"""Subject kind of the first delivery of a pack. Units stored before `Unit.sold` existed are
recognised as sales by it."""


@dataclass(frozen=True)
class Text:
    """One visible text: `field` is where it appears (body, title, alt:0, button:0, file:0 …)."""

    field: str
    body: str

    @property
    def is_label(self) -> bool:
        """Return True for a name that stands alone on a surface."""
        return self.field.partition(":")[0] in LABEL_FIELDS


@dataclass(frozen=True)
class Medium:
    """One rendition by its digest; `ai` is none, assisted or generated, as recorded for the
    asset."""

    sha256: str
    mime: str
    size: int
    alt: str = ""
    ai: str = "none"
    name: str = ""
    width: int = 0
    height: int = 0
    """Pixels of the upright picture; 0 if unknown."""
    seconds: int = field(default=0, compare=False, metadata=OMIT_FROM_DIGEST)
    """Rounded duration of video or audio; 0 for pictures and if unknown. No digest includes it,
    because it follows from the bytes."""


@dataclass(frozen=True)
class Button:
    """A button under a message: `action` is from a closed list (buy, age, purchases), `ref` is an
    ID."""

    label: str
    action: str
    ref: str


@dataclass(frozen=True)
class Invoice:
    """An invoice in a message: the item, the amount, and the payload that the payment returns."""

    title: str
    description: str
    amount_minor: int
    currency: str
    payload: str
    period_days: int = field(default=0, metadata=OMIT_IF_EMPTY)
    """Days after which the platform itself charges again; 0 for a single payment."""


@dataclass(frozen=True)
class Reference:
    """A reference of a unit to something on its platform; `native_id` is the ID that the platform
    assigned.

    References of the kinds reuse (a file already uploaded), quote, repost (also forward and copy)
    and reply refer to our copies. The kind remark refers to a comment that the account received and
    that the unit answers.
    """

    kind: str
    native_id: str


HAS_FIRST_COMMENT = "has"
IS_FIRST_COMMENT = "is"
"""Values of `Unit.comment`: a post with a first comment and no other part, and that first comment.
"""

REPOST_KIND = "passed_on"
"""Value of `Unit.comment` for a unit that reposts one of our posts to the followers of the account.
"""

COMMENT_REFERENCE = "remark"
"""The only kind of reference that does not refer to a copy of ours."""


@dataclass(frozen=True)
class LinkReplacement:
    """A rewritten URL in a text, and the URL that its author wrote.

    `shown` is `target` with tracking parameters, or a short link that redirects to `opens`. Then
    `opens` is `target` with tracking parameters.
    """

    shown: str
    target: str
    opens: str = field(default="", metadata=OMIT_IF_EMPTY)


@dataclass(frozen=True)
class PlatformOption:
    """A platform-specific option of a post.

    Options that viewers can `read` are judged like texts. No option relaxes a rule: the flags of
    the platform are set independently.
    """

    name: str
    values: tuple[str, ...]
    read: bool = field(default=False, metadata=OMIT_IF_EMPTY)


@dataclass(frozen=True)
class UnitPart:
    """One part of a thread, as viewers see it."""

    texts: tuple[Text, ...] = ()
    media: tuple[Medium, ...] = ()

    @property
    def visible_texts(self) -> tuple[str, ...]:
        """Return every text of the part that viewers may read, in the order shown."""
        alts = [medium.alt for medium in self.media if medium.alt]
        return (
            *(text.body for text in self.texts),
            *alts,
            *(medium.name for medium in self.media if medium.name),
        )


_OF_THREADS = frozenset({"before", "parts"})
"""Fields of thread parts only. They are left out of the digest of single posts, so that it equals
the digest from before threads existed."""


@dataclass(frozen=True)
class Unit:
    """One piece of content for one destination, account, audience and viewer.

    `surface` is a row of the policy, e.g. `sandbox.post`, `own_page.public`; `audience` is public
    or viewer; `viewer` is the platform's ID of the only recipient of a chat message; `flags` are
    the marks that the request must carry.
    """

    tenant_id: UUID
    creator_id: UUID
    subject: Subject
    platform: str
    surface: str
    channel_id: UUID
    account: str
    audience: str
    texts: tuple[Text, ...] = ()
    media: tuple[Medium, ...] = ()
    buttons: tuple[Button, ...] = ()
    invoice: Invoice | None = None
    price: Money | None = None
    """Price that a viewer pays the platform to unlock the media; None for media that everyone sees.
    """
    sold: bool = field(default=False, metadata=OMIT_IF_EMPTY)
    """True if the media are part of a sale, however they are delivered: the first delivery of a
    pack, a repeated one, or one that a subscription unlocks."""
    viewer: str = ""
    destination: str = ""
    """The platform's ID of the destination on accounts that have several (a channel of a bot)."""
    language: str = ""
    """Language of the texts (BCP 47); "" if unknown."""
    flags: tuple[str, ...] = ()
    text_ai: str = "none"
    """Extent to which a model wrote the texts: none, assisted or generated, which is judged like
    the `ai` of a medium; or template, if they are prepared sentences chosen without a model."""
    service: str = ""
    """Code of a catalogue sentence sent unchanged (notice, receipt, refusal): a text of the
    product, not of a tenant."""
    references: tuple[Reference, ...] = ()
    """Content on the platform that is shown with the unit or answered by it."""
    before: tuple[UnitPart, ...] = ()
    """The earlier parts of a thread, first to last. The unit is judged together with them."""
    parts: int = 1
    """Number of parts of the thread; 1 for a single post."""
    leads: tuple[LinkReplacement, ...] = ()
    """Original URLs of the rewritten links in the texts of this part and of the earlier ones."""
    options: tuple[PlatformOption, ...] = ()
    """Platform-specific options."""
    reply_to: str = field(default="", compare=False)
    """The native ID of our copy that this part replies to. Like `native_key`, it is not part of the
    digest."""
    comment: str = field(default="", compare=False)
    """`HAS_FIRST_COMMENT` for a post that has a first comment and no other part, `IS_FIRST_COMMENT`
    for that comment, `REPOST_KIND` for a repost, "" for any other unit. Not part of the digest."""
    native_key: str = field(default="", compare=False)
    """The idempotency key for the platform. It is not part of the unit's digest; the wire digest
    covers it."""
    seen: tuple[str, ...] | None = field(default=None, compare=False)
    """Results of the destination check of the last minute for the probes of the policy row; None if
    there was no check."""

    @property
    def comment_id(self) -> str:
        """Return the native ID of the comment that the unit answers, or ""."""
        return next(
            (each.native_id for each in self.references if each.kind == COMMENT_REFERENCE), ""
        )

    @property
    def parent_id(self) -> str:
        """Return the native ID that the unit replies to: the earlier part of the thread, or a
        comment."""
        return self.reply_to or self.comment_id

    @property
    def is_sold(self) -> bool:
        """Return True if the media were paid for, or must be paid for before they are seen."""
        return self.sold or self.price is not None or self.subject.kind == SUBJECT_SOLD

    @property
    def is_surface(self) -> bool:
        """Return True for content on a surface that needs no permit, such as a page for clients."""
        return self.subject.kind == SUBJECT_SURFACE

    @property
    def place_id(self) -> str:
        """Return the ID of the policy row, e.g. `sandbox.post`."""
        return (
            self.surface
            if self.surface.startswith(f"{self.platform}.")
            else f"{self.platform}.{self.surface}"
        )

    def digest(self) -> str:
        """Return the SHA-256 of the canonical form, without the fields that equality ignores."""
        return self._content_digest

    @cached_property
    def _content_digest(self) -> str:
        """Compute the digest once: a claim requests it five times, and a unit never changes."""
        content = {each.name: getattr(self, each.name) for each in fields(self) if each.compare}
        for name in _OF_THREADS if self.parts == 1 and not self.before else ():
            del content[name]
        # Empty later additions are left out, so that approvals from before they existed remain
        # valid.
        if not self.references:
            del content["references"]
        if not self.leads:
            del content["leads"]
        if self.price is None:
            del content["price"]
        if not self.sold:
            del content["sold"]
        if not self.options:
            del content["options"]
        return hashlib.sha256(canonical_json(content)).hexdigest()

    def approved_content(self) -> tuple[object, ...]:
        """Return the content that an approval covers, part by part: all that viewers see, without
        destination and flags."""
        earlier = ((part.texts, _media_identity(part.media), (), None, ()) for part in self.before)
        asked = (
            () if self.price is None else (self.price,)
        )  # keeps approvals valid that predate prices
        chosen = (self.options,) if self.options else ()
        whole = (
            self.texts,
            _media_identity(self.media),
            self.buttons,
            self.invoice,
            self.references,
            *asked,
            *chosen,
        )
        return (*earlier, whole)

    @property
    def all_media(self) -> tuple[Medium, ...]:
        """Return the media of the earlier parts and of this one."""
        return (*(medium for part in self.before for medium in part.media), *self.media)

    @property
    def all_texts(self) -> tuple[str, ...]:
        """Return every text of the earlier parts and of this one, in the order shown."""
        return (*(text for part in self.before for text in part.visible_texts), *self.visible_texts)

    def text_of(self, where: str) -> str:
        """Return the text of a field, or ""."""
        return next((text.body for text in self.texts if text.field == where), "")

    @property
    def texts_by_field(self) -> dict[str, str]:
        """Return the texts of this part by field. The fields of media and buttons are numbered."""
        found = {text.field: text.body for text in self.texts}
        for index, medium in enumerate(self.media):
            found |= {f"alt:{index}": medium.alt, f"file:{index}": medium.name}
        found |= {f"button:{index}": one.label for index, one in enumerate(self.buttons)}
        read = (one for one in self.options if one.read)
        return found | {f"option:{one.name}": "\n".join(one.values) for one in read}

    @property
    def written_texts(self) -> tuple[str, ...]:
        """Return all sentences and labels of this part and the earlier ones: every text except file
        names, and the names on surfaces."""
        return replace(
            self,
            texts=tuple(text for text in self.texts if not (self.is_surface and text.is_label)),
            media=tuple(replace(medium, name="") for medium in self.media),
            before=tuple(
                replace(part, media=tuple(replace(medium, name="") for medium in part.media))
                for part in self.before
            ),
        ).all_texts

    @property
    def post_texts(self) -> tuple[str, ...]:
        """Return the texts of this part that make it a post, in the order shown. Options alone do
        not make a post."""
        own = [
            *UnitPart(self.texts, self.media).visible_texts,
            *(button.label for button in self.buttons),
        ]
        if self.invoice is not None:
            own += [self.invoice.title, self.invoice.description]
        return tuple(own)

    @property
    def visible_texts(self) -> tuple[str, ...]:
        """Return every text of this part that viewers may read, in the order shown."""
        return (
            *self.post_texts,
            *(value for one in self.options if one.read for value in one.values),
        )


def as_earlier_parts(units: Sequence[Unit]) -> tuple[UnitPart, ...]:
    """Return units as the earlier parts of a following one."""
    return tuple(UnitPart(one.texts, one.media) for one in units)


def combine_parts(units: Sequence[Unit]) -> Unit:
    """Return the last part with all earlier ones, so that the thread is locked and judged as a
    whole."""
    return replace(units[-1], before=as_earlier_parts(units[:-1]))


def _media_identity(media: tuple[Medium, ...]) -> tuple[object, ...]:
    return tuple((medium.sha256, medium.alt, medium.name) for medium in media)
