"""What a second person is asked for: ratings to be lowered, what is read afterwards, and comparing how people rate."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from dashboard.reads.approvals import Shot, shots
from foundation.database import Scope
from gate import calibrating, lowering, sampling
from gate.calibrating import Open, Result
from gate.lowering import Wish
from gate.sampling import Drawn
from studio import reads as studio_reads

POSTS = frozenset({"delivery", "export"})
"""What a guest may read afterwards: never a chat."""


@dataclass(frozen=True)
class Second:
    """What waits, of these creators."""

    wishes: Sequence[Wish]
    drawn: Sequence[Drawn]

    @property
    def count(self) -> int:
        """How many decisions that is."""
        return len(self.wishes) + len(self.drawn)


@dataclass(frozen=True)
class Comparison:
    """The next picture of the comparison under way for this member, and how the last one ended."""

    under_way: Open | None
    asset_id: UUID | None
    last: Result | None
    waits: bool = False
    """They have rated all of it, and somebody else has not."""
    others: bool = False
    """One is under way with pictures of creators they do not work for: nobody ends one they see a part of."""


def second(scope: Scope, creators: Collection[UUID], *, guest: bool) -> Second:
    """What somebody who may review is asked for."""
    drawn = [one for one in sampling.waiting(scope, creators) if not guest or one.subject.kind in POSTS]
    return Second(lowering.waiting(scope, creators), drawn)


def pictures(scope: Scope, drawn: Sequence[Drawn]) -> dict[UUID, Mapping[str, Shot]]:
    """The pictures of each thing to read, by their bytes; what is withheld is left out. Read at once."""
    known = studio_reads.assets_of(scope, {medium.sha256 for one in drawn for medium in one.unit.media})
    found = shots(scope, [(asset, sha256, "") for sha256, asset in known.items()])
    shown = {shot.sha256: shot for shot in found if not shot.standing.withheld}
    return {
        one.id: {
            medium.sha256: replace(shown[medium.sha256], alt=medium.alt)
            for medium in one.unit.media
            if medium.sha256 in shown
        }
        for one in drawn
    }


def comparison(scope: Scope, creators: Collection[UUID]) -> Comparison:
    """The comparison for the acting member, who works for these creators."""
    found, last = calibrating.under_way(scope), calibrating.result(scope)
    if found is None:
        return Comparison(None, None, last, waits=calibrating.begun(scope))
    mine = studio_reads.assets_of(scope, found.left, creators=creators)
    if len(mine) < len(found.left):
        return Comparison(None, None, last, others=True)
    return Comparison(found, mine[found.left[0]], last)
