"""People and pictures for style references: the creator, their consent to generated likenesses, and
the people named in a picture."""

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
    """Add a photograph to the library."""
    return nova.upload(encoded(a_picture(96, 64, seed=seed)))


def add_creator_person(nova: CreatorStudio, *, kind: str = "real", creator: bool = True) -> UUID:
    """Add a person, either the creator or another."""
    with nova.scope() as scope:
        mine = nova.creator_id if creator else None
        return persons.add_person(scope, kind=kind, display_ref="Léa", creator_id=mine)


def add_consenting_creator(nova: CreatorStudio) -> UUID:
    """Add the creator as a person who consented to generated likenesses."""
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
    """Record the people shown in a picture."""
    with nova.scope() as scope:
        for person in shown:
            ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:x")
    return asset
