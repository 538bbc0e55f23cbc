"""What a text model is asked to write around one idea: a kit, versions for accounts, translations. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from foundation.errors import BadInput
from schedules.suggestions.shared import minor_terms
from schedules.suggestions.shared.forbidden_words import reject_forbidden_words
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES

MAX_BRIEF_CHANNELS = 5
MAX_IDEA_LENGTH = 500
"""Characters of an idea; a tone has 200."""

MAX_SOURCE_LENGTH = 600
"""Characters of a text that is translated: question and answer fit the smallest window of our engines."""

_TONE = 200
_WORDS = 200


@dataclass(frozen=True)
class CaptionSetBrief:
    """What somebody asks for. Without `kit`, `places` and `into` there is nothing to write.

    `idea` is what it is about, `picture` the words that stand for a picture of hers; `source` is a text to translate
    `into` other languages. `forbidden` are words the creator never uses.
    """

    creator_id: UUID
    idea: str
    language: str
    tone: str = ""
    forbidden: tuple[str, ...] = ()
    asset: UUID | None = None
    picture: str = ""
    kit: bool = True
    places: tuple[UUID, ...] = ()
    source: str = ""
    into: tuple[str, ...] = ()

    def check_brief(self) -> None:
        """Raise BadInput for what nobody could write from, and for words that are never used or never written."""
        if not (self.kit or self.places or self.into):
            raise BadInput("kit.nothing_asked")
        if (self.kit or self.places) and not (self.idea or self.picture):
            raise BadInput("kit.no_idea")
        if self.into and not self.source:
            raise BadInput("kit.no_source")
        if not {self.language, *self.into} <= set(WRITABLE_LANGUAGES):
            raise BadInput("kit.language_unknown")
        if len(self.places) > MAX_BRIEF_CHANNELS:
            raise BadInput("kit.too_many", most=MAX_BRIEF_CHANNELS)
        if len(self.idea) > MAX_IDEA_LENGTH or len(self.tone) > _TONE or len(self.forbidden) > _WORDS:
            raise BadInput("kit.too_long", most=MAX_IDEA_LENGTH)
        if len(self.source) > MAX_SOURCE_LENGTH:
            raise BadInput("kit.too_long", most=MAX_SOURCE_LENGTH)
        said = (self.idea, self.picture, self.source)
        reject_forbidden_words(" \n ".join(said), self.forbidden)
        if minor_terms.is_about_minor([one for one in said if one]):
            raise BadInput("kit.never_written")


def dump_brief(wish: CaptionSetBrief) -> dict[str, Any]:
    """As the database keeps it."""
    kept: dict[str, Any] = {
        name: getattr(wish, name) for name in ("idea", "language", "tone", "picture", "kit", "source")
    }
    kept |= {"forbidden": list(wish.forbidden), "into": list(wish.into)}
    return kept | {"places": [str(one) for one in wish.places], "asset": str(wish.asset or "")}


def load_brief(creator_id: UUID, kept: Mapping[str, Any]) -> CaptionSetBrief:
    """What `stored` wrote."""
    return CaptionSetBrief(
        creator_id=creator_id,
        idea=kept["idea"],
        language=kept["language"],
        tone=kept["tone"],
        forbidden=tuple(kept["forbidden"]),
        asset=UUID(kept["asset"]) if kept["asset"] else None,
        picture=kept["picture"],
        kit=kept["kit"],
        places=tuple(map(UUID, kept["places"])),
        source=kept["source"],
        into=tuple(kept["into"]),
    )
