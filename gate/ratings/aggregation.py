"""One rating out of everything that was said of some bytes and of their family. Pure.

The highest counts. A machine that advises raises what somebody said; where nobody said anything,
that stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gate.contract.units import Rating, highest_rating

CLASSIFIER = "classifier"
"""How the sources of machines begin; what follows up to the @ is which of them, then its
version."""

MEMBER_SOURCE = "member:"
"""How the sources of people begin."""

LOWERING_SOURCE = "lowering:"
"""How the sources of ratings begin that people lowered; what follows is the wish
(`gate/reviews/rating_reductions.py`)."""

PEOPLE = (MEMBER_SOURCE, LOWERING_SOURCE)

CLASSIFIER_SOURCE = f"{CLASSIFIER}:"
"""How those begin that only advise: they raise what somebody said, and where nobody said anything,
that stays so."""

DECLARED_WORDS_SOURCE = "declared:words"
"""The words that bytes were made from: advice, too, of what was asked for and not of what can be
seen."""

SURE = 2
"""So many people rated some bytes before a machine goes higher: then a person looks once more,
once."""

FAR_APART = 2
"""Steps of the ladder between two classifiers from which on a person decides."""


@dataclass(frozen=True)
class AggregatedRating:
    """The rating of some bytes; `prohibited` is minor, category or nothing."""

    rating: Rating | None
    prohibited: str = ""
    unsettled: bool = False
    """Two classifiers are far apart, and nobody has said which of them is right."""
    by_person: bool = False
    raised_at: datetime | None = None
    """When a machine first went above what two people had said, where nobody has rated since."""
    lowered_by: frozenset[UUID] = frozenset()
    """Who stands behind the lowerings that make it what it is."""
    lowering_void: bool = False
    """Somebody lowered it and that does not count, or not any more."""


def aggregate_ratings(sha256: str, found: Sequence[Any]) -> AggregatedRating:
    """One rating out of those of the bytes and of their family. Where only machines that advise
    spoke of the bytes themselves they are unrated, but for what is never allowed."""
    own = [row for row in found if row.sha256 == sha256]
    parts = []
    minor = False
    for row in found if own else ():
        rating = Rating(row.rating)
        floor = Rating.S if rating in (Rating.N, Rating.E) else rating
        parts.append(rating if row.depth == 0 or rating is Rating.X else floor)
        minor = minor or row.code == "prohibited.minor"
    rating = highest_rating(parts)
    if rating is Rating.X:
        return AggregatedRating(rating, "minor" if minor else "category")
    if all(row.source.startswith((CLASSIFIER_SOURCE, DECLARED_WORDS_SOURCE)) for row in own):
        return AggregatedRating(None, unsettled=_is_unsettled(own))
    by_person = any(row.source.startswith(PEOPLE) for row in own)
    return AggregatedRating(
        rating, unsettled=_is_unsettled(own), by_person=by_person, raised_at=_raised_at(own)
    )


def _raised_at(own: Sequence[Any]) -> datetime | None:
    """When a machine first went above what two people or more had said; None once somebody rated
    after it."""
    people: set[str] = set()
    highest_said = -1
    raised = None
    for row in sorted(own, key=lambda each: each.at):
        rank = Rating(row.rating).rank
        if row.source.startswith(PEOPLE):
            people.add(row.source)
            if row.source.startswith(LOWERING_SOURCE):
                people.add(f"{row.source}:asked")  # who asked and who agreed: two at least
            highest_said = max(highest_said, rank)
            if raised is not None:
                return None
        elif (
            row.source.startswith(CLASSIFIER_SOURCE) and len(people) >= SURE and rank > highest_said
        ):
            raised = raised or row.at
    return raised


def _is_unsettled(own: Sequence[Any]) -> bool:
    """Whether classifiers differ by two steps or more and no person rated the bytes as high as the
    highest of them."""
    said: dict[str, int] = {}
    for row in own:
        name, _, _ = row.source.partition("@")
        said[name] = max(said.get(name, 0), Rating(row.rating).rank)
    machines = [rank for name, rank in said.items() if name.startswith(CLASSIFIER)]
    people = max((rank for name, rank in said.items() if name.startswith(PEOPLE)), default=-1)
    return (
        len(machines) > 1 and max(machines) - min(machines) >= FAR_APART and people < max(machines)
    )
