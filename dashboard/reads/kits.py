"""What can be asked of the text model while a post is written, and what it wrote last."""

from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from schedules import kits
from schedules.kits import Kit
from schedules.kits_brief import LANGUAGES
from studio import library
from subscribers import persona
from tenants.reads import Creator


@dataclass(frozen=True)
class Desk:
    """All that is drawn for one creator's page; `forbidden` are words her persona never uses."""

    creator: Creator
    tone: str
    forbidden: tuple[str, ...]
    kit: Kit | None

    @property
    def language(self) -> str:
        """The first language of hers that texts may be asked for in."""
        return next((one for one in self.creator.languages if one in LANGUAGES), LANGUAGES[0])


def desk(scope: Scope, creator: Creator, draft: UUID) -> Desk:
    """What one creator may be written, and the last kit of this page that its reader asked for."""
    manner = persona.manner(scope, creator.id)
    return Desk(
        creator=creator,
        tone=manner.tone,
        forbidden=manner.forbidden,
        kit=kits.newest(scope, creator.id, draft),
    )


def picture_of(scope: Scope, asset_id: UUID) -> str:
    """The words that stand for a picture. Raises NotFound."""
    return library.item(scope, asset_id).alt
