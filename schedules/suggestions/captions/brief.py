"""The brief of a caption request: a set of texts, versions for accounts, or translations. Pure."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer

from foundation.errors import BadInput
from gate.surfaces.model_texts import TextJudge
from schedules.suggestions.shared.forbidden_words import reject_forbidden_words
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from schedules.suggestions.shared.text_rules import check_request

MAX_BRIEF_CHANNELS = 5
MAX_IDEA_LENGTH = 500
"""Maximum number of characters in an idea; the maximum for a tone is `_TONE`."""

MAX_SOURCE_LENGTH = 600
"""Maximum number of characters in a text to translate: prompt and answer must fit the smallest
context window of the supported engines."""

_TONE = 200
_WORDS = 200

StoredAsset = Annotated[
    UUID | None,
    BeforeValidator(lambda stored: stored or None),
    PlainSerializer(lambda asset: str(asset or "")),
]
"""An asset ID; None is stored as ""."""


@dataclass(frozen=True)
class CaptionSetBrief:
    """A request for captions; at least one of `kit`, `places` and `into` is set.

    `idea` is the topic, `picture` describes an image of the creator, and `source` is a text to
    translate into the languages `into`. `forbidden` are words that the creator never uses.
    """

    creator_id: UUID
    idea: str
    language: str
    tone: str = ""
    forbidden: tuple[str, ...] = ()
    asset: StoredAsset = None
    picture: str = ""
    kit: bool = True
    places: tuple[UUID, ...] = ()
    source: str = ""
    into: tuple[str, ...] = ()

    def check_brief(self, judge: TextJudge) -> None:
        """Raise BadInput for an incomplete brief, excessive lengths, forbidden words, and texts
        that no model is asked about."""
        if not (self.kit or self.places or self.into):
            raise BadInput("kit.nothing_asked")
        if (self.kit or self.places) and not (self.idea or self.picture):
            raise BadInput("kit.no_idea").about("idea")
        if self.into and not self.source:
            raise BadInput("kit.no_source")
        if not {self.language, *self.into} <= set(WRITABLE_LANGUAGES):
            raise BadInput("kit.language_unknown")
        if len(self.places) > MAX_BRIEF_CHANNELS:
            raise BadInput("kit.too_many", most=MAX_BRIEF_CHANNELS)
        if (
            len(self.idea) > MAX_IDEA_LENGTH
            or len(self.tone) > _TONE
            or len(self.forbidden) > _WORDS
        ):
            raise BadInput("kit.too_long", most=MAX_IDEA_LENGTH)
        if len(self.source) > MAX_SOURCE_LENGTH:
            raise BadInput("kit.too_long", most=MAX_SOURCE_LENGTH)
        said = (self.idea, self.picture, self.source)
        reject_forbidden_words(" \n ".join(said), self.forbidden)
        check_request(judge, said)
