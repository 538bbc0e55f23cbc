"""Check of reference pictures that a model may follow: they must show the creator, with consent.

The check runs when a picture is selected, when a run is requested and when it executes. Sending
references to an external engine requires more (`check_external_reference_use`). The results are
judged like any other generated content, and depict the same persons.
"""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from gate.consent.grants import has_ai_consent
from gate.contract.facts import MediumFacts, PersonFacts
from gate.contract.states import PersonState
from gate.contract.units import Rating
from gate.decision import resemblance_rules
from gate.decision.depiction_rules import REAL_PERSON_KINDS
from gate.decision.shoot_card_terms import people_of_medium
from gate.evidence import media_facts
from gate.faces import known_faces
from gate.people import persons
from gate.people.models import Person


def check_reference_pictures(scope: Scope, creator_id: UUID, digests: Collection[str]) -> None:
    """Check that these bytes may be used as references for this creator.

    Raises NotFound for unknown bytes. Raises Refused if a picture is withheld, resembles a banned
    person or another one, or shows no person, another person or several people; and if the person
    is no longer active, did not permit AI likenesses, or is synthetic and undeclared.
    """
    known = media_facts.media_facts_of_bytes(scope, sorted(set(digests)))
    if len(known) < len(set(digests)):
        raise NotFound("asset.unknown")
    if any(medium.banned for medium in known):
        raise Refused("never.looks_like")
    for medium in known:
        _check_reference(scope, creator_id, medium)


LEAVES = (Rating.G, Rating.S)
"""Ratings that may be sent to external engines. Stability forbids sexually explicit content
(https://stability.ai/use-policy), and models on Replicate differ: Nudity, Explicit and unrated
pictures are sent to neither."""


def check_external_reference_use(scope: Scope, creator_id: UUID, digests: Collection[str]) -> None:
    """Check that these bytes may be sent to an external engine to make pictures of this creator.

    Raises the errors of `check_reference_pictures`, and Refused for pictures that are rated above
    Suggestive or not rated.
    """
    check_reference_pictures(scope, creator_id, digests)
    for medium in media_facts.media_facts_of_bytes(scope, sorted(set(digests))):
        if medium.rating not in LEAVES or medium.unanswered or medium.unsettled:
            raise Refused(
                "outgoing.rating", rating=str(medium.rating) if medium.rating is not None else "-"
            )


def check_creator_may_be_generated(scope: Scope, creator_id: UUID) -> None:
    """Raise Refused unless a person is recorded as the creator and a model may generate them."""
    known = scope.session.exec(
        select(Person.id).where(
            Person.tenant_id == scope.tenant_id, Person.creator_id == creator_id
        )
    ).all()
    if not known:
        raise Refused("outgoing.nobody")
    wrong: Refused | None = None
    for person in media_facts.person_facts(scope, known):
        try:
            _is_theirs(scope, creator_id, person)
        except Refused as refused:
            wrong = refused
        else:
            return
    raise wrong or Refused("outgoing.nobody")


def can_compare_faces(scope: Scope, digests: Collection[str]) -> bool:
    """Return True if every real person in these bytes agreed to face comparison."""
    living = {
        person.twin_of or person.id
        for medium in media_facts.media_facts_of_bytes(scope, sorted(set(digests)))
        for person in media_facts.person_facts(scope, people_of_medium(medium))
        if person.kind in REAL_PERSON_KINDS
    }
    subjects = [known_faces.find_face_consent(scope, one) for one in living]
    return all(one is not None and one.basis == known_faces.FACE_AGREED for one in subjects)


def _check_reference(scope: Scope, creator_id: UUID, medium: MediumFacts) -> None:
    if medium.state != "made" or medium.rating is Rating.X or medium.blocked:
        raise Refused("look.withheld")
    if any(one.state == "proposed" for one in medium.shown):
        raise Refused("look.open")
    shown = media_facts.person_facts(scope, people_of_medium(medium))
    if not shown:
        raise Refused("look.nobody")
    for person in shown:
        _is_theirs(scope, creator_id, person)
    if medium.bystanders or (medium.people_seen is not None and medium.people_seen > len(shown)):
        raise Refused("look.several")
    behind = {person.id for person in shown} | {person.twin_of for person in shown}
    for found in medium.likeness.resembles:
        if found.person not in behind - {None} and not resemblance_rules.has_enough_reviewers(
            found.said, needed=resemblance_rules.GENERATED_REVIEWERS
        ):
            raise Refused("look.resembles")


def _is_theirs(scope: Scope, creator_id: UUID, person: PersonFacts) -> None:
    """Raise Refused unless the person is the creator or the creator's AI double, and a model may
    generate them."""
    living = person.twin_of or person.id
    record = persons.get_person(scope, person.id)
    if creator_id not in (record.creator_id, persons.get_person(scope, living).creator_id):
        raise Refused("look.other", name=record.display_ref)
    if person.state is not PersonState.ACTIVE:
        raise Refused("look.left", name=record.display_ref)
    if person.kind in REAL_PERSON_KINDS and not has_ai_consent(scope, living):
        raise Refused("look.not_allowed", name=record.display_ref)
    if person.kind not in REAL_PERSON_KINDS and person.declaration is None:
        raise Refused("look.undeclared", name=record.display_ref)
