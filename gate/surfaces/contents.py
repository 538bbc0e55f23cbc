"""Content that one surface is about to show or request, and what of it may be shown. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from foundation.i18n.translation import Message
from gate.contract.facts import ViewerFacts
from gate.contract.reasons import Reason
from gate.contract.units import (
    SUBJECT_SURFACE,
    LinkReplacement,
    Medium,
    Rating,
    Subject,
    Text,
    Unit,
)
from gate.decision.decide import Decision

NO_ID = UUID(int=0)
"""The creator of content of the agency itself, and the subject of all content on surfaces."""


@dataclass(frozen=True)
class Reader:
    """A reader on a platform, with the facts about their age. The ID is that of the platform."""

    user_id: str = ""
    age: ViewerFacts | None = None


UNKNOWN_READER = Reader()
"""A reader of whom nothing is known, such as a visitor of a page or the holder of a link."""


@dataclass(frozen=True)
class Content:
    """Content that one surface is about to show or request.

    `surface` is a row of the policy, such as `page.client_link`. The texts are in display order,
    with their fields. `creators` are those that it is about, the first of which owns its links;
    none for the agency itself. `links` are the addresses that a redirect or button leads to, and
    `linking_place` is the surface on which they are shown, "" for any.
    """

    surface: str
    creators: tuple[UUID, ...] = ()
    texts: tuple[Text, ...] = ()
    media: tuple[Medium, ...] = ()
    links: tuple[LinkReplacement, ...] = ()
    linking_place: str = ""
    reader: Reader = UNKNOWN_READER
    language: str = ""
    text_ai: str = "none"

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the texts that are names and no sentences."""
        return tuple(text.body for text in self.texts if text.is_label)

    def to_unit(self, tenant_id: UUID) -> Unit:
        """Return the unit that the rules judge."""
        return Unit(
            tenant_id=tenant_id,
            creator_id=self.creators[0] if self.creators else NO_ID,
            subject=Subject(SUBJECT_SURFACE, NO_ID),
            platform=self.surface.partition(".")[0],
            surface=self.surface,
            channel_id=NO_ID,
            account="",
            audience="viewer" if self.reader.user_id else "public",
            texts=self.texts,
            media=self.media,
            viewer=self.reader.user_id,
            language=self.language,
            text_ai=self.text_ai,
            leads=self.links,
        )


@dataclass(frozen=True)
class ShownContent:
    """The part of its content that a surface shows: all, or nothing and the sentence `withheld`."""

    surface: str
    rating: Rating
    texts: tuple[Text, ...] = ()
    media: tuple[Medium, ...] = ()
    links: tuple[LinkReplacement, ...] = ()
    withheld: Message | None = None

    @property
    def is_whole(self) -> bool:
        """Return True if the content may be shown."""
        return self.withheld is None

    @cached_property
    def _by_field(self) -> dict[str, str]:
        return {text.field: text.body for text in self.texts}

    def text_of(self, field: str, otherwise: str = "") -> str:
        """Return the text of a field, or `otherwise` if it may not be shown."""
        return self._by_field.get(field, "") if self.is_whole else otherwise


@dataclass(frozen=True)
class SurfaceDecision(Decision):
    """The decision about content on a surface, with what is shown of it."""

    shown: ShownContent = ShownContent("", Rating.X, withheld=Message("surface.withheld"))

    def refusal_code(self, codes: Mapping[Reason, str]) -> str:
        """Return the message code of the first of these reasons, the most serious first, that
        applies, or else that of the main reason. "" if the content is allowed."""
        if self.is_allowed:
            return ""
        named = (code for reason, code in codes.items() if reason in self.reasons)
        return next(named, self.main_reason.code)


def with_shown_content(decision: Decision, content: Content) -> SurfaceDecision:
    """Return the decision with what is shown of the content."""
    shown = ShownContent(
        content.surface, decision.rating, content.texts, content.media, content.links
    )
    if not decision.is_allowed:
        withheld = Message("surface.withheld")
        shown = replace(shown, texts=(), media=(), links=(), withheld=withheld)
    return SurfaceDecision(
        verdict=decision.verdict,
        reasons=decision.reasons,
        rating=decision.rating,
        flags=decision.flags,
        bundle=decision.bundle,
        shown=shown,
    )
