"""People and pictures for a look: who the creator is, who agreed that a model makes them, and who
is named in what."""

from datetime import timedelta
from uuid import UUID

from foundation.ops.clock import wall_now
from gate.consent.grants import grant_consent
from gate.contract.units import Rating
from gate.people import persons
from gate.ratings import ratings
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio


def add_photo(nova: CreatorStudio, seed: int) -> UUID:
    """A photograph of the library."""
    return nova.upload(encoded(a_picture(96, 64, seed=seed)))


def add_creator_person(nova: CreatorStudio, *, kind: str = "real", creator: bool = True) -> UUID:
    """Somebody: who the creator is, or another one."""
    with nova.scope() as scope:
        mine = nova.creator_id if creator else None
        return persons.add_person(scope, kind=kind, display_ref="Léa", creator_id=mine)


def add_consenting_creator(nova: CreatorStudio) -> UUID:
    """Who the creator is, having agreed that a model makes their likeness."""
    person = add_creator_person(nova)
    with nova.scope() as scope:
        grant_consent(
            scope,
            person,
            what="ai_likeness",
            surfaces=["sandbox"],
            max_rating=Rating.N,
            valid_from=wall_now() - timedelta(days=1),
            valid_until=wall_now() + timedelta(days=90),
            evidence_digest="e" * 64,
            signed_by=person,
        )
    return person


def name_people(nova: CreatorStudio, asset: UUID, *shown: UUID) -> UUID:
    """A picture in which somebody said who is shown."""
    with nova.scope() as scope:
        for person in shown:
            ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:x")
    return asset
