"""Aggregation of all ratings of a file and of related assets into one.

The highest rating counts. A classifier can raise a rating; a file rated only by classifiers stays
unrated. The functions are pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gate.contract.units import Rating, highest_rating

CLASSIFIER = "classifier"
"""Prefix of classifier sources; the classifier's name and version follow, separated by @."""

MEMBER_SOURCE = "member:"
"""Prefix of member sources."""

LOWERING_SOURCE = "lowering:"
"""Prefix of ratings lowered by members; the ID of the request follows.

See `gate/reviews/rating_reductions.py`.
"""

PEOPLE = (MEMBER_SOURCE, LOWERING_SOURCE)

CLASSIFIER_SOURCE = f"{CLASSIFIER}:"
"""Prefix of advisory sources: they raise a rating but cannot set the first one."""

DECLARED_WORDS_SOURCE = "declared:words"
"""The prompt of a generated file: also advisory, as it states the request and not the result."""

SURE = 2
"""Number of members who must have rated a file before a higher classifier rating requires another
review."""

FAR_APART = 2
"""Minimum difference between two classifiers, in rating levels, that requires a member's decision.
"""


@dataclass(frozen=True)
class AggregatedRating:
    """The rating of a file; `prohibited` is "minor", "category" or ""."""

    rating: Rating | None
    prohibited: str = ""
    unsettled: bool = False
    """True if two classifiers differ widely and no member has decided."""
    by_person: bool = False
    raised_at: datetime | None = None
    """Time at which a classifier first exceeded the ratings of two members, if none has rated
    since."""
    lowered_by: frozenset[UUID] = frozenset()
    """The principals who requested or supported the lowerings that affect the rating."""
    lowering_void: bool = False
    """True if a lowering is not, or no longer, in effect."""


def aggregate_ratings(sha256: str, found: Sequence[Any]) -> AggregatedRating:
    """Aggregate the ratings of a file and of related assets.

    A file with advisory ratings alone is unrated, unless it is prohibited.
    """
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
    # The error rates of free classifiers are unknown, so they must not clear content
    # (docs/adr/0025).
    if all(row.source.startswith((CLASSIFIER_SOURCE, DECLARED_WORDS_SOURCE)) for row in own):
        return AggregatedRating(None, unsettled=_is_unsettled(own))
    by_person = any(row.source.startswith(PEOPLE) for row in own)
    return AggregatedRating(
        rating, unsettled=_is_unsettled(own), by_person=by_person, raised_at=_raised_at(own)
    )


def _raised_at(own: Sequence[Any]) -> datetime | None:
    """Return the time of the first classifier rating above those of two or more members.

    Return None if a member has rated since.
    """
    people: set[str] = set()
    highest_said = -1
    raised = None
    for row in sorted(own, key=lambda each: each.at):
        rank = Rating(row.rating).rank
        if row.source.startswith(PEOPLE):
            people.add(row.source)
            if row.source.startswith(LOWERING_SOURCE):
                # A lowering counts as two people: one requested it and one agreed.
                people.add(f"{row.source}:asked")
            highest_said = max(highest_said, rank)
            if raised is not None:
                return None
        elif (
            row.source.startswith(CLASSIFIER_SOURCE) and len(people) >= SURE and rank > highest_said
        ):
            raised = raised or row.at
    return raised


def _is_unsettled(own: Sequence[Any]) -> bool:
    """Return True if classifiers differ by two levels and no member's rating reaches the higher
    one."""
    said: dict[str, int] = {}
    for row in own:
        name, _, _ = row.source.partition("@")
        said[name] = max(said.get(name, 0), Rating(row.rating).rank)
    machines = [rank for name, rank in said.items() if name.startswith(CLASSIFIER)]
    people = max((rank for name, rank in said.items() if name.startswith(PEOPLE)), default=-1)
    return (
        len(machines) > 1 and max(machines) - min(machines) >= FAR_APART and people < max(machines)
    )
