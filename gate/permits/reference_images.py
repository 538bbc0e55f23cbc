"""Whether a model may keep to the look of pictures: a creator's own, said by people, with what they
allowed.

It is asked when a picture is chosen, when a run is asked for and when it is made; of what is to
leave the house for it more is asked (`check_leaves`). What comes of it is judged as anything else
that a model made, and shows whom these show.
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
from gate.people import depiction_bans, persons
from gate.people.models import Person


def check_reference_pictures(scope: Scope, creator_id: UUID, digests: Collection[str]) -> None:
    """Whether these bytes may be kept to for this creator.

    Raises NotFound for bytes nobody recorded. Refused for what is withheld, looks like somebody
    never to be shown or resembles somebody else; where nobody, somebody else or more people are
    shown; and where who is shown left, did not allow that a model makes their likeness, or is
    invented and undeclared.
    """
    known = media_facts.media_facts_of_bytes(scope, sorted(set(digests)))
    if len(known) < len(set(digests)):
        raise NotFound("asset.unknown")
    depiction_bans.check_pictures_allowed(scope, digests)
    for medium in known:
        _check_reference(scope, creator_id, medium)


LEAVES = (Rating.G, Rating.S)
"""What may be sent to an engine of others. Stability forbids what is sexually explicit
(https://stability.ai/use-policy), models of Replicate differ: the house sends Nudity and Explicit
to neither, nor what nobody rated and may be that."""


def check_external_reference_use(scope: Scope, creator_id: UUID, digests: Collection[str]) -> None:
    """Whether these bytes may be sent to an engine of others, to make pictures of this creator from
    them.

    Raises as `check`, for whatever is made from them; and Refused for what is rated above
    Suggestive, or not at all.
    """
    check_reference_pictures(scope, creator_id, digests)
    for medium in media_facts.media_facts_of_bytes(scope, sorted(set(digests))):
        if medium.rating not in LEAVES or medium.unanswered or medium.unsettled:
            raise Refused(
                "outgoing.rating", rating=str(medium.rating) if medium.rating is not None else "-"
            )


def check_creator_may_be_generated(scope: Scope, creator_id: UUID) -> None:
    """Raise Refused unless somebody is written down as who a creator is, and may be made by a
    model."""
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
    """Whether everybody living who is shown in these bytes agreed that their face is known here."""
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
    """Raise Refused unless this is who the creator is, or their double, and may be made by a
    model."""
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
