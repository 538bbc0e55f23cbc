"""What can be asked of the text model while a post is written, and what it wrote last."""

from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from schedules.suggestions.captions import proposals
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from studio.library import assets
from subscribers.replies import persona
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class CaptionsView:
    """All that is drawn for one creator's page; `forbidden` are words her persona never uses."""

    creator: Creator
    tone: str
    forbidden: tuple[str, ...]
    kit: CaptionSet | None

    @property
    def default_language(self) -> str:
        """The first language of hers that texts may be asked for in."""
        return next(
            (one for one in self.creator.languages if one in WRITABLE_LANGUAGES),
            WRITABLE_LANGUAGES[0],
        )


def load_captions(scope: Scope, creator: Creator, draft: UUID) -> CaptionsView:
    """What one creator may be written, and the last kit of this page that its reader asked for."""
    manner = persona.writing_style_of_creator(scope, creator.id)
    return CaptionsView(
        creator=creator,
        tone=manner.tone,
        forbidden=manner.forbidden,
        kit=proposals.latest_captions(scope, creator.id, draft),
    )


def picture_description(scope: Scope, asset_id: UUID) -> str:
    """The words that stand for a picture. Raises NotFound."""
    return assets.get_asset(scope, asset_id).alt
