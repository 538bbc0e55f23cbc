"""Words that a model proposes for pictures, beside those they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from schedules import alts
from schedules.alts import Proposal
from schedules.kits_brief import LANGUAGES
from schedules.states import ProposalState
from studio import library
from subscribers import persona
from tenants.reads import Creator


@dataclass(frozen=True)
class Offer:
    """A proposal with the words the picture has now."""

    proposal: Proposal
    now: str


def offers(scope: Scope, creator_id: UUID, assets: Sequence[UUID]) -> list[Offer]:
    """What is proposed for these pictures, in their order; those that wait for the model included."""
    found = alts.newest(scope, creator_id, assets)
    have = library.words_of(scope, found)
    return [Offer(found[asset], have.get(asset, "")) for asset in assets if asset in found]


def waiting(found: Sequence[Offer]) -> frozenset[UUID]:
    """Those of them that the model is still asked for."""
    return frozenset(one.proposal.id for one in found if one.proposal.state is ProposalState.WAITING)


def wanted(scope: Scope, creator: Creator) -> tuple[str, tuple[str, ...]]:
    """The language her pictures are described in, and the words she never uses."""
    language = next((one for one in creator.languages if one in LANGUAGES), LANGUAGES[0])
    return language, persona.manner(scope, creator.id).forbidden
