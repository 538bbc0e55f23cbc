"""Rules about resemblance: no synthetic person has the face of a real one, and no real person is
shown unnamed. Pure."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from gate.contract.facts import (
    FaceComparisonFacts,
    MediumFacts,
    PersonFacts,
    ResemblanceFacts,
    ReviewFacts,
)
from gate.contract.reasons import Finding, Reason, block_finding, hold_finding
from gate.contract.units import Rating
from gate.decision.case import Case

GENERATED_REVIEWERS = 2
PHOTO_REVIEWERS = 1
"""Number of other members who must compare both pictures, for AI-generated pictures and for
photographs."""

INVENTED = "synthetic"
DOUBLE = "digital_twin"


def real_faces_are_resolved(case: Case) -> Iterable[Finding]:
    """Require that each resemblance is resolved.

    Other members state that it is a different person, or the person is confirmed: as depicted in a
    photograph, or as the person behind the AI double in a generated picture.
    """
    for medium in case.resolved_media:
        shown = _confirmed_people(medium, case)
        invented = is_synthetic(medium, shown)
        for found in _list_resemblances(medium, shown):
            if _is_resemblance_resolved(
                found, shown, invented=invented, author=case.facts.author_principal
            ):
                continue
            reason = (
                Reason.LIKENESS_REAL_PERSON
                if invented or found.person is None
                else Reason.PERSON_UNRESOLVED
            )
            yield (block_finding if _is_sensitive(case) else hold_finding)(reason)


def faces_were_compared(case: Case) -> Iterable[Finding]:
    """Require, from Nudity on, that synthetic persons were compared with every known face, if any
    face is known."""
    if not _is_sensitive(case):
        return
    for medium in case.resolved_media:
        shown = _confirmed_people(medium, case)
        looked = [medium.likeness] if is_synthetic(medium, shown) else []
        looked += [
            one.likeness for one in shown if one.kind == INVENTED and one.likeness is not None
        ]
        if any(one.wanted and not one.searched for one in looked):
            yield hold_finding(Reason.LIKENESS_UNSEARCHED)


def is_synthetic(medium: MediumFacts, shown: Iterable[PersonFacts]) -> bool:
    """Return True if the content of a picture is invented: by its AI mark, or because a synthetic
    person is in it."""
    return medium.ai == "generated" or any(person.kind == INVENTED for person in shown)


def has_enough_reviewers(
    said: Iterable[ReviewFacts], *, needed: int, author: UUID | None = None
) -> bool:
    """Return True if at least `needed` other members stated that it is a different person, and no
    latest review contradicts them."""
    last: dict[UUID, ReviewFacts] = {}
    for one in sorted(said, key=lambda each: each.at):
        last[one.principal] = one
    others = [
        one for one in last.values() if one.approves and not one.own and one.principal != author
    ]
    return all(one.approves for one in last.values()) and len(others) >= needed


def _is_sensitive(case: Case) -> bool:
    return case.rating.rank >= Rating.N.rank


def _confirmed_people(medium: MediumFacts, case: Case) -> tuple[PersonFacts, ...]:
    confirmed = {one.person for one in medium.shown if one.state == "confirmed"}
    return tuple(person for person in case.facts.persons if person.id in confirmed)


def _list_resemblances(
    medium: MediumFacts, shown: Iterable[PersonFacts]
) -> Iterator[ResemblanceFacts]:
    """Yield the resemblances of the picture, and those of the reference pictures of the synthetic
    persons in it."""
    yield from medium.likeness.resembles
    for person in shown:
        if person.kind == INVENTED:
            yield from (person.likeness or FaceComparisonFacts()).resembles


def _is_resemblance_resolved(
    found: ResemblanceFacts, shown: Iterable[PersonFacts], *, invented: bool, author: UUID | None
) -> bool:
    """Return True if the person is confirmed in the picture, so that the consent rules apply to
    them, or other members state that it is a different person."""
    if found.person is not None and any(
        _can_represent(person, found.person, invented=invented) for person in shown
    ):
        return True
    return has_enough_reviewers(
        found.said,
        needed=GENERATED_REVIEWERS if invented or found.person is None else PHOTO_REVIEWERS,
        author=author,
    )


def _can_represent(shown: PersonFacts, real: UUID, *, invented: bool) -> bool:
    """Return True if a person may appear in place of a real one. An AI double may in every picture,
    the real person themselves only in pictures that are not AI-generated."""
    return (shown.kind == DOUBLE and shown.twin_of == real) or (shown.id == real and not invented)


RESEMBLANCE_RULES = (real_faces_are_resolved, faces_were_compared)
