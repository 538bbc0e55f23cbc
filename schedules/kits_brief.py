"""What a text model is asked to write around one idea: a kit, versions for accounts, translations. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from foundation.errors import BadInput
from schedules import kits_minors
from schedules.weeks_brief import refuse

LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl", "pl", "ro", "ja")
"""In which texts may be asked for (ISO 639-1)."""

MOST_PLACES = 5
LONGEST = 500
"""Characters of an idea; a tone has 200."""

LONGEST_SOURCE = 600
"""Characters of a text that is translated: question and answer fit the smallest window of our engines."""

_TONE = 200
_WORDS = 200


@dataclass(frozen=True)
class Wish:
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

    def check(self) -> None:
        """Raise BadInput for what nobody could write from, and for words that are never used or never written."""
        if not (self.kit or self.places or self.into):
            raise BadInput("kit.nothing_asked")
        if (self.kit or self.places) and not (self.idea or self.picture):
            raise BadInput("kit.no_idea")
        if self.into and not self.source:
            raise BadInput("kit.no_source")
        if not {self.language, *self.into} <= set(LANGUAGES):
            raise BadInput("kit.language_unknown")
        if len(self.places) > MOST_PLACES:
            raise BadInput("kit.too_many", most=MOST_PLACES)
        if len(self.idea) > LONGEST or len(self.tone) > _TONE or len(self.forbidden) > _WORDS:
            raise BadInput("kit.too_long", most=LONGEST)
        if len(self.source) > LONGEST_SOURCE:
            raise BadInput("kit.too_long", most=LONGEST_SOURCE)
        said = (self.idea, self.picture, self.source)
        refuse(" \n ".join(said), self.forbidden)
        if kits_minors.speaks_of([one for one in said if one]):
            raise BadInput("kit.never_written")


def stored(wish: Wish) -> dict[str, Any]:
    """As the database keeps it."""
    kept: dict[str, Any] = {
        name: getattr(wish, name) for name in ("idea", "language", "tone", "picture", "kit", "source")
    }
    kept |= {"forbidden": list(wish.forbidden), "into": list(wish.into)}
    return kept | {"places": [str(one) for one in wish.places], "asset": str(wish.asset or "")}


def read(creator_id: UUID, kept: Mapping[str, Any]) -> Wish:
    """What `stored` wrote."""
    return Wish(
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
