"""What the gate judges: the unit. Values only; no database here, so connectors may take them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from foundation.canonical_json import OMIT_FROM_DIGEST, OMIT_IF_EMPTY, canonical_json
from foundation.money import Money


class Rating(StrEnum):
    """General, Suggestive, Nudity, Explicit, and X: never allowed."""

    G = "G"
    S = "S"
    N = "N"
    E = "E"
    X = "X"

    @property
    def rank(self) -> int:
        """0 for G … 4 for X; the highest of any part is the unit's."""
        return "GSNEX".index(self.value)


class Verdict(StrEnum):
    """Allow, allow with the platform's flags, hold for a person, block; the maximum over all checks
    counts."""

    A = "A"
    F = "F"
    H = "H"
    B = "B"

    @property
    def rank(self) -> int:
        """0 for A … 3 for B."""
        return "AFHB".index(self.value)


def highest_rating(ratings: "list[Rating]") -> Rating:
    """The highest rating of the parts; G of none."""
    return max(ratings, key=lambda rating: rating.rank, default=Rating.G)


@dataclass(frozen=True)
class Subject:
    """What is carried: `kind` is delivery, draft, fulfilment or export; its state belongs to the
    room above."""

    kind: str
    id: UUID


DUTY_FLAG = "platform_duty=confirmed"
"""The mark of a post that a person makes where the platform asks for more than a request can show:
they confirm it in their task with a screenshot."""

SUBJECT_SOLD = "fulfilment"
"""The kind of the first delivery of a pack. Units that were stored before `Unit.sold` existed are
recognised as sales by it."""


@dataclass(frozen=True)
class Text:
    """One visible text: `field` is where it shows (body, title, alt:0, button:0, file:0 …)."""

    field: str
    body: str


@dataclass(frozen=True)
class Medium:
    """One rendition by its digest; `ai` is none, assisted or generated, taken from the asset's
    record."""

    sha256: str
    mime: str
    size: int
    alt: str = ""
    ai: str = "none"
    name: str = ""
    width: int = 0
    height: int = 0
    """Pixels, upright; 0 where nobody knows."""
    seconds: int = field(default=0, compare=False, metadata=OMIT_FROM_DIGEST)
    """Of a film or a sound, rounded; 0 of a picture, and where nobody knows. Its bytes say it: no
    digest does."""


@dataclass(frozen=True)
class Button:
    """A button drawn by code under a message: `action` is a closed word (buy, age, purchases),
    `ref` an id."""

    label: str
    action: str
    ref: str


@dataclass(frozen=True)
class Invoice:
    """A demand for money inside a message: what, how much, and the payload that comes back with the
    payment."""

    title: str
    description: str
    amount_minor: int
    currency: str
    payload: str
    period_days: int = field(default=0, metadata=OMIT_IF_EMPTY)
    """Asked again so often, by the platform itself; 0 for what is paid once."""


@dataclass(frozen=True)
class Reference:
    """What a unit points at on its platform instead of carrying it. `native_id` is the platform's.

    `kind` says how: reuse (a file that lies there), quote, repost (also: forward, copy) or reply,
    all of something of ours; or remark, which is somebody else's, said where we could hear it, and
    answered.
    """

    kind: str
    native_id: str


HAS_FIRST_COMMENT = "has"
IS_FIRST_COMMENT = "is"
"""What a unit is of a post with a first comment and no other part."""

REPOST_KIND = "passed_on"
"""What a unit is in the place of a comment that shows a post of ours once more, to those who follow
its place."""

COMMENT_REFERENCE = "remark"
"""The one kind of reference that is not to a copy of ours."""


@dataclass(frozen=True)
class LinkReplacement:
    """An address of ours in a text and the one its author wrote, which is judged: `shown` leads
    there, or is the same with marks of where a reader came from."""

    shown: str
    target: str


@dataclass(frozen=True)
class PlatformOption:
    """Something a post chose on its platform beside its words. What people may `read` of it is
    judged as words are; none of it loosens a rule: marks are told beside it, whatever it says."""

    name: str
    values: tuple[str, ...]
    read: bool = field(default=False, metadata=OMIT_IF_EMPTY)


@dataclass(frozen=True)
class UnitPart:
    """One part of a thread, as readers see it."""

    texts: tuple[Text, ...] = ()
    media: tuple[Medium, ...] = ()

    @property
    def visible_texts(self) -> tuple[str, ...]:
        """Every text of it somebody may read, in the order shown."""
        alts = [medium.alt for medium in self.media if medium.alt]
        return (
            *(text.body for text in self.texts),
            *alts,
            *(medium.name for medium in self.media if medium.name),
        )


_OF_THREADS = frozenset({"before", "parts"})
"""Fields that only parts of threads have: the digest of what stands alone is what it was before
there were any."""


@dataclass(frozen=True)
class Unit:
    """One piece of content for one destination, account, audience and viewer.

    `surface` is a row of the policy, e.g. `sandbox.post`, `own_page.public`; `audience` is public
    or viewer; `viewer` is the platform's id of the one reader of a chat message. `flags` are what
    the platform must be told.
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
    """What a reader pays the platform before the media are shown; None where everybody sees
    them."""
    sold: bool = field(default=False, metadata=OMIT_IF_EMPTY)
    """The media are part of a sale, whichever way they travel: the first delivery of a pack, one
    sent again, or one that a subscription opens."""
    viewer: str = ""
    destination: str = ""
    """The platform's id of the place on the account, where an account has several (a channel of a
    bot)."""
    language: str = ""
    """What the words are written in (BCP 47); "" where nobody said."""
    flags: tuple[str, ...] = ()
    text_ai: str = "none"
    """none, assisted or generated: whether a model wrote the words; judged like a medium's mark."""
    service: str = ""
    """Code of a catalogue sentence sent as it stands (notice, receipt, refusal): the gate's text,
    not a tenant's."""
    references: tuple[Reference, ...] = ()
    """What of ours on the platform is shown with it."""
    before: tuple[UnitPart, ...] = ()
    """Of a thread, the parts above this one, the first first: it is judged together with them."""
    parts: int = 1
    """How many parts the thread has in all; 1 for what stands alone."""
    leads: tuple[LinkReplacement, ...] = ()
    """Of addresses in these texts and in those of the parts above, what they stand for."""
    options: tuple[PlatformOption, ...] = ()
    """What it chose on its platform beside its words."""
    reply_to: str = field(default="", compare=False)
    """The native id of our own copy that a part is put under. As the native key, it travels with
    the unit."""
    comment: str = field(default="", compare=False)
    """Of a post and its first comment, with no other part, `HAS_COMMENT` of the post and
    `IS_COMMENT` of the comment; `PASSED_ON` of a post shown once more; "" of any other. It travels
    as `reply_to` does."""
    native_key: str = field(default="", compare=False)
    """Travels with the unit, is no part of its digest; the wire digest covers it."""
    seen: tuple[str, ...] | None = field(default=None, compare=False)
    """What the place asks for (`Row.probes`) and was seen there in the last minute; None when
    nobody looked."""

    @property
    def comment_id(self) -> str:
        """The native id of what somebody said and this answers; "" for what answers nobody."""
        return next(
            (each.native_id for each in self.references if each.kind == COMMENT_REFERENCE), ""
        )

    @property
    def parent_id(self) -> str:
        """The native id of what it is put under: our own part above, or a remark."""
        return self.reply_to or self.comment_id

    @property
    def is_sold(self) -> bool:
        """Whether its media were paid for, or will be before they are seen."""
        return self.sold or self.price is not None or self.subject.kind == SUBJECT_SOLD

    @property
    def place_id(self) -> str:
        """The id of the place, e.g. `sandbox.post`."""
        return (
            self.surface
            if self.surface.startswith(f"{self.platform}.")
            else f"{self.platform}.{self.surface}"
        )

    def digest(self) -> str:
        """SHA-256 over the canonical form, without the native key."""
        return self._content_digest

    @cached_property
    def _content_digest(self) -> str:
        """Taken once: a claim asks five times, and a unit never changes."""
        content = {each.name: getattr(self, each.name) for each in fields(self) if each.compare}
        for name in _OF_THREADS if self.parts == 1 and not self.before else ():
            del content[name]
        if not self.references:  # a yes given before units could point at anything stays a yes
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
        """What of it people see, part by part, without its place and its marks: what somebody says
        yes to."""
        earlier = ((part.texts, _media_identity(part.media), (), None, ()) for part in self.before)
        asked = (
            () if self.price is None else (self.price,)
        )  # a yes given before there were prices stays a yes
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
        """The media of the parts above and its own."""
        return (*(medium for part in self.before for medium in part.media), *self.media)

    @property
    def all_texts(self) -> tuple[str, ...]:
        """Every text of the parts above and its own, in the order shown."""
        return (*(text for part in self.before for text in part.visible_texts), *self.visible_texts)

    def text_of(self, where: str) -> str:
        """The text of a field, or nothing."""
        return next((text.body for text in self.texts if text.field == where), "")

    @property
    def texts_by_field(self) -> dict[str, str]:
        """The texts of its own by the field they show in, those of media and buttons numbered."""
        found = {text.field: text.body for text in self.texts}
        for index, medium in enumerate(self.media):
            found |= {f"alt:{index}": medium.alt, f"file:{index}": medium.name}
        found |= {f"button:{index}": one.label for index, one in enumerate(self.buttons)}
        read = (one for one in self.options if one.read)
        return found | {f"option:{one.name}": "\n".join(one.values) for one in read}

    @property
    def written_texts(self) -> tuple[str, ...]:
        """All texts that somebody wrote as sentences or labels, those of the parts above too: all
        but file names."""
        return replace(
            self,
            media=tuple(replace(medium, name="") for medium in self.media),
            before=tuple(
                replace(part, media=tuple(replace(medium, name="") for medium in part.media))
                for part in self.before
            ),
        ).all_texts

    @property
    def post_texts(self) -> tuple[str, ...]:
        """The texts of its own that make it a post, in the order shown: a choice of its platform
        alone makes none."""
        own = [
            *UnitPart(self.texts, self.media).visible_texts,
            *(button.label for button in self.buttons),
        ]
        if self.invoice is not None:
            own += [self.invoice.title, self.invoice.description]
        return tuple(own)

    @property
    def visible_texts(self) -> tuple[str, ...]:
        """Every text of its own somebody may read, in the order shown."""
        return (
            *self.post_texts,
            *(value for one in self.options if one.read for value in one.values),
        )


def as_earlier_parts(units: Sequence[Unit]) -> tuple[UnitPart, ...]:
    """Units as the parts above the next one."""
    return tuple(UnitPart(one.texts, one.media) for one in units)


def combine_parts(units: Sequence[Unit]) -> Unit:
    """The last of some parts with all before it: to lock and to judge what they are together."""
    return replace(units[-1], before=as_earlier_parts(units[:-1]))


def _media_identity(media: tuple[Medium, ...]) -> tuple[object, ...]:
    return tuple((medium.sha256, medium.alt, medium.name) for medium in media)
