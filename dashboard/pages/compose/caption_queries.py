"""Queries of AI captions: the creator's writing style and the latest captions of a draft."""

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
    """The AI captions of one creator. `forbidden` are words that the persona never uses."""

    creator: Creator
    tone: str
    forbidden: tuple[str, ...]
    kit: CaptionSet | None

    @property
    def default_language(self) -> str:
        """The creator's first language that is supported for captions."""
        return next(
            (one for one in self.creator.languages if one in WRITABLE_LANGUAGES),
            WRITABLE_LANGUAGES[0],
        )


def load_captions(scope: Scope, creator: Creator, draft: UUID) -> CaptionsView:
    """Return the writing style of a creator and the latest captions that were requested for this
    draft."""
    manner = persona.writing_style_of_creator(scope, creator.id)
    return CaptionsView(
        creator=creator,
        tone=manner.tone,
        forbidden=manner.forbidden,
        kit=proposals.latest_captions(scope, creator.id, draft),
    )


def picture_description(scope: Scope, asset_id: UUID) -> str:
    """Return the alt text of a picture. Raise NotFound for an unknown picture."""
    return assets.get_asset(scope, asset_id).alt
