"""Queries of AI-written alt texts, with the current alt texts of the images."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from schedules.suggestions.alt_texts import proposals
from schedules.suggestions.alt_texts.proposals import AltTextProposal
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from schedules.suggestions.states import AltTextState
from studio.library.assets import alt_texts
from subscribers.replies import persona
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class AltTextEntry:
    """A proposed alt text with the current one."""

    proposal: AltTextProposal
    now: str


def list_alt_text_proposals(
    scope: Scope, creator_id: UUID, assets: Sequence[UUID]
) -> list[AltTextEntry]:
    """Return the proposals for these images in their order, including pending proposals."""
    found = proposals.latest_alt_texts(scope, creator_id, assets)
    have = alt_texts(scope, found)
    return [AltTextEntry(found[asset], have.get(asset, "")) for asset in assets if asset in found]


def pending_assets(found: Sequence[AltTextEntry]) -> frozenset[UUID]:
    """Return the IDs of the proposals that the model has not answered yet."""
    return frozenset(one.proposal.id for one in found if one.proposal.state is AltTextState.WAITING)


def description_style(scope: Scope, creator: Creator) -> tuple[str, tuple[str, ...]]:
    """Return the language for a creator's alt texts and the words that they must not contain."""
    language = next(
        (one for one in creator.languages if one in WRITABLE_LANGUAGES), WRITABLE_LANGUAGES[0]
    )
    return language, persona.writing_style_of_creator(scope, creator.id).forbidden
