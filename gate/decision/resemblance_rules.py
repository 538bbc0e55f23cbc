"""Rules about resemblance: nobody invented has the face of somebody real, nobody real is shown
unnamed. Pure."""

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
"""So many others look at both: before somebody invented stays so, before a face in a photograph is
somebody else's."""

INVENTED = "synthetic"
DOUBLE = "digital_twin"


def real_faces_are_resolved(case: Case) -> Iterable[Finding]:
    """Whom a picture resembles is looked at by others, or named: as shown in a photograph, as who
    is behind a double in what a model made."""
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
    """From Nudity on, somebody invented was compared with every face that is known, where any
    are."""
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
    """Whether what a picture shows was made up: by its mark, or since somebody invented is in
    it."""
    return medium.ai == "generated" or any(person.kind == INVENTED for person in shown)


def has_enough_reviewers(
    said: Iterable[ReviewFacts], *, needed: int, author: UUID | None = None
) -> bool:
    """Whether so many others looked and said that it is somebody else, and nobody's last word is
    that it is not."""
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
    """Whom the picture resembles, and whom the pictures resemble that somebody invented in it is
    made after."""
    yield from medium.likeness.resembles
    for person in shown:
        if person.kind == INVENTED:
            yield from (person.likeness or FaceComparisonFacts()).resembles


def _is_resemblance_resolved(
    found: ResemblanceFacts, shown: Iterable[PersonFacts], *, invented: bool, author: UUID | None
) -> bool:
    """Whether they are named there, so that what they allowed is asked for; or others say that it
    is somebody else."""
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
    """A double stands for the person behind it everywhere; the person themselves only where nothing
    was made up."""
    return (shown.kind == DOUBLE and shown.twin_of == real) or (shown.id == real and not invented)


RESEMBLANCE_RULES = (real_faces_are_resolved, faces_were_compared)
